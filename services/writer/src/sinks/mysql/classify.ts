import { type ErrorCode, TaplineError } from '@tapline/kernel';

/** Server errors by number ("Server Error Message Reference" of MySQL and MariaDB, "Error codes" of TiDB). What is not here is fatal: SINK_MYSQL_FAILED. */
const NUMBERS: Readonly<Partial<Record<ErrorCode, readonly number[]>>> = {
  // Wrong account or password, host refused, password expired, account locked; rights on database, table, column, routine, or a privilege.
  SINK_MYSQL_ACCESS: [1044, 1045, 1129, 1130, 1142, 1143, 1227, 1251, 1370, 1698, 1820, 1862, 3118],
  SINK_MYSQL_TLS: [3159],
  // Too many connections, shutdown, network, killed; TiDB: no region leader, PD or TiKV away.
  SINK_MYSQL_UNREACHABLE: [
    1040, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1927, 3168, 3169, 4031, 9001, 9002, 9005,
  ],
  // Lock wait, deadlock, interrupted, table altered meanwhile; TiDB: write conflict, table locked, schema changed, transaction too old, resource group at its limit, TiKV busy.
  SINK_MYSQL_BUSY: [
    1205, 1213, 1317, 1412, 1615, 3024, 3058, 3572, 8002, 8005, 8020, 8022, 8027, 8028, 8229, 8252, 9003, 9004, 9006,
    9007, 9008, 9010,
  ],
  // --read-only and its kin, a read-only transaction or tablespace, a server in an upgrade, offline mode.
  SINK_MYSQL_READ_ONLY: [1036, 1290, 1792, 1836, 1874, 3032],
  // Disk full, table full, out of memory, out of room for locks, storage engine error; TiDB: transaction too large, limits of memory.
  SINK_MYSQL_FULL: [3, 1021, 1026, 1030, 1037, 1041, 1114, 1206, 1534, 3516, 8004, 8175, 8176],
  SINK_MYSQL_TABLE: [1046, 1049, 1109, 1146, 1932],
  SINK_MYSQL_COLUMN: [1054, 1136],
  // A duplicate in a unique key; a subquery with two rows is how our statements refuse what they must not overwrite.
  SINK_MYSQL_DUPLICATE: [1022, 1062, 1169, 1242, 1586],
  // TiDB: a row larger than an entry of its store.
  SINK_MYSQL_PACKET: [1153, 1301, 8025],
  // NULL, too long, out of range, truncated, wrong characters or dates; CHECK, trigger, foreign key, partition, generated column; JSON, geometry, vector.
  SINK_MYSQL_VALUE: [
    1048, 1118, 1216, 1217, 1264, 1265, 1292, 1300, 1364, 1366, 1367, 1406, 1411, 1416, 1439, 1451, 1452, 1526, 1644,
    1690, 1748, 1906, 3105, 3140, 3141, 3143, 3144, 3149, 3150, 3156, 3157, 3548, 3616, 3617, 3643, 3819, 4025, 6136,
    6138,
  ],
};

const BY_NUMBER: ReadonlyMap<number, ErrorCode> = new Map(
  Object.entries(NUMBERS).flatMap(([code, numbers]) => numbers.map((number) => [number, code as ErrorCode])),
);

/** libs/mysql classifies for a source; what it found out about the connection is as true of a sink. */
const BY_SOURCE_CODE: Readonly<Partial<Record<ErrorCode, ErrorCode>>> = {
  SOURCE_UNREACHABLE: 'SINK_MYSQL_UNREACHABLE',
  SOURCE_ACCESS_DENIED: 'SINK_MYSQL_ACCESS',
  SOURCE_MISSING_GRANT: 'SINK_MYSQL_ACCESS',
  SOURCE_TLS: 'SINK_MYSQL_TLS',
};

/** What libs/mysql's connection rejected with, as an error of the sink; by the server's number, then by what the connection's own error is. */
export function classify(error: unknown): TaplineError {
  if (!(error instanceof TaplineError)) {
    return new TaplineError('SINK_MYSQL_FAILED', { message: `MySQL: ${String(error)}`, cause: error });
  }
  if (!error.code.startsWith('SOURCE_')) return error;
  const code = BY_NUMBER.get(errnoOf(error)) ?? BY_SOURCE_CODE[error.code] ?? 'SINK_MYSQL_FAILED';
  return new TaplineError(code, { message: error.message, place: error.place, cause: error.cause });
}

/** The server's number of an error; 0 when it is not of the server. */
export function errnoOf(error: unknown): number {
  if (!(error instanceof TaplineError)) return 0;
  const { errno } = (error.cause ?? {}) as { readonly errno?: unknown };
  return typeof errno === 'number' && errno > 0 ? errno : 0;
}
