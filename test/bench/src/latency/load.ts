import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlServer } from '@tapline/test-stack';
import { DATABASE, insertStatement } from '../rows.ts';
import type { Sightings } from './sightings.ts';

const CONNECTIONS = 4;

export interface Load {
  /** The first id. */
  readonly from: number;
  readonly rows: number;
  /** Default 1; `rows` is a multiple of it. The sightings have the last row of each transaction. */
  readonly rowsPerTransaction?: number;
  /** Infinity: each connection goes on as soon as its commit is answered. */
  readonly rowsPerSecond: number;
}

/** Inserts rows on a fixed schedule, over some connections; a late answer does not hold the others back. */
export async function commitRows(mysql: SqlServer, load: Load, { sent, committed }: Sightings): Promise<void> {
  const { from, rows, rowsPerTransaction = 1, rowsPerSecond } = load;
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => mysql.connect({ database: DATABASE })),
  );
  try {
    const started = performance.now();
    await Promise.all(
      connections.map(async (connection, worker) => {
        const step = CONNECTIONS * rowsPerTransaction;
        for (let first = from + worker * rowsPerTransaction; first < from + rows; first += step) {
          const last = first + rowsPerTransaction - 1;
          const dueMs = started + ((first - from) / rowsPerSecond) * 1000 - performance.now();
          if (dueMs >= 1) await sleep(dueMs);
          const statement = insertStatement(first, last);
          sent.set(last, performance.now());
          await connection.query(statement);
          committed.set(last, performance.now());
        }
      }),
    );
  } finally {
    await Promise.all(connections.map((connection) => connection.end()));
  }
}
