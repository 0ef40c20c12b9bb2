import assert from 'node:assert/strict';
import type { Checks } from './check.ts';
import { hashes } from './redis-checks.ts';
import type { World } from './world.ts';

interface Message {
  readonly key: string | null;
  readonly value: unknown;
}

/** What another product left in its topic, before the writers start. */
async function produce(world: World, topic: string, messages: readonly Message[]): Promise<void> {
  const admin = world.kafka.admin();
  const producer = world.kafka.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  // Waiting for leaders fails with a broker that does not know the topic yet; the producer tries again.
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: false });
  const records = messages.map(({ key, value }) => ({ key, value: value === null ? null : JSON.stringify(value) }));
  await producer.send({ topic, messages: records });
  await Promise.all([admin.disconnect(), producer.disconnect()]);
}

const field = (name: string, type: string, rest: object = {}): object => ({
  field: name,
  type,
  optional: true,
  ...rest,
});
const ROW = [
  field('id', 'int64'),
  field('status', 'string'),
  field('at', 'int64', { name: 'io.debezium.time.Timestamp' }),
];
const KEY_SCHEMA = { type: 'struct', name: 'legacy.shop.orders.Key', optional: false, fields: [field('id', 'int64')] };
const VALUE_SCHEMA = {
  type: 'struct',
  name: 'legacy.shop.orders.Envelope',
  fields: [
    { type: 'struct', name: 'legacy.shop.orders.Value', fields: ROW, optional: true, field: 'before' },
    { type: 'struct', name: 'legacy.shop.orders.Value', fields: ROW, optional: true, field: 'after' },
    { type: 'struct', fields: [field('db', 'string'), field('table', 'string')], optional: false, field: 'source' },
    field('op', 'string'),
  ],
};

function debezium(op: string, id: number, status: string): Message {
  const row = { id, status, at: 1_772_323_199_000 };
  const [before, after] = op === 'd' ? [row, null] : [null, row];
  return {
    key: JSON.stringify({ schema: KEY_SCHEMA, payload: { id } }),
    value: { schema: VALUE_SCHEMA, payload: { before, after, source: { db: 'shop', table: 'orders' }, op } },
  };
}

function canal(type: string, table: string, row: Readonly<Record<string, string>>): Message {
  const columns = Object.keys(row).map((column) => [column, column === 'id' ? 'bigint' : 'varchar(20)']);
  const mysqlType = Object.fromEntries(columns) as unknown;
  const head = { database: 'shop', table, type, isDdl: false, es: 1_772_323_199_000, ts: 1_772_323_199_100 };
  return {
    key: null,
    value: { ...head, pkNames: ['id'], mysqlType, data: [row], old: type === 'UPDATE' ? [{}] : null },
  };
}

function maxwell(type: string, data: Readonly<Record<string, unknown>>): Message {
  const key = JSON.stringify({ database: 'shop', table: 'orders', 'pk.id': data['id'] });
  const head = { database: 'shop', table: 'orders', ts: 1_772_323_199, xid: 1, commit: true };
  return { key, value: { ...head, type, data, ...(type === 'update' ? { old: { total: 1 } } : {}) } };
}

export const FOREIGN_CHECKS: Checks = {
  'debezium-topics': {
    arrange: (world) =>
      produce(world, 'legacy.shop.orders', [
        debezium('r', 1, 'placed'),
        debezium('c', 2, 'placed'),
        debezium('u', 1, 'paid'),
        debezium('c', 3, 'sent'),
        debezium('d', 2, 'placed'),
        { key: JSON.stringify({ schema: KEY_SCHEMA, payload: { id: 2 } }), value: null },
      ]),
    async expect(world) {
      assert.deepEqual(await hashes(world, 'debezium:'), {
        'debezium:orders:1': { id: '1', status: 'paid', at: '2026-02-28T23:59:59.000' },
        'debezium:orders:3': { id: '3', status: 'sent', at: '2026-02-28T23:59:59.000' },
      });
    },
  },
  'canal-topics': {
    arrange: (world) =>
      produce(world, 'canal_shop', [
        canal('INSERT', 'orders', { id: '1', status: 'placed' }),
        canal('INSERT', 'customers', { id: '1', name: 'Ann' }),
        canal('UPDATE', 'orders', { id: '1', status: 'paid' }),
        canal('INSERT', 'orders', { id: '2', status: 'placed' }),
        canal('DELETE', 'orders', { id: '2', status: 'placed' }),
      ]),
    async expect(world) {
      assert.deepEqual(await hashes(world, 'canal:'), {
        'canal:orders:1': { id: '1', status: 'paid' },
        'canal:customers:1': { id: '1', name: 'Ann' },
      });
    },
  },
  'maxwell-topics': {
    arrange: (world) =>
      produce(world, 'maxwell', [
        maxwell('insert', { id: 1, total: 12.5 }),
        maxwell('insert', { id: 2, total: 3 }),
        maxwell('update', { id: 1, total: 13.5 }),
        maxwell('delete', { id: 2, total: 3 }),
      ]),
    async expect(world) {
      assert.deepEqual(await hashes(world, 'maxwell:'), { 'maxwell:orders:1': { id: '1', total: '13.50' } });
    },
  },
};
