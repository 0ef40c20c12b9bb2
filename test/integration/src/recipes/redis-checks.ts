import assert from 'node:assert/strict';
import type { Checks } from './check.ts';
import type { World } from './world.ts';

type Fields = Readonly<Record<string, string>>;

/** The hashes whose names begin so, without the rows' versions. */
export async function hashes(world: World, prefix: string): Promise<Readonly<Record<string, Fields>>> {
  const found: Record<string, Fields> = {};
  for (const key of await world.redis.keys(`${prefix}*`)) {
    const { _v, ...fields } = await world.redis.hgetall(key);
    found[key] = fields;
  }
  return found;
}

const hasValue = (entry: readonly [string, string | null | undefined]): entry is readonly [string, string] =>
  typeof entry[1] === 'string';

/** The rows of a query, each under the name in its first column, as hashes of the other columns: NULLs have no field. */
async function rowsAsHashes(
  world: World,
  columns: readonly string[],
  sql: string,
): Promise<Readonly<Record<string, Fields>>> {
  const rows = await world.sql.rows(sql);
  return Object.fromEntries(
    rows.map(([name, ...values]) => [
      name ?? '',
      Object.fromEntries(columns.map((column, at) => [column, values[at]] as const).filter(hasValue)),
    ]),
  );
}

/** The texts whose names begin so. */
async function texts(world: World, prefix: string): Promise<Readonly<Record<string, string | null>>> {
  const keys = await world.redis.keys(`${prefix}*`);
  return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await world.redis.get(key)] as const)));
}

async function sameHashes(world: World, prefix: string, columns: readonly string[], sql: string): Promise<void> {
  assert.deepEqual(await hashes(world, prefix), await rowsAsHashes(world, columns, sql));
}

export const REDIS_CHECKS: Checks = {
  'customer-hash': {
    expect: (world) =>
      sameHashes(
        world,
        'customer:',
        ['id', 'tenant', 'name', 'email', 'phone', 'city', 'active'],
        `SELECT CONCAT('customer:', id), c.* FROM customers c`,
      ),
  },
  'product-json': {
    async expect(world) {
      const found = Object.entries(await texts(world, 'product:')).map(([key, text]) => {
        const { _v, ...product } = JSON.parse(text ?? '') as Record<string, unknown>;
        const { attributes } = product;
        return [key, { ...product, attributes: typeof attributes === 'string' ? JSON.parse(attributes) : null }];
      });
      const rows = await world.sql.rows('SELECT id, title, price, attributes FROM products');
      const expected = rows.map(([id, title, price, attributes]) => [
        `product:${id}`,
        { id: Number(id), title, price, attributes: JSON.parse(attributes ?? 'null') },
      ]);
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
    },
  },
  'price-lookup': {
    async expect(world) {
      const rows = await world.sql.rows(`SELECT CONCAT('price:', id), price FROM products`);
      assert.deepEqual(await texts(world, 'price:'), Object.fromEntries(rows));
    },
  },
  'hash-with-ttl': {
    async expect(world) {
      const rows = await world.sql.rows('SELECT id FROM sessions');
      for (const [id] of rows) {
        assert.equal(await world.redis.hget(`session:${id}`, 'id'), id);
        const seconds = await world.redis.ttl(`session:${id}`);
        assert.ok(seconds > 10 && seconds <= 1800, `session ${id} goes in ${seconds} s`);
      }
      const gone = (await world.redis.keys('session:*')).filter((key) => !rows.some(([id]) => key.endsWith(`:${id}`)));
      for (const key of gone) assert.ok((await world.redis.ttl(key)) <= 10, `${key} stays`);
    },
  },
  'active-rows-only': {
    expect: (world) =>
      sameHashes(
        world,
        'active-customer:',
        ['id', 'name', 'city'],
        `SELECT CONCAT('active-customer:', id), id, name, city FROM customers WHERE active = 1`,
      ),
  },
  'computed-fields': {
    expect: (world) =>
      sameHashes(
        world,
        'item:',
        ['order_id', 'line', 'product', 'quantity', 'price', 'amount', 'large', 'label', 'currency'],
        `SELECT CONCAT('item:', order_id, ':', line), i.*, price * quantity, quantity >= 3, CONCAT(quantity, ' x ', product_id), 'EUR'
         FROM order_items i`,
      ),
  },
  'tenant-redis': {
    expect: (world) =>
      sameHashes(
        world,
        'acme:customer:',
        ['id', 'name', 'email', 'phone', 'city', 'active'],
        `SELECT CONCAT('acme:customer:', id), id, name, email, phone, city, active FROM customers WHERE tenant = 'acme'`,
      ),
  },
  'typescript-module': {
    expect: (world) =>
      sameHashes(
        world,
        'initials:',
        ['id', 'name', 'initials'],
        `SELECT CONCAT('initials:', id), id, name, CONCAT(LEFT(name, 1), LEFT(SUBSTRING_INDEX(name, ' ', -1), 1)) FROM customers`,
      ),
  },
  'many-tables': {
    async expect(world) {
      const tables = await world.sql.rows(`SHOW TABLES LIKE 'log\\_%'`);
      const selects = tables.map(([table]) => `SELECT CONCAT('log:${table}:', id), id, text FROM ${table}`);
      await sameHashes(world, 'log:', ['id', 'text'], selects.join(' UNION ALL '));
    },
  },
  'dead-letters': {
    async expect(world) {
      const digits = `phone IS NULL OR phone REGEXP '^[0-9]+$'`;
      const select = `SELECT CONCAT('phone:', id), id, phone FROM customers WHERE ${digits}`;
      await sameHashes(world, 'phone:', ['id', 'phone'], select);
      const parked = await world.topics.count('dead-letters.dead-letters');
      const refused = Number(await world.sql.value(`SELECT COUNT(*) FROM customers WHERE NOT (${digits})`));
      assert.ok(parked >= refused, `${parked} dead letters of ${refused} rows`);
    },
  },
};
