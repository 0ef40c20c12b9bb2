import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openStack, type Stack, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { Scene } from './scene.ts';

const PARTIAL = { source: { rowImage: 'partial' } };
const CREATE = 'CREATE TABLE t (id int PRIMARY KEY, name varchar(40) NOT NULL, bio text, n int NOT NULL)';
const INSERT = "INSERT INTO t VALUES (1, 'one', 'long one', 10), (2, 'two', NULL, 20), (3, 'three', 'long three', 30)";
const COLUMNS = ['id', 'name', 'bio', 'n'];

const CASES: readonly (readonly ['mysql' | 'mariadb' | 'mariadb118', string])[] = [
  ['mysql', 'MINIMAL'],
  ['mysql', 'NOBLOB'],
  ['mariadb', 'MINIMAL'],
  ['mariadb', 'NOBLOB'],
  ...(process.env['TAPLINE_CHAOS'] === 'long' ? ([['mariadb118', 'FULL_NODUP']] as const) : []),
];

describe.each(CASES)('%s with binlog_row_image = %s', (server, image) => {
  let stack: Stack;
  let scene: Scene;
  let redisAddress: string;
  let redis: Redis;

  beforeEach(async () => {
    stack = await openStack({});
    const mysql = server === 'mariadb118' ? (await stack.add(server)).address : (await testServers(server))[server];
    const servers = await testServers('kafka', 'redis');
    scene = await Scene.open({ mysql, brokers: servers.kafka.brokers });
    redisAddress = servers.redis.address;
    redis = new Redis({ port: servers.redis.port });
    await scene.sql.run(CREATE, INSERT, `SET SESSION binlog_row_image = ${image}`);
  });
  afterEach(async () => {
    redis.disconnect();
    await scene[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  test('messages carry what the event has, and a hash ends with the rows that SELECT shows', async () => {
    // FULL_NODUP leaves out only what the row before has: such rows are whole.
    const isWhole = image === 'FULL_NODUP';
    const reader = await scene.reader(isWhole ? {} : PARTIAL);
    await scene.records(reader, 't', 3);
    await scene.sql.run(
      "INSERT INTO t VALUES (4, 'four', 'long four', 40)",
      "UPDATE t SET name = 'eins' WHERE id = 1",
      'UPDATE t SET bio = NULL WHERE id = 3',
      "UPDATE t SET n = n + 1, bio = 'now long' WHERE id = 2",
      'UPDATE t SET n = 0 WHERE id = 4',
      'DELETE FROM t WHERE id = 3',
      "INSERT INTO t VALUES (3, 'again', NULL, 33)",
    );
    await scene.records(reader, 't', 11);
    const writer = await scene.writer('t', redisAddress);
    const shown = await scene.sql.rows(`SELECT ${COLUMNS.join()} FROM t ORDER BY id`);
    const expected = shown.map((row) =>
      Object.fromEntries(COLUMNS.map((column, at) => [column, row[at]]).filter(([, value]) => value !== null)),
    );
    const inRedis = async (): Promise<unknown[]> =>
      await Promise.all(
        [1, 2, 3, 4].map(async (id) => {
          const { _v, ...row } = await redis.hgetall(`${scene.database}:${id}`);
          return { ...row };
        }),
      );
    await writer.until('the same rows', async () => isDeepStrictEqual(await inRedis(), expected));
    const updates = (await scene.topics.read(scene.topic('t'))).filter(({ op }) => op === 'u');
    // Absent is null in Avro, also in a NOT NULL column; the key is always there.
    expect(updates.map(({ key, after }) => [key?.id, after?.id])).toEqual(
      expect.arrayContaining([1, 2, 3, 4].map((id) => [id, id])),
    );
    const bio = isWhole ? 'long one' : null;
    expect(updates.find(({ key }) => key?.id === 1)?.after).toMatchObject({ name: 'eins', bio });
    expect([await writer.stop(), await reader.stop()]).toEqual([0, 0]);
  });
});

test('an update that moves a row to another key and does not carry all of it stops the reader', async () => {
  const { mysql, kafka } = await testServers('mysql', 'kafka');
  await using scene = await Scene.open({ mysql, brokers: kafka.brokers });
  await scene.sql.run(CREATE, INSERT, 'SET SESSION binlog_row_image = MINIMAL');
  const reader = await scene.reader(PARTIAL);
  await scene.records(reader, 't', 3);
  await scene.sql.run('UPDATE t SET id = 9 WHERE id = 1', "UPDATE t SET name = 'zwei' WHERE id = 2");
  expect(await reader.ended()).toBe(1);
  expect((await reader.errorOf('SOURCE_ROW_IMAGE')).message).toContain('bio');
  expect((await scene.topics.read(scene.topic('t'))).map(({ op }) => op)).toEqual(['r', 'r', 'r']);
});

test('MINIMAL updates that race with the first load take nothing of a row away', async () => {
  const { mysql, kafka, redis: store } = await testServers('mysql', 'kafka', 'redis');
  await using scene = await Scene.open({ mysql, brokers: kafka.brokers });
  const rows = Array.from({ length: 400 }, (_, i) => `(${i}, 'first', 'long', ${i})`).join();
  await scene.sql.run(CREATE, `INSERT INTO t VALUES ${rows}`, 'SET SESSION binlog_row_image = MINIMAL');
  let loading = true;
  const load = (async () => {
    for (let n = 0; loading; n++) {
      const from = (n * 37) % 400;
      await scene.sql.run(
        `UPDATE t SET ${n % 2 === 0 ? 'n = n + 1000' : `name = 'name ${n}'`} WHERE id BETWEEN ${from} AND ${from + 60}`,
      );
    }
  })();
  const reader = await scene.reader({ ...PARTIAL, snapshot: { chunkRows: 20 } });
  await scene.records(reader, 't', 1500);
  loading = false;
  await load;
  const writer = await scene.writer('t', store.address);
  const redis = new Redis({ port: store.port });
  const shown = await scene.sql.rows('SELECT id, name, bio, n FROM t ORDER BY id');
  const inRedis = async (): Promise<unknown[]> =>
    await Promise.all(shown.map(([id]) => redis.hmget(`${scene.database}:${id}`, ...COLUMNS)));
  await writer.until('the same rows', async () => isDeepStrictEqual(await inRedis(), shown));
  redis.disconnect();
});

test.each(['mysql', 'mysql80'] as const)(
  '%s: JSON updates logged as differences come as whole documents, also in compressed transactions',
  async (server) => {
    const { kafka, ...servers } = await testServers(server, 'kafka');
    await using scene = await Scene.open({ mysql: servers[server], brokers: kafka.brokers });
    const { sql } = scene;
    await sql.run(
      'CREATE TABLE d (id int PRIMARY KEY, j json)',
      `INSERT INTO d VALUES (1, JSON_OBJECT('a', JSON_ARRAY(1, 2.5), 'text', REPEAT('ü', 500)))`,
      "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
    );
    const reader = await scene.reader();
    await scene.records(reader, 'd', 1);
    const shown: string[] = [];
    for (const [i, change] of [
      "JSON_SET(j, '$.a[2]', CAST('2024-02-29' AS DATE))",
      "JSON_REPLACE(j, '$.a[0]', JSON_OBJECT('é', NULL))",
      "JSON_REMOVE(j, '$.a[1]')",
      "JSON_SET(j, '$.new', 18446744073709551615, '$.a[0].x', 1.10)",
    ].entries()) {
      await sql.run(`SET SESSION binlog_transaction_compression = ${i % 2}`, `UPDATE d SET j = ${change}`);
      shown.push(await sql.value('SELECT j FROM d'));
    }
    await scene.records(reader, 'd', 1 + shown.length);
    const updates = (await scene.topics.read(scene.topic('d'))).filter(({ op }) => op === 'u');
    expect(updates.map(({ after }) => after?.j)).toEqual(shown);
    expect(updates.slice(1).map(({ before }) => before?.j)).toEqual(shown.slice(0, -1));
  },
);
