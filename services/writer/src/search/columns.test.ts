import { expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import type { Value } from '@tapline/sink';
import type { SearchDialect } from './client.ts';
import { planTable } from './columns.ts';
import type { SearchConfig } from './config.ts';

const TYPES: SearchConfig['types'] = {
  text: 'text',
  decimal: 'number',
  unsignedBigint: 'unsigned_long',
  dates: 'date',
  zeroDates: 'keep',
  json: 'flattened',
  geometry: 'geo',
};
const DIALECT: SearchDialect = { flattened: 'flattened' };
const KEYWORD = { type: 'keyword', ignore_above: 8191 };
const DATE = { type: 'date', ignore_malformed: true };

type Options = Partial<SearchConfig['types']> & { dialect?: SearchDialect; shaped?: boolean };

/** The mapping of one column, and a value of it in JSON. */
function planned(column: Partial<Column>, value: NonNullable<Value>, options: Options = {}): unknown[] {
  const { dialect = DIALECT, shaped = false, ...types } = options;
  const whole = { name: 'c', type: 'int', columnType: '', nullable: true, unsigned: false, ...column };
  const table = { database: 'd', name: 't', source: 's', columns: [whole], uniqueKeys: [] };
  const plans = planTable(
    { ...table, shaped: new Set(shaped ? ['c'] : []) },
    { types: { ...TYPES, ...types }, dialect },
  );
  const plan = plans.get('c');
  return [plan?.mapping, plan?.json(value)];
}

const POINT = Buffer.from('e61000000101000000000000000000f83f00000000000000c0', 'hex');
const MERCATOR = Buffer.from('110f00000101000000000000000000f83f00000000000000c0', 'hex');
const TEXT = { type: 'text', fields: { keyword: KEYWORD } };
const OPENSEARCH: SearchDialect = { flattened: 'flat_object' };

test.each<[string, Partial<Column>, NonNullable<Value>, unknown, string, Options?]>([
  ['an int', { type: 'int' }, -1, { type: 'long' }, '-1'],
  ['a bigint', { type: 'bigint' }, 9223372036854775807n, { type: 'long' }, '9223372036854775807'],
  [
    'an unsigned bigint',
    { type: 'bigint', unsigned: true },
    18446744073709551615n,
    { type: 'unsigned_long' },
    '18446744073709551615',
  ],
  ['… as keyword', { type: 'bigint', unsigned: true }, 5n, KEYWORD, '"5"', { unsignedBigint: 'keyword' }],
  ['BIT(1)', { type: 'bit', length: 1 }, true, { type: 'boolean' }, 'true'],
  ['BIT(8)', { type: 'bit', length: 8 }, 255n, { type: 'long' }, '255'],
  ['BIT(64)', { type: 'bit', length: 64 }, 1n, { type: 'unsigned_long' }, '1'],
  ['a float', { type: 'float' }, 0.1, { type: 'float' }, '0.1'],
  ['a double', { type: 'double' }, 1e300, { type: 'double' }, '1e+300'],
  [
    'a decimal of 15 digits',
    { type: 'decimal', precision: 15, scale: 2 },
    '-0.50',
    { type: 'scaled_float', scaling_factor: 100 },
    '-0.50',
  ],
  ['a whole decimal', { type: 'decimal', precision: 10, scale: 0 }, '12', { type: 'long' }, '12'],
  [
    'a decimal of 38 digits',
    { type: 'decimal', precision: 38, scale: 9 },
    '1.000000000',
    { type: 'double' },
    '1.000000000',
  ],
  ['… as keyword', { type: 'decimal', precision: 5, scale: 2 }, '1.00', KEYWORD, '"1.00"', { decimal: 'keyword' }],
  [
    'a masked decimal',
    { type: 'decimal', precision: 5, scale: 2 },
    '***',
    { type: 'scaled_float', scaling_factor: 100 },
    '"***"',
  ],
  ['what the reader has masked', { type: 'decimal', precision: 5, scale: 2 }, '***', TEXT, '"***"', { shaped: true }],
  ['a date', { type: 'date' }, '2026-02-28', DATE, '"2026-02-28"'],
  ['a zero date that is kept', { type: 'date' }, '0000-00-00', DATE, '"0000-00-00"'],
  ['a zero date as null', { type: 'datetime' }, '0000-00-00T00:00:00', DATE, 'null', { zeroDates: 'null' }],
  ['a partial date as null', { type: 'date' }, '2020-00-15', DATE, 'null', { zeroDates: 'null' }],
  ['29 February of no leap year', { type: 'date' }, '2023-02-29', DATE, 'null', { zeroDates: 'null' }],
  ['29 February of a leap year', { type: 'date' }, '2000-02-29', DATE, '"2000-02-29"', { zeroDates: 'null' }],
  ['a date as keyword', { type: 'date' }, '0000-00-00', KEYWORD, '"0000-00-00"', { dates: 'keyword' }],
  ['a time', { type: 'time' }, '-838:59:59', KEYWORD, '"-838:59:59"'],
  ['a text', { type: 'varchar' }, 'a"b\n', TEXT, String.raw`"a\"b\n"`],
  ['a text as keyword', { type: 'text' }, 'a', KEYWORD, '"a"', { text: 'keyword' }],
  ['an enum', { type: 'enum' }, 'größer', KEYWORD, '"größer"'],
  ['a set', { type: 'set' }, 'a,c', KEYWORD, '["a","c"]'],
  ['an empty set', { type: 'set' }, '', KEYWORD, '[]'],
  ['JSON of many lines', { type: 'json' }, '{"a":\n 1.50}', { type: 'flattened', ignore_above: 8191 }, '{"a":  1.50}'],
  [
    'JSON that is no object',
    { type: 'json' },
    '[1]',
    { type: 'flat_object' },
    '{"value":[1]}',
    { dialect: OPENSEARCH },
  ],
  ['JSON as object', { type: 'json' }, '{"a":1}', { type: 'object' }, '{"a":1}', { json: 'object' }],
  ['JSON as keyword', { type: 'json' }, '{"a":1}', KEYWORD, String.raw`"{\"a\":1}"`, { json: 'keyword' }],
  ['bytes', { type: 'varbinary' }, Buffer.from([255, 0]), { type: 'binary' }, '"/wA="'],
  ['a vector', { type: 'vector' }, '[1.5,-2,3e-7]', { type: 'float', index: false }, '[1.5,-2,3e-7]'],
  [
    'a point',
    { type: 'point' },
    POINT,
    { type: 'geo_point', ignore_malformed: true },
    '{"type":"Point","coordinates":[1.5,-2]}',
  ],
  [
    'a geometry',
    { type: 'geometry' },
    POINT,
    { type: 'geo_shape', ignore_malformed: true },
    '{"type":"Point","coordinates":[1.5,-2]}',
  ],
  [
    'a geometry of a plane',
    { type: 'geometry' },
    MERCATOR,
    { type: 'geo_shape', ignore_malformed: true },
    `"${MERCATOR.toString('base64')}"`,
  ],
  [
    'a geometry as bytes',
    { type: 'polygon' },
    POINT,
    { type: 'binary' },
    `"${POINT.toString('base64')}"`,
    { geometry: 'binary' },
  ],
])('%s', (_, ...[column, value, mapping, json, options]) => {
  expect(planned(column, value, options)).toEqual([mapping, json]);
});
