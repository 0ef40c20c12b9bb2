import { describe, expect, test } from '@jest/globals';
import { GrowingSink } from './byte-sink.ts';
import { type AvroEnvelope, compileEnvelope } from './compile.ts';
import { ChangeReader } from './reader/change-reader.ts';
import { UNAVAILABLE_VALUE } from './reduce.ts';
import { avscDecode, column, hex, imageOf, tableOf, written } from './testing/encode.ts';
import { type ChangeMeta, TransactionContext } from './transaction.ts';

const member = 'm'.repeat(200);
const table = tableOf(
  [
    column('id', 'int'),
    column('note', 'longtext', { charset: 'utf8mb4', nullable: true }),
    column('data', 'longblob'),
    column('kind', 'enum', { members: ['short', member] }),
    column('price', 'decimal', { precision: 65, scale: 2 }),
    column('shape', 'geometry', { nullable: true }),
    column('doc', 'json', { nullable: true }),
  ],
  { name: 'large', primaryKey: ['id'] },
);
const meta: ChangeMeta = {
  transaction: new TransactionContext().start({ gtid: 'u:1', commitMicros: 1n, file: 'b.1', serverId: 1 }),
  position: 4,
  row: 0,
  readMs: 5,
  totalOrder: 1,
  tableOrder: 1,
};
const price = '12345678901234567890.50';
const text = (...values: (string | Buffer | null)[]): (Buffer | null)[] =>
  values.map((value) => (typeof value === 'string' ? Buffer.from(value) : value));

function compiled(): AvroEnvelope {
  const envelope = compileEnvelope({ source: 'main', table, keyColumns: ['id'] });
  envelope.bind({ key: 7, value: 8 });
  return envelope;
}

/** What plain avsc makes of the row written and reduced; `undefined` for what stayed as it was. */
function reduced(row: (Buffer | null)[], longestBytes: number): { whole: Row; reduced: Row; bytes: number } {
  const envelope = compiled();
  const value = written((sink) => envelope.writeSnapshotValue(sink, row, meta));
  const small = written((sink) => envelope.writeReduced(sink, value, longestBytes));
  expect(small.subarray(0, 5)).toEqual(value.subarray(0, 5));
  const decode = (bytes: Buffer): Row => avscDecode(envelope.valueSchema, bytes.subarray(5)) as Row;
  return { whole: decode(value), reduced: decode(small), bytes: small.length };
}
type Row = { readonly after: Readonly<Record<string, unknown>> };

describe('a value reduced for a record that cannot carry it', () => {
  test('long texts, bytes, JSON and WKB become the placeholder; all else stays, and the same schema reads it', () => {
    const shape = Buffer.concat([hex('00000000'), Buffer.alloc(100, 1)]);
    const row = text('7', 'n'.repeat(100_000), Buffer.alloc(70_000), '2', price, shape, `["${'j'.repeat(90)}"]`);
    const { whole, reduced: small, bytes } = reduced(row, 64);
    const placeholder = Buffer.from(UNAVAILABLE_VALUE);
    expect(small).toEqual({
      ...whole,
      after: {
        ...whole.after,
        note: UNAVAILABLE_VALUE,
        data: placeholder,
        shape: { wkb: placeholder, srid: null },
        doc: UNAVAILABLE_VALUE,
      },
    });
    expect(whole.after['kind']).toBe(member);
    expect(bytes).toBeLessThan(1000);
  });

  test('what is not longer than asked stays, NULL too', () => {
    const { whole, reduced: small } = reduced(text('7', 'n'.repeat(65), 'x'.repeat(64), '1', price, null, null), 64);
    expect(small).toEqual({ ...whole, after: { ...whole.after, note: UNAVAILABLE_VALUE } });
  });

  test('both images of an update', () => {
    const narrow = tableOf([column('id', 'int'), column('data', 'longblob')], { primaryKey: ['id'] });
    const envelope = compileEnvelope({ source: 'main', table: narrow, keyColumns: ['id'] });
    envelope.bind({ key: 1, value: 2 });
    const before = imageOf([hex('01000000'), Buffer.alloc(3000, 1)]);
    const after = imageOf([hex('01000000'), Buffer.alloc(4000, 2)]);
    const value = written((sink) => envelope.writeValue(sink, 'u', before, after, meta));
    const small = written((sink) => envelope.writeReduced(sink, value, 1024));
    const data = Buffer.from(UNAVAILABLE_VALUE);
    expect(avscDecode(envelope.valueSchema, small.subarray(5))).toMatchObject({
      before: { id: 1, data },
      after: { id: 1, data },
      op: 'u',
    });
  });
});

test('a key is printed as JSON with its columns, whatever their types, and not without end', async () => {
  const keyed = tableOf(
    [column('n', 'bigint', { unsigned: true }), column('b', 'binary', { length: 2 }), column('t', 'text')],
    { primaryKey: ['n', 'b', 't'] },
  );
  const envelope = compileEnvelope({ source: 'main', table: keyed, keyColumns: ['n', 'b', 't'] });
  envelope.bind({ key: 1, value: 2 });
  const keyOf = (t: string): Buffer =>
    written((sink) => envelope.writeKeyFromText(sink, text('18446744073709551615', hex('0aff'), t)));
  expect(envelope.printKey(keyOf('ü'))).toBe('{"n":"18446744073709551615","b":"0x0aff","t":"ü"}');
  expect(envelope.printKey(keyOf('x'.repeat(1_000_000)))).toHaveLength(201);
  const reader = new ChangeReader({ schema: async () => envelope.keySchema as string });
  const record = {
    topic: 't',
    partition: 0,
    offset: 0n,
    key: keyOf('ü'),
    value: null,
    headers: { v: Buffer.alloc(8) },
  };
  expect((await reader.read(record)).key).toMatchObject({ t: 'ü' });
});

describe('GrowingSink', () => {
  test('one large value takes its memory once, and small ones behind it move nothing', () => {
    const sink = new GrowingSink(1024);
    sink.ensure(30_000_000);
    expect(sink.buffer.length).toBeLessThan(30_100_000);
    sink.position = 30_000_000;
    const { buffer } = sink;
    sink.ensure(10_000);
    expect(sink.buffer).toBe(buffer);
  });

  test('it grows by shares, keeps what was written, and shrinks back', () => {
    const sink = new GrowingSink(1);
    let grown = 0;
    for (let i = 0; i < 4_000_000; i++) {
      const { buffer } = sink;
      sink.ensure(1);
      if (sink.buffer !== buffer) grown++;
      sink.buffer[sink.position++] = i;
    }
    expect(grown).toBeLessThan(50);
    expect(sink.written().every((byte, i) => byte === (i & 0xff))).toBe(true);
    sink.shrink(2048);
    expect(sink.buffer.length).toBe(2048);
    expect(sink.written()).toHaveLength(0);
  });
});
