import assert from 'node:assert/strict';
import type { Row } from '@tapline/envelope';
import type { Table } from '@tapline/schema';
import { type ContractCase, change, partialChange, type SinkBench, settle } from './bench.ts';
import { suiteTable } from './tables.ts';

const FIRST = suiteTable({ id: 'int', old: 'varchar(20)', kept: 'varchar(20)' });
const SECOND = suiteTable({ id: 'int', kept: 'varchar(20)' });
const THIRD = suiteTable({ id: 'int', kept: 'varchar(20)', fresh: 'varchar(20)', more: 'int' });

async function written(bench: SinkBench, version: number, row: Row): Promise<void> {
  await using sink = await bench.open();
  const key = { id: row['id'] ?? null };
  assert.deepEqual(await settle(sink, [change(version, key, row)]), ['applied']);
  assert.deepEqual(await bench.read(key), bench.expected(row));
}

async function altered(bench: SinkBench, table: Table): Promise<void> {
  await bench.alter?.(table);
}

/** The cases about tables that change, and rows that are not whole. */
export const SCHEMA_CASES: readonly ContractCase[] = [
  {
    name: 'a column that vanishes from the table vanishes from the row, a new one appears',
    table: FIRST,
    async run(bench) {
      await written(bench, 1, { id: 1, old: 'x', kept: 'y' });
      await altered(bench, SECOND);
      await written(bench, 2, { id: 1, kept: 'y' });
      await altered(bench, THIRD);
      await written(bench, 3, { id: 1, kept: 'y', fresh: 'z', more: null });
    },
  },
  {
    name: 'a table that changes while a sink is open: rows of both forms are right, and replays of the old ones stale',
    table: SECOND,
    async run(bench) {
      await using sink = await bench.open();
      const old = [1, 2, 3].map((id) => change(id, { id }, { id, kept: `old ${id}` }));
      await settle(sink, old);
      await altered(bench, THIRD);
      const rows = [2, 3, 4].map((id) => ({ id, kept: `new ${id}`, fresh: `fresh ${id}`, more: id }));
      const fresh = rows.map((row) => change(100 + row.id, { id: row.id }, row));
      assert.deepEqual(await settle(sink, fresh), ['applied', 'applied', 'applied']);
      assert.deepEqual(await settle(sink, old), ['stale', 'stale', 'stale']);
      for (const row of rows) assert.deepEqual(await bench.read({ id: row.id }), bench.expected(row));
    },
  },
  {
    name: 'a value that outgrows its old type fits after the table was altered',
    table: suiteTable({ id: 'int', name: 'varchar(10)', total: 'int' }),
    async run(bench) {
      await using sink = await bench.open();
      await settle(sink, [change(1, { id: 1 }, { id: 1, name: 'short', total: 1 })]);
      await altered(bench, suiteTable({ id: 'int', name: 'varchar(200)', total: 'bigint' }));
      const row = { id: 1, name: 'long '.repeat(30).trim(), total: 9_000_000_000_000_000_000n };
      assert.deepEqual(await settle(sink, [change(2, { id: 1 }, row)]), ['applied']);
      assert.deepEqual(await bench.read({ id: 1 }), bench.expected(row));
    },
  },
  {
    name: 'a column that an update does not carry stays as it was, and is not NULL',
    table: suiteTable({ id: 'int', a: 'varchar(20)', b: 'varchar(20)', c: 'varchar(20)' }),
    needs: 'partialRows',
    async run(bench) {
      await using sink = await bench.open();
      const key = { id: 1 };
      await settle(sink, [change(1, key, { id: 1, a: 'x', b: 'y', c: 'z' })]);
      await settle(sink, [partialChange(2, key, { id: 1, a: 'new', c: null }, ['b'])]);
      assert.deepEqual(await bench.read(key), bench.expected({ id: 1, a: 'new', b: 'y', c: null }));
      assert.deepEqual(await settle(sink, [partialChange(1, key, { id: 1, a: 'old' }, ['b', 'c'])]), ['stale']);
      await settle(sink, [change(3, key), change(4, key, { id: 1, a: null, b: 'b', c: 'c' }, 'c')]);
      assert.deepEqual(await bench.read(key), bench.expected({ id: 1, a: null, b: 'b', c: 'c' }));
    },
  },
];
