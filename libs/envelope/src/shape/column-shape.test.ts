import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import { type AvroEnvelope, compileEnvelope } from '../compile.ts';
import { compileJsonEnvelope } from '../json/compile-json.ts';
import { changeMeta } from '../testing/change-meta.ts';
import { avscDecode, column, hex, imageOf, tableOf, written } from '../testing/encode.ts';
import type { ColumnShape } from './column-shape.ts';

const SALT = 'pepper and salt';
const hmac = (value: string | Buffer): string => createHmac('sha256', SALT).update(value).digest('hex');
const HASH: ColumnShape = { kind: 'hash', salt: SALT };
const mask = (text: string): ColumnShape => ({ kind: 'mask', text });
const truncate = (characters: number): ColumnShape => ({ kind: 'truncate', characters });

const id = column('id', 'int');
const ID = hex('07000000');

function envelopeOf(type: Column, shape: ColumnShape, rowImage: 'full' | 'partial' = 'full'): AvroEnvelope {
  const table = tableOf([id, type, column('last', 'int')]);
  const shapes = new Map([[type.name, shape]]);
  const envelope = compileEnvelope({ source: 's', table, keyColumns: ['id'], shapes, rowImage });
  envelope.bind({ key: 1, value: 2 });
  return envelope;
}

/** The value of the column after its shape, the same from the wire and from a SELECT, in Avro and in JSON. */
function shaped(type: Column, shape: ColumnShape, wire: Buffer | null, text: string | Buffer | null): unknown {
  const envelope = envelopeOf(type, shape);
  const image = imageOf([ID, wire, hex('01000000')]);
  const row = [Buffer.from('7'), text === null ? null : Buffer.from(text), Buffer.from('1')];
  const value = written((sink) => envelope.writeValue(sink, 'c', undefined, image, changeMeta()));
  const loaded = written((sink) => envelope.writeSnapshotValue(sink, row, changeMeta()));
  expect(loaded.toString('latin1').replace('\x02r', '\x02c')).toBe(value.toString('latin1'));
  const { after } = avscDecode(envelope.valueSchema, value.subarray(5)) as { after: Record<string, unknown> };
  const options = { source: 's', table: envelope.table, keyColumns: ['id'], schemas: false, cloudEvents: false };
  const json = compileJsonEnvelope({ ...options, shapes: new Map([[type.name, shape]]) });
  const said = JSON.parse(written((sink) => json.writeValue(sink, 'c', undefined, image, changeMeta())).toString()) as {
    after: Record<string, unknown>;
  };
  const seen = after[type.name];
  if (typeof seen === 'string') expect(said.after[type.name]).toBe(seen);
  expect(after['last']).toBe(1);
  return seen;
}

const text = column('c', 'varchar', { charset: 'utf8mb4', nullable: true });

describe('hash', () => {
  test.each<[Column, Buffer, string | Buffer, string | Buffer]>([
    [text, Buffer.from('Ärger'), 'Ärger', 'Ärger'],
    [column('c', 'varchar', { charset: 'latin1' }), Buffer.from('Ä', 'latin1'), Buffer.from('Ä', 'latin1'), 'Ä'],
    [column('c', 'int'), hex('07000000'), '7', '7'],
    [column('c', 'bigint'), hex('0700000000000000'), '7', '7'],
    [
      column('c', 'bigint', { unsigned: true }),
      hex('ffffffffffffffff'),
      '18446744073709551615',
      '18446744073709551615',
    ],
    [column('c', 'decimal', { precision: 12, scale: 2 }), hex('8000000001 32'), '1.50', '1.50'],
    [column('c', 'varbinary'), hex('00ff'), hex('00ff'), hex('00ff')],
    [column('c', 'date'), hex('5cd40f'), '2026-02-28', '2026-02-28'],
    [column('c', 'bit', { length: 1 }), hex('01'), hex('01'), '1'],
    [column('c', 'enum', { members: ['a', 'b'] }), hex('02'), '2', 'b'],
  ])('%j', (type, wire, selected, plain) => {
    expect(shaped(type, HASH, wire, selected)).toBe(hmac(plain));
  });

  test('NULL stays NULL, and the schema says what the column is now', () => {
    expect(shaped(text, HASH, null, null)).toBeNull();
    expect(envelopeOf(column('c', 'int'), HASH).valueSchema).toContain(
      '{"name":"c","type":"string","mysql.type":"char","tapline.shape":"hash"}',
    );
  });

  test('a hashed key: key and row have the same text, and it is seen when the value changes', () => {
    const table = tableOf([id]);
    const envelope = compileEnvelope({ source: 's', table, keyColumns: ['id'], shapes: new Map([['id', HASH]]) });
    envelope.bind({ key: 1, value: 2 });
    const key = written((sink) => envelope.writeKey(sink, imageOf([ID])));
    expect(written((sink) => envelope.writeKeyFromText(sink, [Buffer.from('7')]))).toEqual(key);
    expect(envelope.printKey(key)).toBe(`{"id":"${hmac('7')}"}`);
    expect(envelope.keyChanged(imageOf([ID]), imageOf([hex('08000000')]))).toBe(true);
  });
});

describe('mask', () => {
  test.each<[Column, string, Buffer, string | Buffer, unknown]>([
    [text, '***', Buffer.from('secret'), 'secret', '***'],
    [column('c', 'int'), '-1', hex('07000000'), '7', -1],
    [column('c', 'decimal', { precision: 12, scale: 2 }), '0', hex('8000000001 32'), '1.50', hex('00')],
    [column('c', 'date'), '1970-01-02', hex('5cd40f'), '2026-02-28', 1],
    [
      column('c', 'timestamp', { fsp: 3 }),
      '2000-01-01 00:00:00',
      hex('00000000 0000'),
      '0',
      '2000-01-01T00:00:00.000Z',
    ],
    [column('c', 'enum', { members: ['a', 'b'] }), 'a', hex('02'), '2', 'a'],
    [column('c', 'binary', { length: 3 }), 'x', hex('010203'), hex('010203'), hex('780000')],
    [column('c', 'json'), '{}', hex('0000000400'), '{}', '{}'],
    [column('c', 'bit', { length: 9 }), '256', hex('0001'), hex('0001'), hex('0001')],
  ])('%j as %s', (type, masked, wire, selected, expected) => {
    expect(shaped(type, mask(masked), wire, selected)).toEqual(expected);
  });

  test.each<[Column, string]>([
    [column('c', 'tinyint'), '128'],
    [column('c', 'int', { unsigned: true }), '-1'],
    [column('c', 'decimal', { precision: 4, scale: 2 }), '100'],
    [column('c', 'date'), 'none'],
    [column('c', 'enum', { members: ['a'] }), 'b'],
    [column('c', 'json'), '***'],
    [column('c', 'geometry'), ''],
  ])('%j refuses %s', (type, masked) => {
    expect(() => envelopeOf(type, mask(masked))).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH', message: expect.stringContaining('Column c') }),
    );
  });
});

describe('truncate', () => {
  test.each<[string, number, string]>([
    ['Ä€𝄞x', 2, 'Ä€'],
    ['Ä€𝄞x', 3, 'Ä€𝄞'],
    ['Ä€𝄞x', 4, 'Ä€𝄞x'],
    ['abc', 9, 'abc'],
    ['', 3, ''],
    ['Ä', 0, ''],
  ])('%s to %d characters', (full, characters, expected) => {
    expect(shaped(text, truncate(characters), Buffer.from(full), full)).toBe(expected);
    const utf16 = Buffer.from(full, 'utf16le').swap16();
    expect(shaped(column('c', 'varchar', { charset: 'utf16' }), truncate(characters), utf16, utf16)).toBe(expected);
  });

  test('binary strings are cut by bytes, numbers not at all', () => {
    expect(shaped(column('c', 'varbinary'), truncate(1), hex('0102'), hex('0102'))).toEqual(hex('01'));
    expect(() => envelopeOf(column('c', 'int'), truncate(1))).toThrow(
      expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
    );
  });
});

test('an excluded column is in no schema, no image, no list of absent columns, and is not selected', () => {
  const envelope = envelopeOf(text, { kind: 'exclude' }, 'partial');
  expect(envelope.valueSchema).not.toContain('"c"');
  expect(envelope.selectList).toBe('`id`, NULL, `last`');
  const image = imageOf([ID, undefined, hex('01000000')]);
  const value = written((sink) => envelope.writeValue(sink, 'c', undefined, image, changeMeta()));
  const decoded = avscDecode(envelope.valueSchema, value.subarray(5));
  expect(decoded).toMatchObject({ after: { id: 7, last: 1 }, absent: null });
});

test.each<ColumnShape>([{ kind: 'exclude' }, mask('0'), truncate(1)])('a key column is refused: %j', (shape) => {
  const table = tableOf([id]);
  const shapes = new Map([['id', shape]]);
  expect(() => compileEnvelope({ source: 's', table, keyColumns: ['id'], shapes })).toThrow(
    expect.objectContaining({ code: 'SHAPE_MISMATCH', place: { table: 'shop.t' } }),
  );
});

test('a value that does not fit its column is not quoted', () => {
  const envelope = envelopeOf(column('c', 'int'), HASH);
  const row = [Buffer.from('7'), Buffer.from('planted secret'), Buffer.from('1')];
  let seen: unknown;
  try {
    written((sink) => envelope.writeSnapshotValue(sink, row, changeMeta()));
  } catch (error) {
    seen = error;
  }
  expect(seen).toMatchObject({ code: 'SCHEMA_MISMATCH', place: { table: 'shop.t' } });
  for (let error = seen; error instanceof Error; error = error.cause) expect(error.message).not.toContain('planted');
});
