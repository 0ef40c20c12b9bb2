import assert from 'node:assert/strict';
import type { Row } from '@tapline/envelope';
import { type ContractCase, change, neverAborted, type SinkBench } from './bench.ts';

const signal = neverAborted();

async function written(bench: SinkBench, version: number, key: Row, row: Row): Promise<void> {
  await using sink = await bench.open();
  const result = await sink.apply([change(version, key, row)], signal);
  assert.deepEqual(result.verdicts, ['applied'], String(result.errors.get(0)));
  assert.deepEqual(await bench.read(key), bench.expected(row));
}

const EXACT: Row = {
  id: 1,
  tiny: -128,
  big: 9223372036854775807n,
  unsigned: 18446744073709551615n,
  price: '-12345678901234567890.123456789',
  real: 0.1,
  small: -1.5e-300,
  yes: true,
  day: '2024-02-29',
  moment: '2024-02-29T23:59:59.999999Z',
  text: 'zażółć 漢字 🐧 "quoted" \\ back\nline\ttab\u0000end',
  empty: '',
  bytes: Buffer.from([0, 255, 13, 10, 36, 128, 1]),
  document: '{"a": [1, 2.50, null], "b": "ü"}',
};

/** The cases about values and keys: exactness, NULL against absent, sizes, alphabets. */
export const VALUE_CASES: readonly ContractCase[] = [
  {
    name: 'every kind of value arrives exact',
    run: (bench) => written(bench, 1, { id: 1 }, EXACT),
  },
  {
    name: 'NULL and absent columns are as the sink documents them, and a column that becomes NULL loses its old value',
    async run(bench) {
      const key = { id: 1 };
      await written(bench, 1, key, { id: 1, a: 'x', b: 'y', c: '' });
      await written(bench, 2, key, { id: 1, a: null, b: 'y', c: null });
      await written(bench, 3, key, { id: 1, a: 'z', b: null, c: '' });
    },
  },
  {
    name: 'a column that vanishes from the table vanishes from the row, a new one appears',
    async run(bench) {
      const key = { id: 1 };
      await written(bench, 1, key, { id: 1, old: 'x', kept: 'y' });
      await written(bench, 2, key, { id: 1, kept: 'y' });
      await written(bench, 3, key, { id: 1, kept: 'y', fresh: 'z', more: null });
    },
  },
  {
    name: 'unicode and odd keys name different rows and are found again',
    async run(bench) {
      const names = [
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
        'tab\t\r\n',
        'A',
      ];
      await using sink = await bench.open();
      const rows = names.map((name, index) => ({ id: name, name: `row ${index}` }));
      const result = await sink.apply(
        rows.map((row, index) => change(index + 1, { id: row.id }, row)),
        signal,
      );
      assert.deepEqual(
        result.verdicts,
        names.map(() => 'applied'),
      );
      for (const row of rows) assert.deepEqual(await bench.read({ id: row.id }), bench.expected(row), row.id);
      await sink.apply(
        rows.map((row, index) => change(index + 100, { id: row.id })),
        signal,
      );
      for (const row of rows) {
        assert.equal(await bench.read({ id: row.id }), undefined, row.id);
      }
      const replayed = await sink.apply(
        rows.map((row, index) => change(index + 1, { id: row.id }, row)),
        signal,
      );
      assert.deepEqual(
        replayed.verdicts,
        names.map(() => 'stale'),
      );
    },
  },
  {
    name: 'composite keys are kept apart by every part and by its place',
    async run(bench) {
      const keys: Row[] = [
        { id: 1, sub: 23 },
        { id: 12, sub: 3 },
        { id: 'a:b', sub: 'c' },
        { id: 'a', sub: 'b:c' },
        { id: 3, sub: 12 },
      ];
      for (const [index, key] of keys.entries()) await written(bench, index + 1, key, { ...key, name: `row ${index}` });
      for (const [index, key] of keys.entries()) {
        assert.deepEqual(await bench.read(key), bench.expected({ ...key, name: `row ${index}` }), `row ${index}`);
      }
    },
  },
  {
    name: 'a huge row and a row with a thousand columns go through',
    async run(bench) {
      await written(bench, 1, { id: 1 }, { id: 1, blob: Buffer.alloc(8_000_000, 7), text: 'ä'.repeat(1_000_000) });
      const wide: Record<string, string | number> = { id: 2 };
      for (let column = 0; column < 1000; column++) wide[`column_${column}`] = `value ${column}`;
      await written(bench, 2, { id: 2 }, wide);
    },
  },
  {
    name: 'a thousand rows in one call are all applied',
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
