import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene, uniqueName } from './scene.ts';
import { Service } from './service.ts';
import { imageOf } from './topic-image.ts';

let scene: Scene;

beforeAll(async () => {
  const { mysql, kafka } = await testServers('mysql', 'kafka');
  scene = await Scene.open({ mysql, brokers: kafka.brokers });
});

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

test('tables come and go with the configuration file while the reader runs, and what is wrong in it changes nothing', async () => {
  const { sql, stack, database } = scene;
  await sql.run(
    'CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20))',
    "INSERT INTO a VALUES (1, 'a')",
    'CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(20))',
    "INSERT INTO b VALUES (1, 'x'), (2, 'y')",
    'CREATE TABLE keyless (v VARCHAR(20))',
  );
  const file = join(stack.folder, `${uniqueName('live')}.yaml`);
  const write = async (tables: readonly string[], more: Readonly<Record<string, unknown>> = {}): Promise<void> => {
    const include = tables.map((table) => `${database}.${table}`);
    await writeFile(file, JSON.stringify({ ...scene.readerConfig({ source: { include } }), ...more }));
  };
  const becomes = (table: string, wanted: Readonly<Record<string, string>>): Promise<void> =>
    reader.until(`${table} as ${JSON.stringify(wanted)}`, async () => {
      if ((await scene.topics.count(scene.topic(table))) === 0) return false;
      return JSON.stringify(await imageOf(scene.topics, scene.topic(table))) === JSON.stringify(wanted);
    });

  await write(['a']);
  const reader = await Service.run(stack, uniqueName('live'), ['reader', '--config', file]);
  await becomes('a', { 1: 'a' });

  await write(['a', 'b']);
  await becomes('b', { 1: 'x', 2: 'y' });
  await sql.run("UPDATE b SET v = 'z' WHERE id = 2", "INSERT INTO a VALUES (2, 'b')");
  await becomes('b', { 1: 'x', 2: 'z' });
  await becomes('a', { 1: 'a', 2: 'b' });

  await write(['b']);
  await reader.until('the second change of the configuration at work', async () => {
    const said = (await reader.entries()).map(({ message }) => message);
    const counts = said.flatMap((message, i) => (/it counts from here on$/.test(message) ? [i] : []));
    return counts[1] !== undefined && said.includes('streaming', counts[1]);
  });
  await sql.run('DELETE FROM a WHERE id = 1', "INSERT INTO b VALUES (3, 'w')");
  await becomes('b', { 1: 'x', 2: 'z', 3: 'w' });
  await becomes('a', { 1: 'a', 2: 'b' });

  await write(['b', 'keyless']);
  await reader.errorOf('SCHEMA_NO_KEY');
  await write(['b'], { sauce: true });
  await reader.errorOf('CONFIG_UNKNOWN_KEY');
  await write(['a', 'b']);
  await becomes('a', { 2: 'b' });
  expect(reader.running).toBe(true);
  expect(await reader.stop()).toBe(0);
});
