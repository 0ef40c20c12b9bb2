import { describe, expect, test } from '@jest/globals';
import type { RowImage } from '@tapline/binlog';
import { GrowingSink } from './byte-sink.ts';
import { type AvroEnvelope, compileEnvelope, type TableEnvelope } from './compile.ts';
import { compileJsonEnvelope } from './json/compile-json.ts';
import { type Change, ChangeReader } from './reader/change-reader.ts';
import { UNAVAILABLE_VALUE } from './reduce.ts';
import { avscDecode, column, hex, imageOf, tableOf, written } from './testing/encode.ts';
import { type ChangeMeta, TransactionContext } from './transaction.ts';

const table = tableOf(
  [
    column('id', 'int'),
    column('name', 'varchar', { charset: 'utf8mb4' }),
    column('at', 'datetime', { nullable: true }),
    column('n', 'int'),
  ],
  { primaryKey: ['id'] },
);
const options = { source: 'main', table, keyColumns: ['id'], rowImage: 'partial' } as const;
const meta: ChangeMeta = {
  transaction: new TransactionContext().start({ gtid: '', commitMicros: 1n, file: 'f', serverId: 1 }),
  position: 4,
  row: 0,
  readMs: 1,
  totalOrder: 1,
  tableOrder: 1,
  version: Buffer.alloc(8),
};
const [one, two, name] = [hex('01000000'), hex('02000000'), Buffer.from('Änn')];

function avro(): AvroEnvelope {
  const envelope = compileEnvelope(options);
  envelope.bind({ key: 1, value: 2 });
  return envelope;
}

const reader = new ChangeReader({ schema: async (id) => (id === 1 ? avro().keySchema! : avro().valueSchema) });
const formats: readonly (readonly [string, () => TableEnvelope])[] = [
  ['Avro', avro],
  ['JSON', () => compileJsonEnvelope({ ...options, schemas: true, cloudEvents: false })],
];

describe.each(formats)('rows that lack columns, in %s', (_, compiled) => {
  const loaded = async (row: readonly (Buffer | null | undefined)[]): Promise<Change> => {
    const envelope = compiled();
    const key = written((sink) => envelope.writeKeyFromText(sink, row));
    const value = written((sink) => envelope.writeSnapshotValue(sink, row, meta));
    return await reader.read({ topic: 't', partition: 0, offset: '0', key, value, headers: { v: Buffer.alloc(8) } });
  };

  const change = async (op: 'c' | 'u' | 'd', before?: RowImage, after?: RowImage): Promise<Change> => {
    const envelope = compiled();
    const key = written((sink) => envelope.writeKey(sink, (after ?? before)!));
    const value = written((sink) => envelope.writeValue(sink, op, before, after, meta));
    return await reader.read({ topic: 't', partition: 0, offset: '0', key, value, headers: { v: Buffer.alloc(8) } });
  };

  test('an update has what its event has and names the rest; the key comes from the row before', async () => {
    const before = imageOf([one, undefined, undefined, undefined]);
    const after = imageOf([undefined, name, null, undefined], before);
    expect(await change('u', before, after)).toMatchObject({
      key: { id: 1 },
      before: { id: 1 },
      after: { id: 1, name: 'Änn', at: null },
      absent: { before: ['name', 'at', 'n'], after: ['n'] },
    });
    expect(compiled().keyChanged(before, after)).toBe(false);
  });

  test('what an update leaves out is as in the row before', async () => {
    const before = imageOf([one, name, null, two]);
    const seen = await change('u', before, imageOf([undefined, undefined, undefined, one], before));
    expect(seen.after).toEqual({ id: 1, name: 'Änn', at: null, n: 1 });
    expect(seen.absent).toBeNull();
  });

  test('absent is not there, NULL is', async () => {
    const seen = await change('c', undefined, imageOf([one, undefined, null, undefined]));
    expect(seen.after).toEqual({ id: 1, at: null });
    expect(seen.absent).toEqual({ before: [], after: ['name', 'n'] });
    const deleted = await change('d', imageOf([one, undefined, undefined, undefined]));
    expect([deleted.before, deleted.after]).toEqual([{ id: 1 }, null]);
  });

  test('a row of the first load is whole', async () => {
    const seen = await loaded([Buffer.from('1'), name, null, Buffer.from('5')]);
    expect(seen).toMatchObject({ op: 'r', after: { id: 1, name: 'Änn', at: null, n: 5 }, absent: null });
  });

  test('a row of the first load whose other columns the stream has published', async () => {
    const seen = await loaded([Buffer.from('1'), undefined, null, undefined]);
    expect(seen.after).toEqual({ id: 1, at: null });
    expect(seen).toMatchObject({ op: 'r', absent: { before: [], after: ['name', 'n'] } });
  });

  test('a reduced value still names what is absent', async () => {
    const envelope = compiled();
    const long = imageOf([one, Buffer.alloc(5000, 'x'), undefined, one]);
    const value = written((sink) => envelope.writeValue(sink, 'c', undefined, long, meta));
    const key = written((sink) => envelope.writeKey(sink, long));
    const reduced = written((sink) => envelope.writeReduced(sink, value, 100));
    const record = { topic: 't', partition: 0, offset: '0', key, value: reduced, headers: { v: Buffer.alloc(8) } };
    expect(await reader.read(record)).toMatchObject({
      after: { id: 1, name: UNAVAILABLE_VALUE, n: 1 },
      absent: { before: [], after: ['at'] },
    });
  });

  test.each<readonly [string, 'c' | 'u', RowImage | undefined, RowImage]>([
    ['no key column', 'c', undefined, imageOf([undefined, name, null, one])],
    ['the key is in neither image', 'u', imageOf([undefined, name, null, one]), imageOf([undefined, name, null, one])],
  ])('%s: refused, and the sink is as it was', (__, op, before, after) => {
    const sink = new GrowingSink();
    sink.position = 3;
    const expected = expect.objectContaining({ code: 'SOURCE_ROW_IMAGE', place: { table: 'shop.t' } });
    expect(() => compiled().writeValue(sink, op, before, after, meta)).toThrow(expected);
    expect(sink.position).toBe(3);
  });

  test('another key with all of the row moves it, with a part of it is refused', () => {
    const whole = imageOf([one, name, null, one]);
    expect(compiled().keyChanged(whole, imageOf([two, undefined, undefined, two], whole))).toBe(true);
    const key = imageOf([one, undefined, undefined, undefined]);
    const expected = expect.objectContaining({ code: 'SOURCE_ROW_IMAGE', message: expect.stringContaining('name') });
    expect(() => compiled().keyChanged(key, imageOf([two, undefined, null, one], key))).toThrow(expected);
  });

  test('NULL in a NOT NULL column is not taken for absent', () => {
    const write = (): void =>
      compiled().writeValue(new GrowingSink(), 'c', undefined, imageOf([one, null, null, one]), meta);
    expect(write).toThrow(
      expect.objectContaining({ code: 'SCHEMA_MISMATCH', message: expect.stringContaining('name') }),
    );
  });
});

test('plain avsc reads the names and the nulls', () => {
  const envelope = avro();
  const value = written((sink) =>
    envelope.writeValue(sink, 'c', undefined, imageOf([one, undefined, undefined, one]), meta),
  );
  expect(avscDecode(envelope.valueSchema, value.subarray(5))).toMatchObject({
    before: null,
    after: { id: 1, name: null, at: null, n: 1 },
    absent: { before: [], after: ['name', 'at'] },
  });
});

test('whole rows have no such field, and a NOT NULL column no union', () => {
  const { valueSchema } = compileEnvelope({ ...options, rowImage: 'full' });
  expect(valueSchema).not.toContain('absent');
  expect(valueSchema).toContain('{"name":"name","type":"string"');
  expect(valueSchema).toBe(compileEnvelope({ source: 'main', table, keyColumns: ['id'] }).valueSchema);
});
