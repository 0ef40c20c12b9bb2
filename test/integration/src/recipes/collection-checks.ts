import assert from 'node:assert/strict';
import type { Checks } from './check.ts';
import type { World } from './world.ts';

/** The keys that begin so, each with what `read` finds there. */
async function keys<T>(
  world: World,
  prefix: string,
  read: (key: string) => Promise<T>,
): Promise<Readonly<Record<string, T>>> {
  const found = (await world.redis.keys(`${prefix}*`)).toSorted();
  return Object.fromEntries(await Promise.all(found.map(async (key) => [key, await read(key)] as const)));
}

/** The rows of a query in groups by their first column, the other columns joined. */
async function groups(world: World, sql: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const grouped: Record<string, string[]> = {};
  for (const [name, ...values] of await world.sql.rows(sql)) (grouped[name ?? ''] ??= []).push(values.join(' '));
  return grouped;
}

const CACHED = [1, 2, 3, 4, 99];

export const COLLECTION_CHECKS: Checks = {
  'cache-aside-invalidation': {
    async use(world) {
      for (const id of CACHED) await world.redis.set(`profile:${id}`, 'as the application read it');
    },
    async expect(world) {
      const rows = Number(await world.sql.value('SELECT COUNT(*) FROM customers'));
      assert.ok((await world.redis.keys('_profile:profile:*')).length >= rows, 'not all changes have been seen');
      // Customers 1 to 4 have changed or gone by the time that the application has filled its cache; nobody knows a customer 99.
      const left = await world.redis.keys('profile:*');
      assert.ok(left.length === 0 || (left.length === 1 && left[0] === 'profile:99'), left.join());
    },
  },
  'orders-per-channel': {
    async expect(world) {
      const counted = await world.sql.rows('SELECT channel, COUNT(*) FROM orders GROUP BY channel');
      assert.deepEqual({ ...(await world.redis.hgetall('orders-per-channel')) }, Object.fromEntries(counted));
    },
  },
  'revenue-per-day': {
    async expect(world) {
      const taken = await world.sql.rows(
        `SELECT CONCAT('revenue:', DATE(created_at)), CAST(SUM(total) * 100 AS SIGNED) FROM orders WHERE status <> 'placed' GROUP BY 1`,
      );
      assert.deepEqual(await keys(world, 'revenue:', (key) => world.redis.get(key)), Object.fromEntries(taken));
    },
  },
  leaderboard: {
    async expect(world) {
      const boards = await keys(world, 'leaderboard:', async (key) => {
        const flat = await world.redis.zrevrange(key, 0, -1, 'WITHSCORES');
        return flat.flatMap((member, at) => (at % 2 === 0 ? [`${member} ${flat[at + 1]}`] : []));
      });
      const select = `SELECT CONCAT('leaderboard:', league), id, points FROM players ORDER BY points DESC, id DESC`;
      assert.deepEqual(boards, await groups(world, select));
    },
  },
  'orders-of-customer': {
    async expect(world) {
      const sets = await keys(world, 'orders-of:', async (key) => (await world.redis.smembers(key)).toSorted());
      assert.deepEqual(
        sets,
        await groups(world, `SELECT CONCAT('orders-of:', customer_id), id FROM orders ORDER BY id`),
      );
    },
  },
};
