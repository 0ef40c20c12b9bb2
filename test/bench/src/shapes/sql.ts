import type { SqlServer } from '@tapline/test-stack';

/** Holds `n (n)`, the numbers from 1; outside of what any reader captures. */
export const NUMBERS = 'bench_numbers';
/** As many rows a transaction, where the shape does not say otherwise. */
export const ROWS_PER_TRANSACTION = 1000;
/** Statements sent in one go where each is a transaction of its own. */
const STATEMENTS_PER_PACKET = 500;
const CONNECTIONS = 4;

/** Makes the table of numbers that the shapes select their rows from: rows are made inside the server, as fast as it can. */
export async function makeNumbers(mysql: SqlServer): Promise<void> {
  await mysql.execute(
    `CREATE DATABASE IF NOT EXISTS ${NUMBERS}; CREATE TABLE IF NOT EXISTS ${NUMBERS}.n (n INT PRIMARY KEY);
     INSERT IGNORE INTO ${NUMBERS}.n
       WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < ${ROWS_PER_TRANSACTION}) SELECT n FROM r`,
  );
}

export interface InsertSelect {
  readonly table: string;
  /** An expression for each column of the table, in order; `x` is the row's number, from 1. */
  readonly values: readonly string[];
  readonly rows: number;
  readonly rowsPerTransaction?: number;
  /** Before the first row, in the same session. */
  readonly session?: string;
}

/** INSERT … SELECT of rows 1 to `rows`. */
export async function insertSelect(mysql: SqlServer, insert: InsertSelect): Promise<void> {
  const { table, values, rows, rowsPerTransaction = ROWS_PER_TRANSACTION, session } = insert;
  const connection = await mysql.connect({ database: NUMBERS });
  try {
    if (session !== undefined) await connection.query(session);
    for (let base = 0; base < rows; base += rowsPerTransaction) {
      const count = Math.min(rowsPerTransaction, rows - base);
      await connection.query(
        `INSERT INTO ${table} SELECT ${values.join(', ')} FROM (SELECT n + ${base} AS x FROM n WHERE n <= ${count}) AS numbers`,
      );
    }
  } finally {
    await connection.end();
  }
}

/** Runs many statements, each a transaction of its own, over some connections; `of(i)` gives statement i. */
export async function runEach(mysql: SqlServer, count: number, of: (index: number) => string): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    const connection = await mysql.connect();
    try {
      while (next < count) {
        const from = next;
        next = Math.min(next + STATEMENTS_PER_PACKET, count);
        await connection.query(Array.from({ length: next - from }, (_, i) => of(from + i)).join(';'));
      }
    } finally {
      await connection.end();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}
