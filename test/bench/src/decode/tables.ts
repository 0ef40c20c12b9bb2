import type { SqlServer } from '@tapline/test-stack';
import { createTable, DATABASE, loadRows, TABLE } from '../rows.ts';
import { insertSelect, makeNumbers } from '../shapes/sql.ts';

/** A kind of rows whose decoding is measured. */
export interface DecodeTable {
  readonly name: string;
  readonly summary: string;
  /** Of the rows asked for, so many are made: wide rows need fewer for the same bytes. */
  readonly share: number;
  /** Before the recording starts. */
  prepare(mysql: SqlServer, rows: number): Promise<void>;
  /** What is recorded: `rows` row changes. */
  change(mysql: SqlServer, rows: number): Promise<void>;
}

const ROWS_PER_TRANSACTION = 5000;

/** `count` columns called `prefix`1 … with their type, and the expression of the row number `x` that each gets. */
interface Columns {
  readonly prefix: string;
  readonly count: number;
  readonly type: string;
  value(i: number): string;
}

function tableOf(name: string, summary: string, share: number, columns: readonly Columns[]): DecodeTable {
  const all = columns.flatMap(({ prefix, count, type, value }) =>
    Array.from({ length: count }, (_, i) => ({ name: `${prefix}${i + 1}`, type, value: value(i + 1) })),
  );
  return {
    name,
    summary,
    share,
    async prepare(mysql) {
      await mysql.execute(
        `CREATE DATABASE IF NOT EXISTS ${DATABASE}; DROP TABLE IF EXISTS ${DATABASE}.${TABLE};
         CREATE TABLE ${DATABASE}.${TABLE} (id INT NOT NULL PRIMARY KEY, ${all.map((column) => `${column.name} ${column.type}`).join(', ')}) CHARACTER SET utf8mb4`,
      );
    },
    async change(mysql, rows) {
      await makeNumbers(mysql);
      const values = ['x', ...all.map((column) => column.value)];
      await insertSelect(mysql, { table: `${DATABASE}.${TABLE}`, values, rows, session: "SET time_zone = '+00:00'" });
    },
  };
}

const json = (i: number): string =>
  `JSON_OBJECT('id', x, 'name', CONCAT('customer ', x), 'active', x % 2 = 0, 'note', NULL, 'score', x / 7e0, 'amount', CAST(x AS DECIMAL(12,2)),
     'tags', JSON_ARRAY('red', 'green', CONCAT('t', x % ${i + 10})), 'address', JSON_OBJECT('street', 'Hauptstraße 1', 'zip', x % 100000, 'geo', JSON_ARRAY(x / 1e3, 47.5)))`;

/** One line a kind of rows. */
export const DECODE_TABLES: readonly DecodeTable[] = [
  {
    name: 'narrow',
    summary: "sysbench's rows: int, int, char(120), char(60)",
    share: 1,
    prepare: createTable,
    change: loadRows,
  },
  {
    name: 'updates',
    summary: "updates of sysbench's rows: before and after",
    share: 0.5,
    async prepare(mysql, rows) {
      await createTable(mysql);
      await loadRows(mysql, rows);
    },
    async change(mysql, rows) {
      for (let from = 1; from <= rows; from += ROWS_PER_TRANSACTION) {
        const to = from + ROWS_PER_TRANSACTION - 1;
        await mysql.execute(`UPDATE ${DATABASE}.${TABLE} SET k = k + 1 WHERE id BETWEEN ${from} AND ${to}`);
      }
    },
  },
  tableOf('wide', '200 columns of mixed types', 0.05, [
    { prefix: 'i', count: 50, type: 'INT NOT NULL', value: (i) => `x * ${i}` },
    { prefix: 'l', count: 40, type: 'BIGINT', value: (i) => `x * ${i} * 1000003` },
    { prefix: 's', count: 60, type: 'VARCHAR(40)', value: (i) => `CONCAT('text ', x % ${i + 2}, ' of column ${i}')` },
    { prefix: 'd', count: 25, type: 'DATETIME(3)', value: (i) => `'2026-01-01' + INTERVAL x * ${i} SECOND` },
    { prefix: 'm', count: 24, type: 'DECIMAL(14,2)', value: (i) => `x * ${i} / 100` },
  ]),
  tableOf('nulls', '100 columns, nine of ten NULL', 0.2, [
    { prefix: 'i', count: 50, type: 'INT', value: (i) => (i % 10 === 0 ? 'x' : 'NULL') },
    { prefix: 's', count: 49, type: 'VARCHAR(40)', value: (i) => (i % 10 === 0 ? `CONCAT('text ', x)` : 'NULL') },
  ]),
  tableOf('numbers', 'decimals and times', 0.3, [
    { prefix: 'a', count: 5, type: 'DECIMAL(12,2)', value: (i) => `x * ${i} / 100` },
    {
      prefix: 'b',
      count: 5,
      type: 'DECIMAL(38,10)',
      value: (i) => `CAST(x AS DECIMAL(38,10)) * 1234567890123456789.0123456789 / ${i}`,
    },
    { prefix: 'c', count: 5, type: 'DATETIME(6)', value: (i) => `'2026-01-01' + INTERVAL x * ${i} MICROSECOND` },
    {
      prefix: 'd',
      count: 5,
      type: 'TIMESTAMP(3)',
      value: (i) => `TIMESTAMP'2026-01-01 00:00:00' + INTERVAL x * ${i} SECOND`,
    },
    { prefix: 'e', count: 3, type: 'DATE', value: (i) => `'2026-01-01' + INTERVAL x % 10000 + ${i} DAY` },
    { prefix: 'f', count: 2, type: 'TIME(3)', value: (i) => `SEC_TO_TIME(x % 86400 + ${i})` },
    { prefix: 'g', count: 3, type: 'DOUBLE', value: (i) => `x / ${i}e1` },
    { prefix: 'h', count: 2, type: 'BIGINT UNSIGNED', value: (i) => `18446744073709551615 - x * ${i}` },
  ]),
  tableOf('json', 'three JSON documents a row', 0.1, [{ prefix: 'j', count: 3, type: 'JSON', value: json }]),
  tableOf('charsets', 'text in latin1, utf16 and sjis', 0.2, [
    {
      prefix: 'a',
      count: 3,
      type: 'VARCHAR(80) CHARACTER SET latin1',
      value: (i) => `CONCAT('Größe und Maß ', x * ${i})`,
    },
    {
      prefix: 'b',
      count: 3,
      type: 'VARCHAR(80) CHARACTER SET latin1',
      value: (i) => `CONCAT('plain words in ASCII ', x * ${i})`,
    },
    {
      prefix: 'c',
      count: 2,
      type: 'VARCHAR(80) CHARACTER SET utf16',
      value: (i) => `CONCAT('Größe und Maß ', x * ${i})`,
    },
    { prefix: 'd', count: 2, type: 'VARCHAR(80) CHARACTER SET sjis', value: (i) => `CONCAT('日本語 ', x * ${i})` },
  ]),
  tableOf('lob', 'rows of one MiB', 0.0002, [
    { prefix: 't', count: 1, type: 'LONGTEXT', value: () => `REPEAT(CONCAT('0123456789 and more ', x % 10), 26215)` },
    { prefix: 'b', count: 1, type: 'LONGBLOB', value: () => `REPEAT(UNHEX('00FF10203040506070'), 58254)` },
  ]),
];
