import { sleep } from '@tapline/kernel';
import { type BinlogPlace, hasReached } from './binlog-place.ts';
import type { MysqlConnection } from './connection.ts';
import { readBinlogEnd, readGtids } from './server-info.ts';

const POLL_MS = 5;
const COMMIT_MS = 200;

/**
 * Resolves when a SELECT sees every transaction of the binlog that a replica may have been sent by now. A source sends a transaction as soon as it is in the
 * binlog, and commits it in its engines a moment later: a read in between shows the rows as they were before.
 *
 * MySQL adds a GTID to gtid_executed after the commit in the engine, so it waits until `has` holds of that set. MariaDB's gtid_binlog_pos says what is written;
 * what is committed, Binlog_snapshot_file and Binlog_snapshot_position say (MariaDB Knowledge Base, Group Commit and START TRANSACTION WITH CONSISTENT SNAPSHOT), so it waits until
 * these have come to where the binlog ended at the call. MySQL without GTIDs says nothing of it: there is a moment to wait, longer than commits take.
 */
export async function waitUntilVisible(
  connection: MysqlConnection,
  has: ((executed: string) => boolean) | undefined,
  signal?: AbortSignal,
): Promise<void> {
  if (connection.flavor === 'mysql') {
    if (has === undefined) await sleep(COMMIT_MS, signal);
    else while (!has((await readGtids(connection, signal)).executed)) await sleep(POLL_MS, signal);
    return;
  }
  const end = await readBinlogEnd(connection, signal);
  while (!hasReached(await readCommitted(connection, signal), end)) await sleep(POLL_MS, signal);
}

async function readCommitted(connection: MysqlConnection, signal: AbortSignal | undefined): Promise<BinlogPlace> {
  const rows = await connection.query("SHOW GLOBAL STATUS LIKE 'binlog_snapshot_%'", signal);
  const values = new Map(rows.map(([name, value]) => [name?.toLowerCase() ?? '', value ?? '']));
  return {
    file: values.get('binlog_snapshot_file') ?? '',
    position: Number(values.get('binlog_snapshot_position') ?? 0),
  };
}
