import { describe, expect, test } from '@jest/globals';
import { encodeHeaders, type KafkaRecord } from '@tapline/kafka';
import { type Change, decoder } from '@tapline/sink';
import { type Format, type FormatOptions, formatDecoder } from './index.ts';
import * as samples from './testing/samples.ts';

const NONE: Omit<FormatOptions, 'format'> = { epoch: 0, keys: {}, types: {}, zone: '+00:00' };
const never = new AbortController().signal;
const tapline = decoder({
  registry: { schema: () => Promise.reject(new Error('not asked')) },
  claims: { value: () => Promise.reject(new Error('not asked')) },
  signal: never,
});

interface Given {
  readonly key?: unknown;
  readonly value: unknown;
  readonly offset?: bigint;
  readonly headers?: Buffer;
}

function bytes(json: unknown): Buffer | null {
  return json === null || json === undefined
    ? null
    : Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
}

function read(
  format: Format,
  { key, value, offset = 5n, headers }: Given,
  options: Partial<FormatOptions> = {},
): Change[] {
  const record: KafkaRecord = {
    offset,
    timestampMs: 0,
    key: bytes(key),
    value: bytes(value),
    headers: headers ?? Buffer.from([0]),
  };
  const decoded = formatDecoder({ ...NONE, ...options, format }, tapline)(
    { topic: 'shop.shop.orders', partition: 0 },
    record,
  );
  if (decoded === undefined) return [];
  return (Array.isArray(decoded) ? decoded : [decoded]) as Change[];
}

const only = (changes: readonly Change[]): Change => {
  expect(changes).toHaveLength(1);
  return changes[0] as Change;
};
const unreadable = expect.objectContaining({ code: 'ENVELOPE_UNREADABLE', disposition: 'poison' });

describe.each(['canal', 'auto'] as const)('Canal, read as %s', (format) => {
  test('each row of an insert is a change, its values by their MySQL types', () => {
    const [first, second] = read(format, { value: samples.CANAL_INSERT }, { zone: '+08:00' });
    expect(first).toEqual({
      topic: 'shop.shop.orders',
      op: 'c',
      version: 5n,
      tombstone: false,
      absent: null,
      before: null,
      key: { id: 9_007_199_254_740_993n },
      after: {
        id: 9_007_199_254_740_993n,
        n: 7,
        total: '12.50',
        rate: 0.5,
        paid: true,
        flags: 5n,
        status: 'open',
        tags: 'a,c',
        doc: '{"a": 1}',
        data: Buffer.from([0xff, 0x00, 0x41]),
        day: '2026-02-28',
        at: '2026-02-28T23:59:59.120',
        seen: '2026-02-28T15:59:59Z',
        spent: '-838:59:59',
        note: null,
      },
      source: {
        name: 'shop',
        db: 'shop',
        table: 'orders',
        ts_ms: 1_772_323_199_000,
        gtid: null,
        file: '',
        pos: 0,
        row: 0,
        snapshot: 'false',
      },
    });
    expect(second).toMatchObject({ key: { id: 2n }, version: 5n, after: { note: 'x' } });
  });

  test('an update has its row before; a delete, and an update of the key', () => {
    expect(only(read(format, { value: samples.CANAL_UPDATE }))).toMatchObject({
      op: 'u',
      before: { id: 1, status: 'open' },
      after: { id: 1, status: 'paid' },
    });
    expect(only(read(format, { value: { ...samples.CANAL_UPDATE, type: 'DELETE', old: null } }))).toMatchObject({
      op: 'd',
      key: { id: 1 },
      before: { status: 'paid' },
      after: null,
    });
    expect(read(format, { value: { ...samples.CANAL_UPDATE, old: [{ id: '8' }] } })).toMatchObject([
      { op: 'd', key: { id: 8 }, before: { id: 8 }, after: null },
      { op: 'c', key: { id: 1 }, before: null, after: { id: 1 } },
    ]);
  });

  test('statements that are not about rows are left out; damage is poison', () => {
    for (const value of samples.CANAL_OTHERS) expect(read(format, { value })).toEqual([]);
    expect(() => read(format, { value: { ...samples.CANAL_UPDATE, data: 'x' } })).toThrow(unreadable);
    expect(() => read(format, { value: { ...samples.CANAL_UPDATE, data: [{ id: 'x' }] } })).toThrow(unreadable);
    expect(() => read(format, { value: { ...samples.CANAL_UPDATE, pkNames: ['gone'] } })).toThrow(unreadable);
  });
});

describe.each(['maxwell', 'auto'] as const)('Maxwell, read as %s', (format) => {
  const key = { database: 'shop', table: 'orders', 'pk.id': 7 };

  test('inserts, updates, deletes and a bootstrap, with the key of the record', () => {
    const row = { id: 7, total: 12.5, tags: 'a,b', doc: '{"price":1.50,"big":9007199254740993}', note: null };
    expect(only(read(format, { key, value: samples.MAXWELL_INSERT }))).toMatchObject({
      op: 'c',
      key: { id: 7 },
      after: row,
      source: { db: 'shop', table: 'orders', ts_ms: 1_772_323_199_000, file: 'binlog.000005', pos: 1234 },
    });
    expect(only(read(format, { key, value: samples.MAXWELL_UPDATE }))).toMatchObject({
      op: 'u',
      before: { id: 7, note: 'old' },
      after: { id: 7, note: 'new' },
    });
    expect(only(read(format, { key, value: samples.MAXWELL_DELETE }))).toMatchObject({
      op: 'd',
      key: { id: 7 },
      after: null,
      before: { id: 7 },
    });
    expect(read(format, { key, value: samples.MAXWELL_INSERT.replace('"insert"', '"bootstrap-start"') })).toEqual([]);
  });

  test('declared types give exact decimals, bigints and times; the key may be a list, in the message, or declared', () => {
    const types = { 'shop.orders': { id: 'bigint', total: 'decimal(10,2)' } };
    expect(only(read(format, { key, value: samples.MAXWELL_INSERT }, { types }))).toMatchObject({
      key: { id: 7n },
      after: { id: 7n, total: '12.50' },
    });
    expect(only(read(format, { key: '["shop","orders",[{"id":7}]]', value: samples.MAXWELL_INSERT })).key).toEqual({
      id: 7,
    });
    expect(
      only(
        read(format, { value: samples.MAXWELL_INSERT.replace('"data"', '"primary_key_columns":["id","note"],"data"') }),
      ).key,
    ).toEqual({ id: 7, note: null });
    expect(only(read(format, { value: samples.MAXWELL_INSERT }, { keys: { 'shop.orders': ['id'] } })).key).toEqual({
      id: 7,
    });
    expect(only(read(format, { value: samples.MAXWELL_INSERT })).key).toBeNull();
  });

  test('a tombstone deletes its key', () => {
    expect(only(read(format, { key, value: null }))).toMatchObject({
      tombstone: true,
      op: 'd',
      key: { id: 7 },
      version: 5n,
    });
  });
});

describe.each(['plain', 'auto'] as const)('plain envelopes, read as %s', (format) => {
  test('rows with the record’s key, and declared keys and types', () => {
    const value = {
      op: 'u',
      before: { id: 1, a: 'x' },
      after: { id: 1, a: 'y' },
      source: { db: 'shop', table: 'orders' },
      ts_ms: 9,
    };
    expect(only(read(format, { key: { id: 1 }, value }))).toMatchObject({
      op: 'u',
      key: { id: 1 },
      before: { a: 'x' },
      after: { a: 'y' },
      source: { ts_ms: 9 },
    });
    const declared = { keys: { 'shop.orders': ['id'] }, types: { 'shop.orders': { id: 'bigint' } } };
    expect(only(read(format, { value }, declared))).toMatchObject({ key: { id: 1n } });
    expect(read(format, { value: { ...value, before: { id: 2, a: 'x' } } }, declared)).toMatchObject([
      { op: 'd', key: { id: 2n } },
      { op: 'c', key: { id: 1n } },
    ]);
    expect(only(read(format, { key: { id: 1 }, value: { ...value, op: 'delete', after: null } }))).toMatchObject({
      op: 'd',
      after: null,
    });
    expect(only(read(format, { key: { id: 1 }, value: null }))).toMatchObject({ tombstone: true, key: { id: 1 } });
  });

  test('what is no change is poison', () => {
    for (const value of ['{', '[]', '{"op":"x","after":{}}', '{"op":"u","after":null,"before":null}', '{"hello":1}']) {
      expect(() => read(format, { key: { id: 1 }, value })).toThrow(unreadable);
    }
  });
});

describe.each(['debezium', 'auto'] as const)('Debezium, read as %s', (format) => {
  test('JSON with schemas has the forms of Tapline’s own', () => {
    const { key, value } = samples.DEBEZIUM;
    expect(only(read(format, { key, value }))).toMatchObject({
      key: { id: 7 },
      op: 'c',
      version: 5n,
      after: { id: 7, total: '12.50', at: '2026-02-28T23:59:59.000', day: '2026-02-28' },
      source: { db: 'shop', table: 'orders', file: 'binlog.000005', pos: 1234 },
    });
    expect(
      only(read(format, { key, value: JSON.stringify({ payload: value.payload, schema: value.schema }) })),
    ).toMatchObject({ key: { id: 7 } });
    expect(only(read(format, { key, value: null }))).toMatchObject({ tombstone: true, key: { id: 7 }, version: 5n });
  });

  test('JSON without schemas has them where types are declared', () => {
    const { key, value } = samples.DEBEZIUM;
    const bare = { key: key.payload, value: value.payload };
    expect(only(read(format, bare))).toMatchObject({ key: { id: 7 }, after: { id: 7, total: 'BOI=', day: 20_512 } });
    const types = { 'shop.orders': { id: 'bigint', total: 'decimal(10,2)', at: 'datetime(3)', day: 'date' } };
    expect(only(read(format, bare, { types }))).toMatchObject({
      key: { id: 7n },
      after: { id: 7n, total: '12.50', at: '2026-02-28T23:59:59.000', day: '2026-02-28' },
    });
    expect(only(read(format, { ...bare, value: null }, { types }))).toMatchObject({ tombstone: true, key: { id: 7n } });
  });
});

describe('versions', () => {
  const value = { op: 'c', after: { id: 1 }, source: { db: 'a', table: 'b' } };

  test('are the offset under the epoch', () => {
    expect(only(read('plain', { key: { id: 1 }, value, offset: 77n })).version).toBe(77n);
    expect(only(read('plain', { key: { id: 1 }, value, offset: 77n }, { epoch: 3 })).version).toBe(
      3n * 2n ** 48n + 77n,
    );
  });

  test('of Tapline’s own records stay what they are, in a topic of both', () => {
    const version = Buffer.alloc(8);
    version.writeBigInt64BE(42n);
    const given = { ...samples.DEBEZIUM, headers: encodeHeaders({ v: version }) };
    expect(only(read('auto', given)).version).toBe(42n);
    expect(only(read('debezium', given)).version).toBe(5n);
  });
});
