import type { SqlServer } from './mysql.ts';

/** How a server is told of replication: MySQL since 8.0.23, MySQL 5.7, MariaDB. */
export type ReplicationDialect = 'mysql' | 'mysql57' | 'mariadb';

/** `file`: from the first binlog file that the source has, by file and position, as without GTIDs. */
export type ReplicationBy = 'gtid' | 'file';

/** `receiver`: takes events from the source. `applier`: executes them. */
export type ReplicationThread = 'receiver' | 'applier';

const THREADS = { receiver: 'IO_THREAD', applier: 'SQL_THREAD' } as const;

function noun(server: SqlServer): 'REPLICA' | 'SLAVE' {
  return server.dialect === 'mysql' ? 'REPLICA' : 'SLAVE';
}

function follow({ dialect }: SqlServer, source: SqlServer, by: ReplicationBy): string {
  const account = { HOST: `'${source.host}'`, PORT: source.port, USER: "'cdc'", PASSWORD: "'cdc'", CONNECT_RETRY: 1 };
  const prefix = dialect === 'mysql' ? 'SOURCE' : 'MASTER';
  const items = Object.entries(account).map(([name, value]) => `${prefix}_${name}=${value}`);
  if (dialect === 'mariadb') items.push(`MASTER_USE_GTID=${by === 'gtid' ? 'slave_pos' : 'no'}`);
  else items.push(`${prefix}_AUTO_POSITION=${by === 'gtid' ? 1 : 0}`);
  // Since 8.4 a replica gives up for good after ten tries, which are seconds: a source that is killed and started again may take longer.
  if (dialect === 'mysql') items.push('GET_SOURCE_PUBLIC_KEY=1', 'SOURCE_RETRY_COUNT=0');
  return `CHANGE ${dialect === 'mysql' ? 'REPLICATION SOURCE' : 'MASTER'} TO ${items.join(', ')}`;
}

/** Makes `replica` follow `source`, read-only for others; super_read_only where there is such a thing. */
export async function replicate(replica: SqlServer, source: SqlServer, by: ReplicationBy = 'gtid'): Promise<void> {
  await replica.execute(`STOP ${noun(replica)}; ${follow(replica, source, by)}; START ${noun(replica)}`);
  await setReadOnly(replica, true);
}

export async function setReadOnly(server: SqlServer, on: boolean): Promise<void> {
  const value = on ? 'ON' : 'OFF';
  const also = server.dialect === 'mariadb' ? '' : `; SET GLOBAL super_read_only=${value}`;
  await server.execute(`SET GLOBAL read_only=${value}${also}`);
}

/** Both threads when none is named. */
export async function stopReplication(replica: SqlServer, thread?: ReplicationThread): Promise<void> {
  await replica.execute(`STOP ${noun(replica)} ${thread === undefined ? '' : THREADS[thread]}`);
}

export async function startReplication(replica: SqlServer, thread?: ReplicationThread): Promise<void> {
  await replica.execute(`START ${noun(replica)} ${thread === undefined ? '' : THREADS[thread]}`);
}

/** Ends replication and takes writes: the failover of a topology whose source is gone. */
export async function promote(server: SqlServer): Promise<void> {
  await server.execute(`STOP ${noun(server)}; RESET ${noun(server)} ALL`);
  await setReadOnly(server, false);
}

/** On a machine that has much else to do. */
const CATCH_UP_SECONDS = 180;

/** Waits until `replica` has executed everything that `source` has in its binlog now. @throws when it has not within minutes. */
export async function untilCaughtUp(replica: SqlServer, source: SqlServer, by: ReplicationBy = 'gtid'): Promise<void> {
  const sql = await waitStatement(replica, source, by);
  const [row] = await replica.rows(sql);
  // The functions with GTIDs give 0, those with positions the number of events; -1, 1 and NULL are failures.
  const waited = Number(row?.['waited'] ?? -1);
  if (waited < 0 || (by === 'gtid' && waited !== 0))
    throw new Error(`${replica.name} has not caught up with ${source.name} (${String(row?.['waited'])})`);
}

async function waitStatement(replica: SqlServer, source: SqlServer, by: ReplicationBy): Promise<string> {
  if (by === 'gtid') {
    const mariadb = source.dialect === 'mariadb';
    const [row] = await source.rows(`SELECT @@GLOBAL.gtid_${mariadb ? 'binlog_pos' : 'executed'} AS gtids`);
    const gtids = String(row?.['gtids']).replaceAll(/\s/g, '');
    return `SELECT ${mariadb ? 'MASTER_GTID_WAIT' : 'WAIT_FOR_EXECUTED_GTID_SET'}('${gtids}', ${CATCH_UP_SECONDS}) AS waited`;
  }
  // Every release has this statement; the size of the newest file is where it ends.
  const row = (await source.rows('SHOW BINARY LOGS')).at(-1);
  const wait = replica.dialect === 'mysql' ? 'SOURCE_POS_WAIT' : 'MASTER_POS_WAIT';
  return `SELECT ${wait}('${String(row?.['Log_name'])}', ${String(row?.['File_size'])}, ${CATCH_UP_SECONDS}) AS waited`;
}
