import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openStack, type Stack } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { compareAll } from './compare.ts';
import { loadShop, SHOP_TABLES, selectRows, storedRow } from './shop.ts';
import { openRedis } from './stores/redis.ts';
import { type DemoStore, rowName } from './stores/store.ts';

let stack: Stack<{ mysql: true }>;
let mysql: Connection;
let store: DemoStore;
let redis: Redis;

beforeAll(async () => {
  stack = await openStack({ mysql: true });
  mysql = await stack.mysql.connect();
  store = await openRedis(stack);
  redis = new Redis({ port: store.server.port });
  await loadShop(mysql);
});

afterAll(async () => {
  redis.disconnect();
  await store[Symbol.asyncDispose]();
  await mysql.end();
  await stack[Symbol.asyncDispose]();
});

/** What a writer without a fault would leave. */
async function copyShop(): Promise<void> {
  for (const table of SHOP_TABLES) {
    const [rows] = await mysql.query<RowDataPacket[][]>({ sql: selectRows(table, ''), rowsAsArray: true });
    for (const values of rows as unknown as (string | null)[][]) {
      const row = storedRow(table, values);
      const key = table.key.map((column) => row[column] ?? '');
      await redis.hset(`${table.name}:${rowName(key)}`, { ...row, _v: '00' });
    }
  }
}

test('a faithful copy has no difference, and each single fault in it is found', async () => {
  await copyShop();
  const clean = await compareAll(mysql, store, SHOP_TABLES);
  expect(clean.differences).toEqual([]);
  expect(clean.rows).toBeGreaterThan(3500);
  expect(clean.found).toBe(clean.rows);

  await redis.hset('customers:7', 'city', 'Atlantis');
  await redis.del('orders:1000');
  await redis.hset('coupons:GONE', 'code', 'GONE');
  await redis.hset('customers:5', 'birthday', '1970-01-01');
  const { differences } = await compareAll(mysql, store, SHOP_TABLES);
  expect(differences).toHaveLength(4);
  for (const name of ['customers:7', 'orders:1000', 'coupons:GONE', 'customers:5']) {
    expect(differences.filter((line) => line.startsWith(`${name}:`))).toHaveLength(1);
  }
});
