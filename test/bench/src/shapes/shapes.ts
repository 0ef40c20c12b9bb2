import type { SqlServer } from '@tapline/test-stack';
import { insertSelect, runEach } from './sql.ts';

/** Where a shape puts its rows. */
export interface ShapeRun {
  readonly mysql: SqlServer;
  /** The shape's own database; it exists. */
  readonly database: string;
  readonly rows: number;
}

/**
 * `opening`: the first rows of each table, with which the tables are opened; `warming`: rows of all of them, while the reader's code is still being compiled; `open`: rows
 * of all of them behind that; `one`: rows of one of them.
 */
export type PartName = 'opening' | 'warming' | 'open' | 'one';

/** One kind of load, with a cost that could be its own. */
export interface Shape {
  readonly summary: string;
  readonly rows: number;
  readonly partitions: number;
  /** Makes its tables; what that logs is not measured. */
  prepare(run: ShapeRun): Promise<void>;
  /** Rows in parts that are measured by themselves, in their order; the last one has all that is left. */
  readonly parts?: (rows: number) => readonly { readonly name: PartName; readonly rows: number }[];
  /** Logs exactly `rows` row changes, each of which makes one record: all of them, or where there are `parts` those from row `from` to row `to`. */
  load(run: ShapeRun & { readonly from: number; readonly to: number }): Promise<void>;
}

const PARTITIONS = 8;
const MANY_TABLES = 10_000;
const ROWS_PER_MANY_TRANSACTION = 2;
const LOB_BYTES = 1_000_000;

const NARROW = 'id INT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL';
/** As long as sysbench fills its columns. */
const NARROW_VALUES = ['x', 'x * 7919 % 1000000', 'LEFT(REPEAT(SHA2(x, 256), 2), 119)', 'LEFT(SHA2(x, 256), 59)'];

/** Twenty kinds of columns, ten times each: 200. `x` is the row's number. */
const WIDE_KINDS: readonly (readonly [string, string])[] = [
  ['TINYINT NOT NULL', 'x % 100 - 50'],
  ['SMALLINT UNSIGNED NOT NULL', 'x % 65000'],
  ['INT NOT NULL', 'x * 7 - 100000'],
  ['INT', 'IF(x % 3 = 0, NULL, x)'],
  ['BIGINT NOT NULL', 'x * -1000003'],
  ['BIGINT UNSIGNED NOT NULL', '18446744073709551615 - x'],
  ['DECIMAL(18,4) NOT NULL', 'x / 7'],
  ['DECIMAL(38,10)', '-x * 1234567890.123'],
  ['DOUBLE NOT NULL', 'x / 3'],
  ['FLOAT', 'x / 8'],
  ['DATE', "'2020-01-01' + INTERVAL x % 2000 DAY"],
  ['DATETIME(6) NOT NULL', "'2020-01-01' + INTERVAL x * 1000003 MICROSECOND"],
  ['TIMESTAMP(3) NOT NULL', "'2020-01-01 12:00:00' + INTERVAL x SECOND"],
  ['TIME', 'SEC_TO_TIME(x % 86400)'],
  ["ENUM('new', 'paid', 'sent', 'done') NOT NULL", '1 + x % 4'],
  ["SET('a', 'b', 'c')", 'x % 8'],
  ['CHAR(10) NOT NULL', 'LEFT(SHA2(x, 256), 10)'],
  ['VARCHAR(100) CHARACTER SET utf8mb4', "CONCAT('Grüße aus Köln ', x)"],
  ['VARCHAR(60) CHARACTER SET latin1', "CONCAT('caffè ', x)"],
  ['VARBINARY(16)', 'UNHEX(LEFT(SHA2(x, 256), 32))'],
];
const WIDE_TIMES = 10;

const JSON_DOCUMENT = `JSON_OBJECT('id', x, 'customer', JSON_OBJECT('name', CONCAT('customer ', x), 'active', x % 2 = 0, 'score', x / 7, 'note', NULL),
  'tags', JSON_ARRAY('red', 'green', SHA2(x, 256)), 'lines', JSON_ARRAY(${Array.from({ length: 10 }, (_, i) => `JSON_OBJECT('sku', CONCAT('sku-', x + ${i}), 'quantity', x % 9 + ${i}, 'price', CAST(x / 100 AS DECIMAL(10, 2)), 'text', SHA2(x + ${i}, 256))`).join(', ')}))`;

async function createNarrow({ mysql, database }: ShapeRun): Promise<void> {
  await mysql.execute(`CREATE TABLE ${database}.narrow (${NARROW})`);
}

async function insertNarrow({ mysql, database, rows }: ShapeRun, session?: string): Promise<void> {
  await insertSelect(mysql, {
    table: `${database}.narrow`,
    values: NARROW_VALUES,
    rows,
    ...(session === undefined ? {} : { session }),
  });
}

/** Rows of no more than a number and a text: the other columns have values of their own accord. */
const manyRow = (i: number): string => `(${i}, SHA2(${i}, 256))`;

/** Two rows a transaction, into the table of the transaction's number. */
async function insertPairs(
  { mysql, from, to }: Parameters<Shape['load']>[0],
  table: (transaction: number) => string,
): Promise<void> {
  const first = from / ROWS_PER_MANY_TRANSACTION;
  await runEach(mysql, Math.ceil(to / ROWS_PER_MANY_TRANSACTION) - first, (i) => {
    const at = (first + i) * ROWS_PER_MANY_TRANSACTION;
    const numbers = [at, at + 1].filter((n) => n < to);
    return `INSERT INTO ${table(first + i)} (k, c) VALUES ${numbers.map(manyRow).join(', ')}`;
  });
}

/** Of 13 rows of `many`, so many are those of `few`, over all tables; the others go into one of them. */
const SPREAD_PART = 10 / 13;

const spreadOfMany = (rows: number): number =>
  ROWS_PER_MANY_TRANSACTION * Math.ceil((rows * SPREAD_PART) / ROWS_PER_MANY_TRANSACTION);

/** Each has rows twice at least. */
function manyTables(spread: number): number {
  return Math.max(1, Math.min(MANY_TABLES, Math.floor(spread / ROWS_PER_MANY_TRANSACTION / 2)));
}

function partsOf(spread: number, one: number): NonNullable<ReturnType<NonNullable<Shape['parts']>>> {
  const opening = manyTables(spread) * ROWS_PER_MANY_TRANSACTION;
  // A third of what is left, in whole transactions.
  const warming = ROWS_PER_MANY_TRANSACTION * Math.floor((spread - opening) / 3 / ROWS_PER_MANY_TRANSACTION);
  if (warming === 0) return [{ name: 'open', rows: spread + one }];
  const parts = [
    { name: 'opening', rows: opening },
    { name: 'warming', rows: warming },
    { name: 'open', rows: spread - opening - warming },
  ] as const;
  return one > 0 ? [...parts, { name: 'one', rows: one }] : parts;
}

const manyTable = (index: number, tables: number): string => `t${String((index % tables) + 1).padStart(5, '0')}`;

/** Seventeen of them, with values of their own accord: twenty with those that a row gives. */
const MANY_COLUMNS = Array.from({ length: 17 }, (_, i) => {
  const types = [
    'INT NOT NULL DEFAULT 7',
    "VARCHAR(40) DEFAULT 'some text'",
    'DATETIME(6) NULL',
    'DECIMAL(12,2) DEFAULT 1.50',
  ];
  return `x${i} ${types[i % types.length]}`;
}).join(', ');

const MANY_TABLE_COLUMNS = `id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, c CHAR(120) NOT NULL, ${MANY_COLUMNS}`;

export const SHAPES = {
  narrow: {
    summary: "sysbench's rows, 1,000 a transaction",
    rows: 1_000_000,
    partitions: PARTITIONS,
    prepare: createNarrow,
    load: (run) => insertNarrow(run),
  },
  wide: {
    summary: '200 columns of 20 types',
    rows: 100_000,
    partitions: PARTITIONS,
    async prepare({ mysql, database }) {
      const columns = Array.from({ length: WIDE_TIMES }, (_, i) =>
        WIDE_KINDS.map(([type], kind) => `c${i * WIDE_KINDS.length + kind} ${type}`),
      );
      await mysql.execute(`CREATE TABLE ${database}.wide (id INT PRIMARY KEY, ${columns.flat().join(', ')})`);
    },
    async load({ mysql, database, rows }) {
      const values = Array.from({ length: WIDE_TIMES }, () => WIDE_KINDS.map(([, value]) => value)).flat();
      await insertSelect(mysql, { table: `${database}.wide`, values: ['x', ...values], rows });
    },
  },
  updates: {
    summary: "updates of sysbench's rows, each with its before image",
    rows: 500_000,
    partitions: PARTITIONS,
    async prepare(run) {
      await createNarrow(run);
      await insertNarrow(run);
    },
    async load({ mysql, database, rows }) {
      const step = 1000;
      const statements = Math.ceil(rows / step);
      await runEach(mysql, statements, (i) => {
        const [from, to] = [i * step + 1, Math.min((i + 1) * step, rows)];
        return `UPDATE ${database}.narrow SET k = k + 1 WHERE id BETWEEN ${from} AND ${to}`;
      });
    },
  },
  lob: {
    summary: 'rows of 1 MB',
    rows: 400,
    partitions: PARTITIONS,
    async prepare({ mysql, database }) {
      await mysql.execute(`CREATE TABLE ${database}.lob (id INT PRIMARY KEY, body LONGBLOB NOT NULL)`);
    },
    async load({ mysql, database, rows }) {
      const values = ['x', `REPEAT(SHA2(x, 512), ${LOB_BYTES / 128})`];
      await insertSelect(mysql, { table: `${database}.lob`, values, rows, rowsPerTransaction: 1 });
    },
  },
  json: {
    summary: 'a JSON document of 1.5 KB a row',
    rows: 100_000,
    partitions: PARTITIONS,
    async prepare({ mysql, database }) {
      await mysql.execute(`CREATE TABLE ${database}.json (id INT PRIMARY KEY, document JSON NOT NULL)`);
    },
    async load({ mysql, database, rows }) {
      await insertSelect(mysql, { table: `${database}.json`, values: ['x', JSON_DOCUMENT], rows });
    },
  },
  compressed: {
    summary: "sysbench's rows in compressed transactions",
    rows: 1_000_000,
    partitions: PARTITIONS,
    prepare: createNarrow,
    load: (run) => insertNarrow(run, 'SET SESSION binlog_transaction_compression = ON'),
  },
  small: {
    summary: "sysbench's rows, one a transaction",
    rows: 200_000,
    partitions: PARTITIONS,
    prepare: createNarrow,
    async load({ mysql, database, rows }) {
      const values = (x: number): string => NARROW_VALUES.map((value) => value.replaceAll('x', String(x))).join(', ');
      await runEach(mysql, rows, (i) => `INSERT INTO ${database}.narrow VALUES (${values(i + 1)})`);
    },
  },
  few: {
    summary: 'the rows of `many`, in one table',
    rows: 200_000,
    partitions: 1,
    async prepare({ mysql, database }) {
      await mysql.execute(`CREATE TABLE ${database}.few (${MANY_TABLE_COLUMNS})`);
    },
    parts: (rows) => partsOf(rows, 0),
    load: (run) => insertPairs(run, () => `${run.database}.few`),
  },
  many: {
    summary: '10,000 tables of 20 columns with a partition each, two rows a transaction; the last rows in one of them',
    rows: 260_000,
    partitions: 1,
    async prepare({ mysql, database, rows }) {
      const tables = manyTables(spreadOfMany(rows));
      await runEach(mysql, tables, (i) => `CREATE TABLE ${database}.${manyTable(i, tables)} (${MANY_TABLE_COLUMNS})`);
    },
    parts: (rows) => partsOf(spreadOfMany(rows), rows - spreadOfMany(rows)),
    load(run) {
      const spread = spreadOfMany(run.rows);
      const tables = manyTables(spread);
      const table = (i: number): string => manyTable(i * ROWS_PER_MANY_TRANSACTION < spread ? i : 0, tables);
      return insertPairs(run, (i) => `${run.database}.${table(i)}`);
    },
  },
} as const satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;
