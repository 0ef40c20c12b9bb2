import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { Statement } from './load-statements.ts';
import type { Random } from './random.ts';

/** Errors that end an XA transaction for reasons the load provokes itself: lock timeout, deadlock, duplicate key, and what XA END then says of it. */
const PROVOKED: ReadonlySet<number> = new Set([1062, 1205, 1213, 1402, 1613, 1614]);
const LONGEST_UNDECIDED_MS = 300;

/**
 * One XA transaction, prepared and then decided after a while in which others go on. The connection does nothing else meanwhile: whatever it wanted of
 * what it has locked itself would wait for ever.
 *
 * @returns the rows that it changed; 0 when it was rolled back.
 */
export async function runXaTransaction(
  connection: Connection,
  random: Random,
  xid: string,
  statements: readonly Statement[],
): Promise<number> {
  let rows = 0;
  try {
    await connection.query(`XA START ${xid}`);
    for (const { sql, values } of statements) {
      const [result] = await connection.query(sql, [...(values ?? [])]);
      rows += (result as { affectedRows?: number }).affectedRows ?? 0;
    }
    await connection.query(`XA END ${xid}`);
  } catch (error) {
    if (!PROVOKED.has((error as { errno?: number }).errno ?? 0)) throw error;
    await connection.query(`XA END ${xid}`).catch(() => {});
    await connection.query(`XA ROLLBACK ${xid}`);
    return 0;
  }
  if (random.chance(0.2)) {
    await connection.query(`XA COMMIT ${xid} ONE PHASE`);
    return rows;
  }
  await connection.query(`XA PREPARE ${xid}`);
  await sleep(random.int(0, LONGEST_UNDECIDED_MS));
  const commits = random.chance(0.7);
  await connection.query(`XA ${commits ? 'COMMIT' : 'ROLLBACK'} ${xid}`);
  return commits ? rows : 0;
}
