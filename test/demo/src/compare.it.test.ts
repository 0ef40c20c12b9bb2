import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openStack, type Stack } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { compareAll, expectedHash, redisKey, selectRows } from './compare.ts';
import { loadShop, SHOP_TABLES } from './shop.ts';

let stack: Stack<{ mysql: true; redis: true }>;
let mysql: Connection;
let redis: Redis;

beforeAll(async () => {
  stack = await openStack({ mysql: true, redis: true });
  mysql = await stack.mysql.connect();
  redis = new Redis(stack.redis.port);
  await loadShop(mysql);
});

afterAll(async () => {
  redis.disconnect();
  await mysql.end();
  await stack[Symbol.asyncDispose]();
});

/** What a writer without a fault would leave. */
async function copyShop(): Promise<void> {
  await redis.flushall();
  for (const table of SHOP_TABLES) {
    const [rows] = await mysql.query<RowDataPacket[][]>({ sql: selectRows(table, ''), rowsAsArray: true });
    const columns = [...table.columns.keys()];
    for (const row of rows as unknown as (string | null)[][]) {
      const key = table.key.map((column) => row[columns.indexOf(column)] ?? '');
      await redis.hset(redisKey(table, key), Object.fromEntries(expectedHash(table, row)));
    }
  }
}

test('a faithful copy has no difference, and each single fault in it is found', async () => {
  await copyShop();
  const clean = await compareAll(mysql, redis, SHOP_TABLES);
  expect(clean.differences).toEqual([]);
  expect(clean.rows).toBeGreaterThan(3500);
  expect(clean.keys).toBe(clean.rows);
  const differences = async (): Promise<readonly string[]> => (await compareAll(mysql, redis, SHOP_TABLES)).differences;

  await redis.hset('customers:7', 'city', 'Atlantis');
  await redis.del('orders:1000');
  await redis.hset('coupons:GONE', 'code', 'GONE');
  await redis.hset('customers:5', 'birthday', '1970-01-01');
  const found = await differences();
  expect(found).toHaveLength(4);
  for (const name of ['customers:7', 'orders:1000', 'coupons:GONE', 'customers:5']) {
    expect(found.filter((line) => line.startsWith(`${name}:`))).toHaveLength(1);
  }
});
