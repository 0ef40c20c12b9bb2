import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import { Kafka, logLevel } from 'kafkajs';
import { Scene, uniqueName } from './scene.ts';
import { imageOf } from './topic-image.ts';

describe('reload', () => {
  let scene: Scene;
  let brokers: readonly string[];

  beforeAll(async () => {
    const { mysql, kafka } = await testServers('mysql', 'kafka');
    brokers = kafka.brokers;
    scene = await Scene.open({ mysql, brokers });
  });

  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
  });

  test('a reader whose progress is lost loads the tables again, and deletes from their topics what is not in them any more', async () => {
    const { sql } = scene;
    await sql.run(
      'CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))',
      "INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd')",
      'CREATE TABLE gone (id INT PRIMARY KEY, v INT)',
      'INSERT INTO gone VALUES (1, 1)',
    );
    const first = await scene.reader();
    await scene.records(first, 't', 4);
    await scene.records(first, 'gone', 1);
    expect(await first.stop()).toBe(0);
    await sql.run(
      'DELETE FROM t WHERE id IN (2, 3)',
      "UPDATE t SET v = 'x' WHERE id = 4",
      'INSERT INTO t VALUES (5, 5)',
    );
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [`${scene.source}.progress`] });
    await admin.disconnect();
    // Brokers let go of a topic a moment after they have said so.
    while (await scene.topics.exists(`${scene.source}.progress`)) await sleep(100);

    const second = await scene.reader();
    await scene.records(second, 't', 4 + 3 + 4);
    await sql.run("INSERT INTO t VALUES (2, 'again')");
    await scene.records(second, 't', 4 + 3 + 4 + 1);
    const records = await scene.topics.read(scene.topic('t'));
    expect(await imageOf(scene.topics, scene.topic('t'))).toEqual({ 1: 'a', 2: 'again', 4: 'x', 5: '5' });
    expect(records.filter(({ op }) => op === 'd').map(({ key }) => key?.['id'])).toEqual(
      expect.arrayContaining([2, 3]),
    );
    await scene.records(second, 'gone', 2);
    expect(await second.stop()).toBe(0);
    expect(await scene.topics.count(scene.topic('gone'))).toBe(2);
  });

  test('rows that come or go without change events: their tables are loaded again', async () => {
    const { sql } = scene;
    await sql.run(
      'CREATE TABLE emptied (id INT PRIMARY KEY, v VARCHAR(20))',
      "INSERT INTO emptied VALUES (1, 'a'), (2, 'b')",
      'CREATE TABLE _kept_outside (id INT PRIMARY KEY, v VARCHAR(20))',
      "INSERT INTO _kept_outside VALUES (7, 'x'), (8, 'y')",
    );
    const include = ['emptied', 'arrived'].map((table) => `${scene.database}.${table}`);
    const source = `${scene.source}_vanished`;
    const reader = await scene.reader({ name: source, source: { include } });
    await scene.records(reader, 'emptied', 2, source);
    await sql.run('TRUNCATE emptied', "INSERT INTO emptied VALUES (2, 'new'), (3, 'c')");
    await sql.run('RENAME TABLE _kept_outside TO arrived', "UPDATE arrived SET v = 'z' WHERE id = 8");
    const images = async (): Promise<unknown> => ({
      emptied: await imageOf(scene.topics, scene.topic('emptied', source)),
      arrived: await imageOf(scene.topics, scene.topic('arrived', source)),
    });
    await scene.records(reader, 'arrived', 2, source);
    const wanted: Record<string, unknown> = { emptied: { 2: 'new', 3: 'c' }, arrived: { 7: 'x', 8: 'z' } };
    await reader.until('topics as the tables', async () => JSON.stringify(await images()) === JSON.stringify(wanted));
    // What no event tells of at all, a person may know.
    await sql.run('SET sql_log_bin = 0', 'DELETE FROM emptied WHERE id = 2', 'SET sql_log_bin = 1');
    expect(await reader.post('/reload')).toBe(400);
    expect(await reader.post(`/reload?table=${scene.database}.nothing`)).toBe(404);
    expect(await reader.post(`/reload?table=${scene.database}.emptied`)).toBe(202);
    wanted['emptied'] = { 3: 'c' };
    await reader.until('the table as it is', async () => JSON.stringify(await images()) === JSON.stringify(wanted));
    await sql.run('DROP TABLE arrived');
    await reader.until('deletes of a table that is gone', async () => {
      return JSON.stringify(await images()) === JSON.stringify({ ...wanted, arrived: {} });
    });
    expect(await reader.stop()).toBe(0);
  });

  test('a NOT NULL column that is added is compatible: its default is what older rows have, and rows of the stream and of a load name the same schema', async () => {
    const { sql, database } = scene;
    await sql.run('CREATE TABLE grown (id INT PRIMARY KEY)', 'INSERT INTO grown VALUES (1)');
    const name = uniqueName('grown');
    const table = `${database}.grown`;
    const reader = await scene.reader({ name, source: { include: [table] }, history: { incompatible: 'stop' } });
    await scene.records(reader, 'grown', 1, name);
    await sql.run(
      "ALTER TABLE grown ADD n INT NOT NULL DEFAULT 5, ADD t VARCHAR(9) NOT NULL DEFAULT 'x'",
      "INSERT INTO grown VALUES (2, 2, 'y')",
      // What comes after it has another default, and the old rows do not.
      'ALTER TABLE grown ALTER n SET DEFAULT 6, ADD late DATETIME(6) NULL',
      "INSERT INTO grown VALUES (3, 3, 'z', NULL)",
    );
    await scene.records(reader, 'grown', 3, name);
    expect(await reader.post(`/reload?table=${table}`)).toBe(202);
    await scene.records(reader, 'grown', 6, name);
    const ids = (await scene.topics.raw(scene.topic('grown', name))).map(({ message }) =>
      message.value?.readInt32BE(1),
    );
    // The first row, the second one, and all behind it: a schema for each form of the table.
    expect(new Set(ids).size).toBe(3);
    const answer = (await reader.answer(`/schema/${database}/grown`)) as { schemas: { value: { schema: string } } };
    const { schema } = answer.schemas.value;
    expect(schema).toContain('{"name":"n","type":"int","default":5,');
    expect(schema).toContain('{"name":"t","type":"string","default":"x",');
    expect(await reader.stop()).toBe(0);
  });

  test('a restart with other tables: new ones are loaded, others are left as they are, and one that was away is set right', async () => {
    const { sql } = scene;
    await sql.run(
      'CREATE TABLE first_one (id INT PRIMARY KEY, v VARCHAR(20))',
      "INSERT INTO first_one VALUES (1, 'a'), (2, 'b')",
      'CREATE TABLE second_one (id INT PRIMARY KEY, v VARCHAR(20))',
      "INSERT INTO second_one VALUES (5, 'e')",
    );
    const source = `${scene.source}_tables`;
    const start = (...tables: string[]): ReturnType<Scene['reader']> =>
      scene.reader({ name: source, source: { include: tables.map((table) => `${scene.database}.${table}`) } });
    const read = (table: string): Promise<unknown> => imageOf(scene.topics, scene.topic(table, source));

    const first = await start('first_one');
    await scene.records(first, 'first_one', 2, source);
    expect(await first.stop()).toBe(0);

    const second = await start('second_one');
    await scene.records(second, 'second_one', 1, source);
    await sql.run('DELETE FROM first_one WHERE id = 1', "INSERT INTO first_one VALUES (3, 'c')");
    await sql.run("INSERT INTO second_one VALUES (6, 'f')");
    await scene.records(second, 'second_one', 2, source);
    expect(await read('first_one')).toEqual({ 1: 'a', 2: 'b' });
    expect(await second.stop()).toBe(0);

    const third = await start('first_one', 'second_one');
    await third.until('the table that was away as it is', async () => {
      return JSON.stringify(await read('first_one')) === JSON.stringify({ 2: 'b', 3: 'c' });
    });
    expect(await read('second_one')).toEqual({ 5: 'e', 6: 'f' });
    expect(await third.stop()).toBe(0);
    expect(await scene.topics.count(scene.topic('second_one', source))).toBe(2);
  });
});
