import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Kafka, logLevel } from 'kafkajs';
import { Scene } from './scene.ts';
import type { TopicRecord } from './topic.ts';

/** What consumers of a compacted topic hold in the end: key → value, from the newest record of each key. */
function image(records: readonly TopicRecord[]): Record<string, unknown> {
  const held = new Map<string, unknown>();
  for (const { key, op, after } of records) {
    if (op === 'd' || op === 't') held.delete(String(key?.['id']));
    else held.set(String(key?.['id']), after?.['v']);
  }
  return Object.fromEntries(held);
}

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

    const second = await scene.reader();
    await scene.records(second, 't', 4 + 3 + 4);
    await sql.run("INSERT INTO t VALUES (2, 'again')");
    await scene.records(second, 't', 4 + 3 + 4 + 1);
    const records = await scene.topics.read(scene.topic('t'));
    expect(image(records)).toEqual({ 1: 'a', 2: 'again', 4: 'x', 5: '5' });
    expect(records.filter(({ op }) => op === 'd').map(({ key }) => key?.['id'])).toEqual(
      expect.arrayContaining([2, 3]),
    );
    expect(await scene.topics.count(scene.topic('gone'))).toBe(2);
    expect(await second.stop()).toBe(0);
  });
});
