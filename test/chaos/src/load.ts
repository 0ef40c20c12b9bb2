import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection } from 'mysql2/promise';
import { BornTable } from './load-ddl.ts';
import { ALTER, type Statement, someTransaction } from './load-statements.ts';
import { runXaTransaction } from './load-xa.ts';
import { Random } from './random.ts';

export interface LoadOptions {
  readonly address: { readonly host: string; readonly port: number; readonly user: string; readonly password: string };
  readonly database: string;
  readonly seed: number;
  readonly connections: number;
  /** Rows changed a second, over all connections; about. */
  readonly rowsPerSecond: number;
  /** Rows of each big transaction. One connection commits one every some seconds; they do not count for the rate. */
  readonly bigRows: number;
  /** At most so many big transactions. */
  readonly bigTransactions: number;
  /** The ALTER comes when so many rows have changed; never, when absent. */
  readonly alterAfterRows?: number;
  /** Connections more, which change rows in XA transactions; none, when absent. */
  readonly xaConnections?: number;
  /**
   * A replica executes it. There rows without a key are found by scans, which wait for rows that a prepared XA transaction holds, and that waits for
   * its decision, which comes behind the scan: so XA transactions leave the table without a key alone.
   */
  readonly isReplicated?: boolean;
  /** From when on one connection more makes, alters and drops tables; never, when absent. */
  readonly ddl?: Promise<void> | undefined;
  /** Rows that createTables made in each table. */
  readonly rows: number;
}

export interface LoadStats {
  rows: number;
  bigTransactions: number;
  transactions: number;
  xaTransactions: number;
  altered: boolean;
  /** Statements that made or altered a table born during the load. */
  ddl: number;
  /** Statements or transactions refused by the server for reasons the load provokes itself: duplicate keys, deadlocks. */
  refused: number;
}

/** A randomized load that runs until it is stopped. The statements of each connection follow from the seed; how they interleave does not. */
export interface Load extends AsyncDisposable {
  readonly stats: LoadStats;
  /** Resolves when the last transaction is committed. @throws when a connection failed meanwhile. */
  stop(): Promise<LoadStats>;
}

const BIG_EVERY_MS = 8000;
/** Statements over the table without a key. */
const KEYLESS = / events /;
const DUPLICATE_KEY = 1062;
const LOCK_TIMEOUT = 1205;
const DEADLOCK = 1213;

export function startLoad(options: LoadOptions): Load {
  const stats: LoadStats = {
    rows: 0,
    bigTransactions: 0,
    transactions: 0,
    xaTransactions: 0,
    altered: false,
    ddl: 0,
    refused: 0,
  };
  const seeds = new Random(options.seed);
  const stop = new AbortController();
  const startedMs = performance.now();
  /** Holds a connection back while the load is ahead of its rate. */
  const pace = async (): Promise<void> => {
    const aheadMs = (stats.rows / options.rowsPerSecond) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 0) await sleep(Math.min(aheadMs, 1000), undefined, { signal: stop.signal }).catch(() => {});
  };
  const workers = Array.from({ length: options.connections }, async (_, worker) => {
    const random = seeds.fork();
    const connection = await openConnection(options, worker);
    let nextBigMs = performance.now() + random.int(0, BIG_EVERY_MS);
    try {
      while (!stop.signal.aborted) {
        const big = worker === 0 && stats.bigTransactions < options.bigTransactions && performance.now() >= nextBigMs;
        if (worker === 2 && !stats.altered && stats.rows >= (options.alterAfterRows ?? Number.POSITIVE_INFINITY)) {
          await connection.query(ALTER);
          stats.altered = true;
        }
        const rows = await runTransaction(
          connection,
          someTransaction(random, { ...options, big, altered: stats.altered }),
          stats,
        );
        if (big) {
          stats.bigTransactions++;
          nextBigMs = performance.now() + random.int(BIG_EVERY_MS / 2, BIG_EVERY_MS * 1.5);
        } else stats.rows += rows;
        await pace();
      }
    } finally {
      await connection.end();
    }
  });
  const xaWorkers = Array.from({ length: options.xaConnections ?? 0 }, async (_, worker) => {
    const random = seeds.fork();
    const connection = await openConnection(options, worker);
    try {
      for (let n = 0; !stop.signal.aborted; n++) {
        const all = someTransaction(random, { ...options, big: false, altered: false });
        const statements = options.isReplicated === true ? all.filter(({ sql }) => !KEYLESS.test(sql)) : all;
        if (statements.length === 0) continue;
        // Replicas apply transactions side by side, and tell XIDs apart by their texts alone.
        const xid = `'xa ${worker} ${n}', X'00${worker}f', ${n}`;
        // Not in one line: what others have added while this waited would be lost.
        const rows = await runXaTransaction(connection, random, xid, statements);
        stats.rows += rows;
        stats.xaTransactions++;
        await pace();
      }
    } finally {
      await connection.end();
    }
  });
  workers.push(...xaWorkers);
  if (options.ddl !== undefined) workers.push(bearTables(options, seeds.fork(), stop.signal, stats));
  const all = Promise.all(workers);
  all.catch(() => stop.abort());
  return {
    stats,
    stop: async () => {
      stop.abort();
      await all;
      return stats;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.allSettled(workers);
    },
  };
}

async function bearTables(options: LoadOptions, random: Random, stopped: AbortSignal, stats: LoadStats): Promise<void> {
  const connection = await openConnection(options, 0);
  try {
    await Promise.race([options.ddl, once(stopped, 'abort')]);
    for (let n = 0; !stopped.aborted; n++)
      await new BornTable(connection, random.fork(), `born_${n}`).live(stopped, () => stats.ddl++);
  } finally {
    await connection.end();
  }
}

async function openConnection(options: LoadOptions, worker: number): Promise<Connection> {
  const { address, database } = options;
  const connection = await createConnection({ ...address, database, charset: 'utf8mb4', connectTimeout: 300_000 });
  await connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await connection.query('SET SESSION innodb_lock_wait_timeout = 5, cte_max_recursion_depth = 10000000');
  // One connection writes its transactions compressed: one event holds them whole.
  if (worker === 1) await connection.query('SET SESSION binlog_transaction_compression = ON');
  return connection;
}

/** @returns the rows that it changed. */
async function runTransaction(
  connection: Connection,
  statements: readonly Statement[],
  stats: LoadStats,
): Promise<number> {
  let rows = 0;
  await connection.query('BEGIN');
  for (const { sql, values } of statements) {
    try {
      const [result] = await connection.query(sql, [...(values ?? [])]);
      rows += (result as { affectedRows?: number }).affectedRows ?? 0;
    } catch (error) {
      const { errno } = error as { errno?: number };
      if (errno !== DUPLICATE_KEY && errno !== LOCK_TIMEOUT && errno !== DEADLOCK) throw error;
      stats.refused++;
      if (errno === DUPLICATE_KEY) continue;
      await connection.query('ROLLBACK');
      return 0;
    }
  }
  await connection.query('COMMIT');
  stats.transactions++;
  return rows;
}
