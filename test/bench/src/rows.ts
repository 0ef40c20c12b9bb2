import type { SqlServer } from '@tapline/test-stack';

/** The table of sysbench's OLTP tests, whose rows are what databases under benchmarks are used to. */
export const DATABASE = 'bench';
export const TABLE = 'sbtest1';

const ROWS_PER_STATEMENT = 500;
const STATEMENTS_PER_TRANSACTION = 2;
export const ROWS_PER_TRANSACTION: number = ROWS_PER_STATEMENT * STATEMENTS_PER_TRANSACTION;
const GROUP = 11;

export interface Row {
  readonly id: number;
  readonly k: number;
  readonly c: string;
  readonly pad: string;
}

/** Groups of eleven digits, as sysbench fills its columns. */
function digits(seed: number, groups: number): string {
  let state = (seed * 2_654_435_761) >>> 0;
  const parts: string[] = [];
  for (let i = 0; i < groups; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const high = state;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    parts.push(`${high}${state}`.padEnd(GROUP, '0').slice(0, GROUP));
  }
  return parts.join('-');
}

/** The row with this id: always the same. */
export function rowOf(id: number): Row {
  return { id, k: ((id * 7919) % 1_000_000) + 1, c: digits(id, 10), pad: digits(id + 500_000_000, 5) };
}

export async function createTable(mysql: SqlServer): Promise<void> {
  await mysql.execute(
    `CREATE DATABASE IF NOT EXISTS ${DATABASE}; DROP TABLE IF EXISTS ${DATABASE}.${TABLE};
     CREATE TABLE ${DATABASE}.${TABLE} (
       id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '',
       KEY k_1 (k))`,
  );
}

/** Inserts rows 1 to `rows`, 500 a statement and 1,000 a transaction. */
export async function loadRows(mysql: SqlServer, rows: number): Promise<void> {
  const connection = await mysql.connect({ database: DATABASE });
  try {
    let statements = 0;
    for (let from = 1; from <= rows; from += ROWS_PER_STATEMENT) {
      if (statements % STATEMENTS_PER_TRANSACTION === 0) await connection.query('BEGIN');
      await connection.query(insertStatement(from, Math.min(from + ROWS_PER_STATEMENT - 1, rows)));
      if (++statements % STATEMENTS_PER_TRANSACTION === 0) await connection.query('COMMIT');
    }
    await connection.query('COMMIT');
  } finally {
    await connection.end();
  }
}

/** Inserts the rows with the ids `from` to `to`. */
export function insertStatement(from: number, to: number): string {
  const values: string[] = [];
  for (let id = from; id <= to; id++) {
    const { k, c, pad } = rowOf(id);
    values.push(`(${id},${k},'${c}','${pad}')`);
  }
  return `INSERT INTO ${TABLE} (id, k, c, pad) VALUES ${values.join(',')}`;
}

/** Where the binlog ends now, and everything that was executed. */
export interface BinlogEnd {
  readonly file: string;
  readonly position: number;
  readonly gtidSet: string;
}

export async function binlogEnd(mysql: SqlServer): Promise<BinlogEnd> {
  const connection = await mysql.connect();
  try {
    const [rows] = await connection.query('SHOW BINARY LOG STATUS');
    const [status] = rows as { File: string; Position: number | string; Executed_Gtid_Set: string }[];
    if (status === undefined) throw new Error('the server has no binlog');
    return {
      file: status.File,
      position: Number(status.Position),
      gtidSet: status.Executed_Gtid_Set.replaceAll('\n', ''),
    };
  } finally {
    await connection.end();
  }
}
