import { describe, expect, test } from '@jest/globals';
import { GrowingSink } from './byte-sink.ts';
import { type AvroEnvelope, compileEnvelope } from './compile.ts';
import { changeMeta, GTID } from './testing/change-meta.ts';
import { avscDecode, column, hex, imageOf, tableOf, written } from './testing/encode.ts';
import { TransactionContext } from './transaction.ts';

const table = tableOf(
  [
    column('id', 'int'),
    column('name', 'varchar', { charset: 'utf8mb4', nullable: true }),
    column('price', 'decimal', { precision: 12, scale: 2 }),
    column('at', 'datetime', { nullable: true }),
  ],
  { name: 'order-items', primaryKey: ['id'] },
);
function compiled(): AvroEnvelope {
  const envelope = compileEnvelope({ source: 'main', table, keyColumns: ['id'] });
  envelope.bind({ key: 7, value: 0x0102_0304 });
  return envelope;
}

const before = imageOf([hex('01000000'), Buffer.from('Änn'), hex('8000000001 00'), hex('99b9200000')]);
const after = imageOf([hex('01000000'), null, hex('8000000001 32'), null]);

describe('envelope', () => {
  test('an update carries both images, its source and its transaction; plain avsc reads it', () => {
    const envelope = compiled();
    const sink = new GrowingSink(1);
    envelope.writeValue(sink, 'u', before, after, changeMeta());
    const bytes = sink.written();
    expect(bytes.subarray(0, 5)).toEqual(hex('00 01020304'));
    expect(avscDecode(envelope.valueSchema, bytes.subarray(5))).toEqual({
      before: { id: 1, name: 'Änn', price: hex('64'), at: 1_771_200_000_000n },
      after: { id: 1, name: null, price: hex('0096'), at: null },
      source: {
        version: expect.any(String),
        connector: 'mysql',
        name: 'main',
        db: 'shop',
        table: 'order-items',
        sequence: null,
        ts_ms: 1_795_191_781_586n,
        ts_us: 1_795_191_781_586_016n,
        snapshot: 'false',
        server_id: 4_294_967_295n,
        gtid: GTID,
        file: 'binlog.000005',
        pos: 420_834_924n,
        row: 7,
        thread: null,
        query: null,
      },
      op: 'u',
      ts_ms: 1_795_191_781_612n,
      transaction: { id: GTID, total_order: 3n, data_collection_order: 2n },
    });
  });

  test('an insert has no before, a delete no after; a snapshot row has neither transaction nor before', () => {
    const envelope = compiled();
    const decode = (bytes: Buffer): unknown => avscDecode(envelope.valueSchema, bytes.subarray(5));
    const parts = (value: unknown): unknown[] => {
      const { op, before: b, after: a, transaction: t, source } = value as Record<string, { snapshot: string } | null>;
      return [op, b === null, a === null, t === null, source?.snapshot];
    };
    const created = written((sink) => envelope.writeValue(sink, 'c', undefined, after, changeMeta()));
    const deleted = written((sink) => envelope.writeValue(sink, 'd', before, undefined, changeMeta()));
    const chunk = new TransactionContext().start({
      gtid: '',
      commitMicros: 0n,
      file: 'f',
      serverId: 1,
      snapshot: 'true',
    });
    const row = ['1', null, '1.50', null].map((text) => (text === null ? null : Buffer.from(text)));
    const read = written((sink) => envelope.writeSnapshotValue(sink, row, changeMeta({ transaction: chunk })));
    expect(parts(decode(created))).toEqual(['c', true, false, false, 'false']);
    expect(parts(decode(deleted))).toEqual(['d', false, true, false, 'false']);
    expect(parts(decode(read))).toEqual(['r', true, false, true, 'true']);
  });

  test('each change says its own transaction, also when transactions take turns', () => {
    const envelope = compiled();
    const one = new TransactionContext();
    const two = new TransactionContext().start({ gtid: 'b:1', commitMicros: 2_000n, file: 'f', serverId: 2 });
    const seen: unknown[] = [];
    for (const step of [1, 2, 3, 4]) {
      if (step !== 2) one.start({ gtid: `a:${step}`, commitMicros: BigInt(step), file: `f${step}`, serverId: 1 });
      for (const transaction of [one, two]) {
        const bytes = written((sink) => envelope.writeValue(sink, 'c', undefined, after, changeMeta({ transaction })));
        const value = avscDecode(envelope.valueSchema, bytes.subarray(5)) as Record<string, Record<string, unknown>>;
        seen.push([value.source?.gtid, value.source?.file, value.transaction?.id]);
      }
    }
    const b = ['b:1', 'f', 'b:1'];
    const a = (step: number): unknown => [`a:${step}`, `f${step}`, `a:${step}`];
    expect(seen).toEqual([a(1), b, a(1), b, a(3), b, a(4), b]);
  });

  test('the key has the key columns in key order, from the wire and from text alike', () => {
    const envelope = compileEnvelope({ source: 'main', table, keyColumns: ['price', 'id'] });
    envelope.bind({ key: 9, value: 1 });
    const row = [Buffer.from('1'), null, Buffer.from('1.00'), null];
    const key = written((sink) => envelope.writeKey(sink, before));
    expect(key.subarray(0, 5)).toEqual(hex('00 00000009'));
    expect(avscDecode(envelope.keySchema as string, key.subarray(5))).toEqual({ price: hex('64'), id: 1 });
    expect(written((sink) => envelope.writeKeyFromText(sink, row))).toEqual(key);
  });

  test('a change of the key is seen in its bytes, and nothing else is a change of the key', () => {
    const key = (columns: readonly string[]) => compileEnvelope({ source: 'main', table, keyColumns: columns });
    const other = imageOf([hex('02000000'), Buffer.from('Änn'), hex('8000000001 00'), hex('99b9200000')]);
    expect(key(['id']).keyChanged(before, after)).toBe(false);
    expect(key(['id']).keyChanged(before, other)).toBe(true);
    expect(key(['price']).keyChanged(before, after)).toBe(true);
    expect(key(['name']).keyChanged(before, after)).toBe(true);
    expect(key(['name']).keyChanged(after, after)).toBe(false);
    expect(compileEnvelope({ source: 'main', table, keyColumns: undefined }).keyChanged(before, other)).toBe(false);
  });

  test('a table that is appended to has no key', () => {
    const envelope = compileEnvelope({ source: 'main', table, keyColumns: undefined });
    expect(envelope.keySchema).toBeUndefined();
    envelope.bind({ value: 1 });
    expect(() => envelope.writeKey(new GrowingSink(), before)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  test('nothing is written before bind', () => {
    const envelope = compileEnvelope({ source: 'main', table, keyColumns: ['id'] });
    const write = (): void => envelope.writeValue(new GrowingSink(), 'c', undefined, after, changeMeta());
    expect(write).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });
});

describe('what cannot be encoded', () => {
  const place = { table: 'shop.order-items' };

  test.each<readonly [string, readonly (Buffer | null | undefined)[], string, string]>([
    ['an absent column', [hex('01000000'), undefined, hex('8000000001 00'), null], 'SOURCE_ROW_IMAGE', 'name'],
    ['NULL in a NOT NULL column', [hex('01000000'), null, null, null], 'SCHEMA_MISMATCH', 'price'],
    ['bytes that do not fit', [hex('01000000'), null, hex('80'), null], 'SCHEMA_MISMATCH', 'price'],
  ])('%s is an error with its column, and the sink is as before', (_, values, code, named) => {
    const envelope = compiled();
    const sink = new GrowingSink();
    sink.position = 3;
    const write = (): void => envelope.writeValue(sink, 'u', before, imageOf(values), changeMeta());
    expect(write).toThrow(expect.objectContaining({ code, message: expect.stringContaining(named), place }));
    expect(sink.position).toBe(3);
  });

  test('a key column that is absent is no change of the key but an error', () => {
    const partial = imageOf([undefined, null, hex('8000000001 00'), null]);
    const expected = expect.objectContaining({ code: 'SOURCE_ROW_IMAGE' });
    expect(() => compiled().keyChanged(before, partial)).toThrow(expected);
  });

  test.each([
    [column('x', 'hologram'), 'hologram'],
    [column('x', 'varchar', { charset: 'klingon' }), 'klingon'],
  ])('an unknown type or character set is refused when the table is compiled: %#', (bad, named) => {
    const compile = (): unknown => compileEnvelope({ source: 'main', table: tableOf([bad]), keyColumns: undefined });
    const message = expect.stringContaining(named);
    expect(compile).toThrow(
      expect.objectContaining({ code: 'SCHEMA_UNSUPPORTED', message, place: { table: 'shop.t' } }),
    );
  });

  test('a key column that the table has not', () => {
    const compile = (): unknown => compileEnvelope({ source: 'main', table, keyColumns: ['ident'] });
    expect(compile).toThrow(
      expect.objectContaining({ code: 'SCHEMA_NO_KEY', message: expect.stringContaining('ident') }),
    );
  });
});

test('the SELECT list quotes names and has no aliases', () => {
  const odd = tableOf([column('a`b', 'int'), column('f', 'float'), column('t', 'timestamp'), column('e', 'enum')]);
  const { selectList } = compileEnvelope({ source: 'main', table: odd, keyColumns: undefined });
  expect(selectList).toBe('`a``b`, `f`*1E0, UNIX_TIMESTAMP(`t`), CAST(`e` AS UNSIGNED)');
});
