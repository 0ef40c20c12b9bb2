import { describe, expect, jest, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import fc from 'fast-check';
import { compileEnvelope } from '../compile.ts';
import { column, hex, imageOf, tableOf, written } from '../testing/encode.ts';
import { TransactionContext } from '../transaction.ts';
import { ChangeReader, type ChangeRecord } from './change-reader.ts';
import { shortestFloat } from './values.ts';

const table = tableOf(
  [
    column('id', 'bigint'),
    column('the name', 'varchar', { charset: 'utf8mb4', nullable: true }),
    column('v', 'vector', { length: 2, nullable: true }),
  ],
  { name: 'people' },
);
const envelope = compileEnvelope({ source: 'main', table, keyColumns: ['id'] });
envelope.bind({ key: 1, value: 2 });
const transaction = new TransactionContext().start({
  gtid: 'u:1',
  commitMicros: 1_795_191_781_586_016n,
  file: 'binlog.000005',
  serverId: 1,
});
const meta = { transaction, position: 4, row: 2, readMs: 1, totalOrder: 1, tableOrder: 1 };
const row = imageOf([hex('0100000000000000'), Buffer.from('Änn'), hex('0000c03f cdccccbd')]);
const key = written((sink) => envelope.writeKey(sink, row));
const value = written((sink) => envelope.writeValue(sink, 'u', row, row, meta));
const headers = { v: hex('00000000 0000002a') };
const record: ChangeRecord = { topic: 'main.shop.people', partition: 3, offset: '17', key, value, headers };

const schemas = new Map([
  [1, envelope.keySchema as string],
  [2, envelope.valueSchema],
]);
const schema = async (id: number): Promise<string> => {
  const text = schemas.get(id);
  if (text === undefined) throw new TaplineError('REGISTRY_UNKNOWN_ID', { message: `no ${id}` });
  return text;
};

describe('ChangeReader', () => {
  test('gives the change with the columns’ own names; at once when the schemas are known', async () => {
    const lookup = jest.fn(schema);
    const reader = new ChangeReader({ schema: lookup });
    const image = { id: 1n, 'the name': 'Änn', v: '[1.5,-0.1]' };
    const change = {
      topic: 'main.shop.people',
      key: { id: 1n },
      op: 'u',
      before: image,
      after: image,
      source: {
        name: 'main',
        db: 'shop',
        table: 'people',
        ts_ms: 1_795_191_781_586,
        gtid: 'u:1',
        file: 'binlog.000005',
        pos: 4,
        row: 2,
        snapshot: 'false',
      },
      absent: null,
      version: 42n,
      tombstone: false,
    };
    expect(await reader.read(record)).toEqual(change);
    expect(reader.read(record)).toEqual(change);
    expect(lookup).toHaveBeenCalledTimes(2);
  });

  test('a tombstone is a delete of its key', async () => {
    const reader = new ChangeReader({ schema });
    expect(await reader.read({ ...record, value: null })).toEqual({
      topic: 'main.shop.people',
      key: { id: 1n },
      op: 'd',
      before: null,
      after: null,
      source: null,
      absent: null,
      version: 42n,
      tombstone: true,
    });
  });

  test.each<readonly [string, Partial<ChangeRecord>]>([
    ['a value that is not framed', { value: Buffer.from('{"id":1}') }],
    ['a value that is too short', { value: hex('0000') }],
    ['a record of nothing', { key: null, value: null }],
    ['no version', { headers: {} }],
    ['a version of another length', { headers: { v: hex('01') } }],
    ['a value longer than its schema', { value: Buffer.concat([value, hex('00')]) }],
    ['a key under the value’s schema', { key: Buffer.concat([hex('00 00000002'), key.subarray(5)]) }],
  ])('%s is poison, with its place', async (_, broken) => {
    const reader = new ChangeReader({ schema });
    await reader.read(record);
    const read = async (): Promise<unknown> => reader.read({ ...record, ...broken });
    await expect(read()).rejects.toMatchObject({
      code: 'ENVELOPE_UNREADABLE',
      disposition: 'poison',
      place: { topic: 'main.shop.people', partition: 3, offset: '17' },
    });
  });

  test('what the registry fails with is not called poison', async () => {
    const reader = new ChangeReader({ schema });
    const unknown = Buffer.concat([hex('00 00000063'), value.subarray(5)]);
    await expect(reader.read({ ...record, value: unknown })).rejects.toMatchObject({ code: 'REGISTRY_UNKNOWN_ID' });
  });

  test('every truncation and every damaged byte is a change or poison, never anything else', async () => {
    const reader = new ChangeReader({ schema });
    await reader.read(record);
    const read = (bytes: Buffer): unknown => {
      try {
        return reader.read({ ...record, value: bytes });
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENVELOPE_UNREADABLE' });
        return undefined;
      }
    };
    for (let length = 0; length < value.length; length++) expect(read(value.subarray(0, length))).toBeUndefined();
    fc.assert(
      fc.property(fc.integer({ min: 5, max: value.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = Buffer.from(value);
        damaged[at] = byte;
        read(damaged);
      }),
    );
  });
});

test('a FLOAT is shown with the fewest digits that name it', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (float) => {
      const short = shortestFloat(float);
      expect(Math.fround(short)).toBe(float);
      expect(String(short).replace(/e.*|[-.]|^-?0\.0*/g, '').length).toBeLessThanOrEqual(String(float).length);
    }),
  );
  expect([0.1, -0.1, 16_777_216, 3.4028235e38].map(Math.fround).map(shortestFloat)).toEqual([
    0.1, -0.1, 16_777_216, 3.4028235e38,
  ]);
});

describe('a ChangeReader that makes rows when they are asked for', () => {
  test('gives what the other gives', async () => {
    for (const one of [record, { ...record, value: null }]) {
      const plain = await new ChangeReader({ schema }).read(one);
      const {
        topic,
        key: itsKey,
        op,
        before,
        after,
        source,
        absent,
        version,
        tombstone,
      } = await new ChangeReader({
        schema,
        encoded: true,
      }).read(one);
      expect({ topic, key: itsKey, op, before, after, source, absent, version, tombstone }).toEqual(plain);
    }
  });

  test('finds a record that is cut off at any byte when it is read, not when its row is asked for', async () => {
    const reader = new ChangeReader({ schema, encoded: true });
    await reader.read(record);
    for (let bytes = 5; bytes < value.length; bytes++) {
      expect(() => reader.read({ ...record, value: value.subarray(0, bytes) })).toThrow(
        expect.objectContaining({ code: 'ENVELOPE_UNREADABLE' }),
      );
    }
  });

  test('reads a record where it stands among others, and looks no further than its end', async () => {
    const bytes = Buffer.concat([value, key, value, Buffer.alloc(64, 2)]);
    const keyStart = value.length;
    const valueStart = keyStart + key.length;
    const places = {
      bytes,
      offset: 17n,
      keyStart,
      keyEnd: valueStart,
      valueStart,
      valueEnd: valueStart + value.length,
    };
    const reader = new ChangeReader({ schema, encoded: true });
    expect(reader.scan(record, places, 5n)).toBeUndefined();
    const { before, after, source } = await reader.read(record);
    expect(reader.scan(record, places, 5n)).toMatchObject({ version: 5n, key: { id: 1n }, before, after, source });
    expect(reader.scan(record, { ...places, valueStart: -1 }, 5n)).toBeUndefined();
    for (let length = 5; length < value.length; length++) {
      expect(() => reader.scan(record, { ...places, valueEnd: valueStart + length }, 5n)).toThrow(
        expect.objectContaining({ code: 'ENVELOPE_UNREADABLE', place: expect.objectContaining({ offset: '17' }) }),
      );
    }
  });
});
