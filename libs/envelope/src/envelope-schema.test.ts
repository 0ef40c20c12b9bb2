import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import avsc from 'avsc';
import { compileEnvelope } from './compile.ts';
import { column, tableOf } from './testing/encode.ts';

/** One column of every kind of type, nullable and not. */
const TYPES: readonly Column[] = [
  column('a_tiny', 'tinyint'),
  column('a_small', 'smallint', { unsigned: true }),
  column('an_int', 'int', { unsigned: true }),
  column('a_big', 'bigint', { unsigned: true }),
  column('a_dec', 'decimal', { precision: 38, scale: 10 }),
  column('a_float', 'float'),
  column('a_double', 'double'),
  column('a_bit', 'bit', { length: 1 }),
  column('some_bits', 'bit', { length: 33 }),
  column('a_date', 'date'),
  column('a_time', 'time', { fsp: 6 }),
  column('a_dt', 'datetime'),
  column('a_dt6', 'datetime', { fsp: 6 }),
  column('a_ts', 'timestamp', { fsp: 3 }),
  column('a_year', 'year'),
  column('a-text', 'varchar', { charset: 'latin1' }),
  column('a_blob', 'blob'),
  column('an_enum', 'enum', { members: ['a', 'b,c'] }),
  column('a_set', 'set', { members: ['x', 'y'] }),
  column('a_json', 'json'),
  column('a_point', 'point'),
  column('a_geometry', 'geometry'),
  column('a_vector', 'vector', { length: 3 }),
];

const all = tableOf([...TYPES, ...TYPES.map((one) => ({ ...one, name: `n${one.name}`, nullable: true }))]);
const { keySchema, valueSchema } = compileEnvelope({ source: 'main', table: all, keyColumns: ['an_int', 'a-text'] });

function parse(schema: string): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema);
}

describe('schemas', () => {
  test('are valid Avro with every named type defined once, under Debezium’s names', () => {
    expect(parse(valueSchema).name).toBe('main.shop.t.Envelope');
    expect(parse(keySchema as string).name).toBe('main.shop.t.Key');
    expect(valueSchema.split('"name":"Geometry"').length).toBe(2);
  });

  test('are the same text for the same table: a changed text is a new schema in every registry and needs thought', () => {
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
    expect([hash(keySchema as string), hash(valueSchema)]).toEqual(['87a4ea5a30659f68', '701b1a2ce6310dd7']);
  });

  test('do not change with what no value depends on', () => {
    const wide = all.columns.map((one) => ({
      ...one,
      columnType: 'x',
      length: one.type === 'varchar' ? 99 : one.length,
    }));
    const again = compileEnvelope({ source: 'main', table: tableOf(wide as Column[]), keyColumns: undefined });
    expect(again.valueSchema).toBe(valueSchema);
  });

  test('a value read with an older and a newer schema of a nullable column', () => {
    const before = tableOf([column('id', 'int')]);
    const after = tableOf([column('id', 'int'), column('note', 'varchar', { nullable: true, charset: 'utf8mb4' })]);
    const [older, newer] = [before, after].map((table) =>
      parse(compileEnvelope({ source: 'main', table, keyColumns: undefined }).valueSchema),
    ) as [avsc.Type, avsc.Type];
    expect(() => newer.createResolver(older)).not.toThrow();
    expect(() => older.createResolver(newer)).not.toThrow();
  });
});
