import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { compareRedis } from './redis-compare.ts';

test('equal rows are accepted; a missing, a wrong and a surplus row are each found', async () => {
  const servers = await testServers('mysql', 'redis');
  const table = `t_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const connection = await createConnection(servers.mysql);
  const redis = new Redis({ ...servers.redis, db: 14 });
  try {
    await connection.query(`CREATE DATABASE ${table}`);
    await connection.query(`USE ${table}`);
    await connection.query(
      `CREATE TABLE ${table} (word VARCHAR(20) PRIMARY KEY, n DECIMAL(6,2), raw VARBINARY(4), at DATETIME(3))`,
    );
    await connection.query(
      `INSERT INTO ${table} VALUES ('ä:"', 1.50, x'00ff', '2026-01-02 03:04:05.060'), ('b', NULL, NULL, NULL)`,
    );
    const compare = async (): Promise<string[]> =>
      (
        await compareRedis(connection, redis, [{ table: `${table}.${table}`, keyColumns: ['word'] }])
      ).differences.filter((line) => line.startsWith(table));
    const version = '00000000000000a1';
    await redis.hset(`${table}:ä:"`, {
      word: 'ä:"',
      n: '1.50',
      raw: Buffer.from([0, 255]),
      at: '2026-01-02 03:04:05.060',
      _v: version,
    });
    await redis.hset(`${table}:b`, { word: 'b', _v: version });
    expect(await compare()).toEqual([]);

    await redis.hset(`${table}:b`, 'n', '0.00');
    expect(await compare()).toEqual([expect.stringMatching(/:b: MySQL has "b", NULL/)]);
    await redis.del(`${table}:b`);
    expect(await compare()).toHaveLength(2);
    await redis.hset(`${table}:b`, { word: 'b', _v: version });
    await redis.hset(`${table}:c`, { word: 'c', _v: version });
    expect(await compare()).toEqual([expect.stringMatching(/:c: in Redis, but MySQL has no such row/)]);
  } finally {
    const keys = await redis.keys(`${table}:*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
    await connection.query(`DROP DATABASE IF EXISTS ${table}`);
    await connection.end();
  }
});
