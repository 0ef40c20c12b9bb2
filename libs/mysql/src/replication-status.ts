import { TaplineError } from '@tapline/kernel';
import type { MysqlConnection } from './connection.ts';

/** One source that a server is set up to follow. */
export interface ReplicationStatus {
  /** `host:port` of the source. */
  readonly source: string;
  /** Whether events come in: `connecting` while the source cannot be reached. */
  readonly receiver: 'running' | 'connecting' | 'stopped';
  readonly applierRuns: boolean;
}

/**
 * What the server follows: nothing for a source, one for a replica, several with several channels. undefined: the account may not see it.
 * SHOW REPLICA STATUS, in older releases SHOW SLAVE STATUS; needs REPLICATION CLIENT, in MariaDB SLAVE MONITOR.
 */
export async function readReplicationStatus(
  connection: MysqlConnection,
  signal?: AbortSignal,
): Promise<readonly ReplicationStatus[] | undefined> {
  const newWords = connection.flavor === 'mysql' && !connection.version.startsWith('5.');
  const statement = connection.flavor === 'mariadb' ? 'SHOW ALL SLAVES STATUS' : 'SHOW SLAVE STATUS';
  try {
    const rows = await connection.named(newWords ? 'SHOW REPLICA STATUS' : statement, signal);
    return rows.map((row) => statusOf(row));
  } catch (error) {
    if (error instanceof TaplineError && error.code === 'SOURCE_MISSING_GRANT') return undefined;
    throw error;
  }
}

function statusOf(row: ReadonlyMap<string, string | null>): ReplicationStatus {
  const value = (name: string, older: string): string => row.get(name) ?? row.get(older) ?? '';
  const receiver = value('Replica_IO_Running', 'Slave_IO_Running');
  return {
    source: `${value('Source_Host', 'Master_Host')}:${value('Source_Port', 'Master_Port')}`,
    receiver: receiver === 'Yes' ? 'running' : receiver === 'No' ? 'stopped' : 'connecting',
    applierRuns: value('Replica_SQL_Running', 'Slave_SQL_Running') === 'Yes',
  };
}
