import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Checks } from './check.ts';
import { EAST_CHANGES, EAST_RECORDS } from './shop.ts';
import type { World } from './world.ts';

/** As `${key.id:int64}` writes it: big endian, the sign bit turned round. */
function sortableInt64(id: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(id));
  bytes[0] = (bytes[0] ?? 0) ^ 0x80;
  return bytes;
}

/** The row's columns in HBase, as they are there. */
async function cells(world: World, table: string, row: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const found = await world.hbase.row(table, row, ['d']);
  return new Map(found.map(({ column, value }) => [column, value]));
}

/** Orders that were in MySQL once: an archive keeps them. */
const EVER = ['1', '2', '3', '4', '5'];

/** A query gives the same rows of both databases. */
async function sameRows(world: World, select: string, [left, right]: readonly [string, string]): Promise<void> {
  assert.deepEqual(await world.sql.rows(`${select} ${right}`), await world.sql.rows(`${select} ${left}`));
}

const USERS = 'SELECT * FROM accounts.users ORDER BY id';

export const TABLE_CHECKS: Checks = {
  'two-way-west-to-east': {
    async expect(world) {
      assert.deepEqual(await world.east.rows(USERS), await world.sql.rows(USERS));
    },
  },
  'two-way-east-to-west': {
    async use(world) {
      await world.east.run(...EAST_CHANGES);
    },
    async expect(world) {
      assert.deepEqual(await world.sql.rows(USERS), await world.east.rows(USERS));
      // What came from the west is not published as a change of the east.
      const records = await world.topics.count('east.accounts.users');
      const changed = (await world.east.rows('SELECT id FROM accounts.users WHERE id = 20')).length > 0;
      assert.equal(records, changed ? EAST_RECORDS : 0);
    },
  },
  'hbase-archive': {
    async expect(world) {
      const rows = await world.sql.rows('SELECT id, status, total, created_at FROM orders');
      for (const [id = '', status, total, created] of rows) {
        const found = await cells(world, 'orders_archive', sortableInt64(id ?? ''));
        const shown = ['status', 'total', 'created_at'].map((column) => found.get(column)?.toString());
        assert.deepEqual(shown, [status, total, created?.replace(' ', 'T')]);
      }
      for (const id of EVER) assert.ok((await cells(world, 'orders_archive', sortableInt64(id))).has('status'), id);
    },
  },
  'hbase-salted-keys': {
    async expect(world) {
      const rows = await world.sql.rows('SELECT id, customer_id, status FROM orders');
      const live = new Map(rows.map(([id, customer, status]) => [id, [BigInt(id ?? 0), Number(customer), status]]));
      for (const id of [...EVER, '6']) {
        const salt = createHash('md5').update(id).digest().readUInt32BE() % 4;
        const found = await cells(world, 'orders_salted', Buffer.concat([Buffer.from(`${salt}-`), sortableInt64(id)]));
        const shown = [
          found.get('id')?.readBigInt64BE(),
          found.get('customer_id')?.readInt32BE(),
          found.get('status')?.toString(),
        ];
        assert.deepEqual(shown, live.get(id) ?? [undefined, undefined, undefined]);
      }
      assert.equal(await world.hbase.regions('orders_salted'), 4);
    },
  },
  'mysql-copy': {
    async expect(world) {
      for (const table of ['orders', 'order_items', 'products']) {
        await sameRows(world, 'SELECT * FROM', [`shop.${table} ORDER BY 1, 2`, `shop_copy.${table} ORDER BY 1, 2`]);
      }
    },
  },
  'test-environment': {
    async expect(world) {
      const orders = 'SELECT id, customer_id, status, total FROM';
      await sameRows(world, orders, [
        `shop.orders WHERE status <> 'placed' ORDER BY id`,
        'shop_test.orders ORDER BY id',
      ]);
      const shown = 'SELECT id, tenant, city, name, phone, email FROM shop_test.customers ORDER BY id';
      const source = `SELECT id, tenant, city, CONCAT('Customer ', id), IF(phone IS NULL, NULL, '***'), email FROM shop.customers
        WHERE tenant = 'acme' ORDER BY id`;
      const [found, expected] = [await world.sql.rows(shown), await world.sql.rows(source)];
      assert.deepEqual(
        found.map((row) => row.slice(0, 5)),
        expected.map((row) => row.slice(0, 5)),
      );
      for (const [at, row] of found.entries()) {
        if (expected[at]?.[5] === null) assert.equal(row[5], null);
        else assert.match(row[5] ?? '', /^[0-9a-f]{64}$/);
      }
    },
  },
};
