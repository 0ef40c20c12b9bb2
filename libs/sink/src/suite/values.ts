import assert from 'node:assert/strict';
import type { Row } from '@tapline/envelope';
import { type ContractCase, change, ITEM, neverAborted, type SinkBench } from './bench.ts';
import { suiteTable } from './tables.ts';

const signal = neverAborted();

async function written(bench: SinkBench, version: number, key: Row, row: Row): Promise<void> {
  await using sink = await bench.open();
  const result = await sink.apply([change(version, key, row)], signal);
  assert.deepEqual(result.verdicts, ['applied'], String(result.errors.get(0)));
  assert.deepEqual(await bench.read(key), bench.expected(row));
}

/** SRID 4326 (four bytes, little endian), then WKB: POINT(1.5 -2). */
const POINT = Buffer.concat([Buffer.from('e61000000101000000', 'hex'), float64(1.5), float64(-2)]);

function float64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

const TYPES: Readonly<Record<string, string>> = {
  id: 'int',
  tiny: 'tinyint',
  small: 'smallint',
  medium: 'mediumint unsigned',
  whole: 'int unsigned',
  big: 'bigint',
  unsigned: 'bigint unsigned',
  price: 'decimal(38,9)',
  real: 'double',
  least: 'double',
  single: 'float',
  yes: 'bit(1)',
  bits: 'bit(64)',
  year: 'year',
  day: 'date',
  second: 'datetime',
  moment: 'datetime(6)',
  instant: 'timestamp(6)',
  hours: 'time(6)',
  letters: 'char(10)',
  text: 'text',
  empty: 'varchar(10)',
  bytes: 'blob',
  fixed: 'varbinary(16)',
  document: 'json',
  choice: "enum('small','größer','x y')",
  choices: "set('a','b','c')",
  place: 'geometry',
};

const EXACT: Row = {
  id: 1,
  tiny: -128,
  small: -32_768,
  medium: 16_777_215,
  whole: 4_294_967_295,
  big: 9223372036854775807n,
  unsigned: 18446744073709551615n,
  price: '-12345678901234567890.123456789',
  real: 0.1,
  least: -1.5e-300,
  single: 0.1,
  yes: true,
  bits: 18446744073709551615n,
  year: 2155,
  day: '2024-02-29',
  second: '9999-12-31T23:59:59',
  moment: '2024-02-29T23:59:59.999999',
  instant: '2024-02-29T23:59:59.999999Z',
  hours: '-838:59:59.000000',
  letters: 'ten chars',
  text: 'zażółć 漢字 🐧 "quoted" \\ back\nline\ttab\u0000end',
  empty: '',
  bytes: Buffer.from([0, 255, 13, 10, 36, 128, 1]),
  fixed: Buffer.from('00ff10', 'hex'),
  document: '{"a": [1, 2.5, null], "b": "ü"}',
  choice: 'größer',
  choices: 'a,c',
  place: POINT,
};

const SMALLEST: Row = {
  id: 2,
  tiny: 0,
  small: 32_767,
  medium: 0,
  whole: 0,
  big: -9223372036854775808n,
  unsigned: 0n,
  price: '0.000000000',
  real: -1.7976931348623157e308,
  least: 0,
  single: -3.5,
  yes: false,
  bits: 0n,
  year: 1901,
  day: '1000-01-01',
  second: '1000-01-01T00:00:00',
  moment: '1970-01-01T00:00:00.000000',
  instant: '1970-01-01T00:00:01.000000Z',
  hours: '00:00:00.000001',
  letters: '',
  text: '',
  empty: '',
  bytes: Buffer.alloc(0),
  fixed: Buffer.alloc(0),
  document: 'null',
  choice: 'x y',
  choices: '',
  place: POINT,
};

/** The cases about values and keys: exactness, NULL against absent, sizes, alphabets. */
export const VALUE_CASES: readonly ContractCase[] = [
  {
    name: 'a value of every type arrives exact, the least and the greatest, and every type takes NULL',
    table: suiteTable(TYPES),
    async run(bench) {
      await written(bench, 1, { id: 1 }, EXACT);
      await written(bench, 2, { id: 2 }, SMALLEST);
      const nulls = Object.fromEntries(Object.keys(TYPES).map((name) => [name, name === 'id' ? 1 : null]));
      await written(bench, 3, { id: 1 }, nulls);
    },
  },
  {
    name: 'dates that no calendar has are written as the sink documents it',
    table: suiteTable({ id: 'int', day: 'date', moment: 'datetime(3)' }),
    run: (bench) => written(bench, 1, { id: 1 }, { id: 1, day: '0000-00-00', moment: '2020-00-15T00:00:00.000' }),
  },
  {
    name: 'NULL and absent columns are as the sink documents them, and a column that becomes NULL loses its old value',
    table: suiteTable({ id: 'int', a: 'varchar(20)', b: 'varchar(20)', c: 'varchar(20)' }),
    async run(bench) {
      const key = { id: 1 };
      await written(bench, 1, key, { id: 1, a: 'x', b: 'y', c: '' });
      await written(bench, 2, key, { id: 1, a: null, b: 'y', c: null });
      await written(bench, 3, key, { id: 1, a: 'z', b: null, c: '' });
    },
  },
  {
    name: 'unicode and odd keys name different rows and are found again',
    table: suiteTable({ id: 'varchar(64)', name: 'varchar(100)' }),
    run: oddKeys,
  },
  {
    name: 'composite keys are kept apart by every part and by its place',
    table: suiteTable({ id: 'varchar(64)', sub: 'varchar(64)', name: 'varchar(100)' }, ['id', 'sub']),
    async run(bench) {
      const parts = [
        ['1', '23'],
        ['12', '3'],
        ['a:b', 'c'],
        ['a', 'b:c'],
        ['3', '12'],
        ['', 'x'],
        ['x', ''],
      ];
      const keys = parts.map(([id = '', sub = '']): Row => ({ id, sub }));
      for (const [index, key] of keys.entries()) await written(bench, index + 1, key, { ...key, name: `row ${index}` });
      for (const [index, key] of keys.entries()) {
        assert.deepEqual(await bench.read(key), bench.expected({ ...key, name: `row ${index}` }), `row ${index}`);
      }
    },
  },
  {
    name: 'keys of composite types name their rows',
    table: suiteTable({ id: 'bigint', day: 'date', name: 'varchar(100)' }, ['id', 'day']),
    async run(bench) {
      const key = { id: 9223372036854775807n, day: '2024-02-29' };
      await written(bench, 1, key, { ...key, name: 'a' });
      await written(bench, 2, { ...key, id: 9223372036854775806n }, { ...key, id: 9223372036854775806n, name: 'b' });
      assert.deepEqual(await bench.read(key), bench.expected({ ...key, name: 'a' }));
    },
  },
  {
    name: 'a huge row goes through',
    table: suiteTable({ id: 'int', blob: 'longblob', text: 'longtext' }),
    run: (bench) =>
      written(bench, 1, { id: 1 }, { id: 1, blob: Buffer.alloc(8_000_000, 7), text: 'ä'.repeat(1_000_000) }),
  },
  {
    name: 'a row with a thousand columns goes through',
    table: suiteTable({ id: 'int', ...manyColumns('varchar(1)') }),
    run: (bench) => written(bench, 1, { id: 1 }, { id: 1, ...manyColumns('v') }),
  },
  {
    name: 'a thousand rows in one call are all applied',
    table: ITEM,
    async run(bench) {
      await using sink = await bench.open();
      const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: `row ${id}` }));
      const result = await sink.apply(
        rows.map((row) => change(row.id + 1, { id: row.id }, row)),
        signal,
      );
      assert.ok(result.verdicts.length === 1000 && result.verdicts.every((verdict) => verdict === 'applied'));
      for (const id of [0, 1, 99, 100, 101, 500, 999]) {
        assert.deepEqual(await bench.read({ id }), bench.expected({ id, name: `row ${id}` }));
      }
    },
  },
];

function manyColumns(value: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from({ length: 999 }, (_, index) => [`column_${index}`, value]));
}

const ODD_KEYS = [
  'plain',
  'zażółć',
  '漢字',
  '🐧',
  'a b',
  'a:b',
  '{a}',
  'a}b',
  '{}',
  'a{}b',
  '{',
  '*?[x]',
  '%20',
  'quote"\\',
  "it's",
  'a/b?c#d',
  'tab\t\r\n',
  'A',
  'a',
];

async function oddKeys(bench: SinkBench): Promise<void> {
  await using sink = await bench.open();
  const rows = ODD_KEYS.map((name, index) => ({ id: name, name: `row ${index}` }));
  const all = (version: number, isDelete = false): Promise<readonly string[]> => {
    const changes = rows.map((row, index) => change(index + version, { id: row.id }, isDelete ? undefined : row));
    return sink.apply(changes, signal).then(({ verdicts }) => verdicts);
  };
  const each = (verdict: string): string[] => rows.map(() => verdict);
  assert.deepEqual(await all(1), each('applied'));
  for (const row of rows) assert.deepEqual(await bench.read({ id: row.id }), bench.expected(row), row.id);
  await all(100, true);
  for (const row of rows) assert.equal(await bench.read({ id: row.id }), undefined, row.id);
  assert.deepEqual(await all(1), each('stale'));
}
