import { TaplineError } from '@tapline/kernel';
import type { LowerCaseTableNames } from '@tapline/schema';
import type { MysqlConnection } from './connection.ts';

export interface BinlogFile {
  readonly name: string;
  readonly bytes: number;
}

/** What a server says of itself that matters to a reader of its binlog. Settings that a flavor does not have are undefined. */
export interface ServerInfo {
  readonly flavor: 'mysql' | 'mariadb';
  readonly version: string;
  /** MySQL only. */
  readonly serverUuid: string | undefined;
  readonly serverId: number;
  readonly logBin: boolean;
  /** `ROW`, `STATEMENT`, `MIXED`. */
  readonly binlogFormat: string;
  /** `FULL`, `MINIMAL`, `NOBLOB`, MariaDB also `FULL_NODUP`. */
  readonly rowImage: string;
  /** `FULL`, `MINIMAL`, MariaDB also `NO_LOG`. */
  readonly rowMetadata: string | undefined;
  /** MySQL: `ON`, `OFF`, `ON_PERMISSIVE`, `OFF_PERMISSIVE`. */
  readonly gtidMode: string | undefined;
  /** MySQL: @@gtid_executed without white space. MariaDB: @@gtid_binlog_pos. */
  readonly gtidExecuted: string;
  /** MySQL: @@gtid_purged without white space. MariaDB has none. */
  readonly gtidPurged: string;
  readonly rowValueOptions: string;
  readonly transactionCompression: boolean;
  readonly checksum: string;
  /** How long binlog files are kept for their age; 0: for ever. */
  readonly retentionSeconds: number;
  /** Bytes of all binlog files together beyond which the oldest are purged (MariaDB: max_binlog_total_size, Percona Server: binlog_space_limit); 0: none. */
  readonly retentionBytes: number;
  readonly lowerCaseTableNames: LowerCaseTableNames;
  /** `SYSTEM`, `+00:00`, `Europe/Berlin`. */
  readonly timeZone: string;
  readonly systemTimeZone: string;
  readonly readOnly: boolean;
  readonly maxAllowedPacketBytes: number;
}

const VARIABLES = [
  'binlog_checksum',
  'binlog_expire_logs_auto_purge',
  'binlog_expire_logs_seconds',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_space_limit',
  'binlog_transaction_compression',
  'expire_logs_days',
  'gtid_mode',
  'log_bin',
  'lower_case_table_names',
  'max_allowed_packet',
  'max_binlog_total_size',
  'read_only',
  'server_id',
  'server_uuid',
  'system_time_zone',
  'time_zone',
  'version',
] as const;

/** Needs no privilege. */
export async function readServerInfo(connection: MysqlConnection, signal?: AbortSignal): Promise<ServerInfo> {
  const names = VARIABLES.map((name) => `'${name}'`).join(', ');
  const rows = await connection.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`, signal);
  const values = new Map(rows.map(([name, value]) => [name?.toLowerCase() ?? '', value ?? '']));
  const text = (name: (typeof VARIABLES)[number]): string => values.get(name) ?? '';
  const gtids = await readGtids(connection, signal);
  return {
    flavor: connection.flavor,
    version: text('version'),
    serverUuid: values.get('server_uuid'),
    serverId: Number(text('server_id')),
    logBin: text('log_bin') === 'ON',
    binlogFormat: text('binlog_format').toUpperCase(),
    rowImage: text('binlog_row_image').toUpperCase(),
    rowMetadata: values.get('binlog_row_metadata')?.toUpperCase(),
    gtidMode: values.get('gtid_mode')?.toUpperCase(),
    gtidExecuted: gtids.executed,
    gtidPurged: gtids.purged,
    rowValueOptions: text('binlog_row_value_options').toUpperCase(),
    transactionCompression: text('binlog_transaction_compression') === 'ON',
    checksum: text('binlog_checksum').toUpperCase(),
    retentionSeconds:
      text('binlog_expire_logs_auto_purge') === 'OFF'
        ? 0
        : Number(text('binlog_expire_logs_seconds')) || Number(text('expire_logs_days')) * 86_400,
    retentionBytes: Number(text('max_binlog_total_size')) || Number(text('binlog_space_limit')),
    lowerCaseTableNames: lowerCaseTableNames(text('lower_case_table_names')),
    timeZone: text('time_zone'),
    systemTimeZone: text('system_time_zone'),
    readOnly: text('read_only') === 'ON',
    maxAllowedPacketBytes: Number(text('max_allowed_packet')),
  };
}

/** What the server has executed (and has written to its binlog, where these differ), and which of it its binlog files no longer hold. */
export async function readGtids(
  connection: MysqlConnection,
  signal?: AbortSignal,
): Promise<{ readonly executed: string; readonly purged: string }> {
  // Not SHOW VARIABLES: it cuts values off after 1,024 characters.
  const sql =
    connection.flavor === 'mysql'
      ? 'SELECT @@GLOBAL.gtid_executed, @@GLOBAL.gtid_purged'
      : "SELECT @@GLOBAL.gtid_binlog_pos, ''";
  const [row] = await connection.query(sql, signal);
  const plain = (value: string | null | undefined): string => (value ?? '').replaceAll(/\s/g, '');
  return { executed: plain(row?.[0]), purged: plain(row?.[1]) };
}

/**
 * What was executed before the oldest binlog file begins: a stream can start there and nowhere before. On MariaDB as readBinlogFiles() in what it needs.
 *
 * MariaDB has no variable for it; BINLOG_GTID_POS of a file's beginning is what the Gtid_list event there says.
 */
export async function readOldestPosition(connection: MysqlConnection, signal?: AbortSignal): Promise<string> {
  if (connection.flavor === 'mysql') return (await readGtids(connection, signal)).purged;
  const [oldest] = await readBinlogFiles(connection, signal);
  const [row] = await connection.query(`SELECT BINLOG_GTID_POS('${oldest?.name ?? ''}', 4)`, signal);
  return row?.[0] ?? '';
}

/** @throws TaplineError SOURCE_MISSING_GRANT without REPLICATION CLIENT (MariaDB: BINLOG MONITOR); SOURCE_BINLOG_OFF when there is none. */
export async function readBinlogFiles(connection: MysqlConnection, signal?: AbortSignal): Promise<BinlogFile[]> {
  const rows = await withBinlog(connection, () => connection.query('SHOW BINARY LOGS', signal));
  return rows.map(([name, bytes]) => ({ name: name ?? '', bytes: Number(bytes) }));
}

/** The end of the binlog: where the next event will be written. Needs the same privilege. */
export async function readBinlogEnd(
  connection: MysqlConnection,
  signal?: AbortSignal,
): Promise<{ readonly file: string; readonly position: number }> {
  const sql = hasBinaryLogStatus(connection) ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS';
  const [row] = await withBinlog(connection, () => connection.query(sql, signal));
  if (row === undefined) throw binlogOff(connection);
  return { file: row[0] ?? '', position: Number(row[1]) };
}

/** SHOW MASTER STATUS was renamed in 8.2 and its old name removed in 8.4. */
function hasBinaryLogStatus(connection: MysqlConnection): boolean {
  const [major = 0, minor = 0] = connection.version.split('.').map((part) => Number.parseInt(part, 10));
  return connection.flavor === 'mysql' && (major > 8 || (major === 8 && minor >= 2));
}

const ER_NO_BINARY_LOGGING = 1381;

async function withBinlog<T>(connection: MysqlConnection, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const cause = error instanceof TaplineError ? (error.cause as { errno?: number } | undefined) : undefined;
    if (cause?.errno === ER_NO_BINARY_LOGGING) throw binlogOff(connection, error);
    throw error;
  }
}

function binlogOff(connection: MysqlConnection, cause?: unknown): TaplineError {
  return new TaplineError('SOURCE_BINLOG_OFF', {
    message: 'The server writes no binary log (log_bin is OFF).',
    place: { address: `${connection.address.host}:${connection.address.port}` },
    cause,
  });
}

function lowerCaseTableNames(text: string): LowerCaseTableNames {
  return text === '1' ? 1 : text === '2' ? 2 : 0;
}
