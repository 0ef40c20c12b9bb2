import { type ErrorCode, type ErrorPlace, TaplineError } from '@tapline/kernel';
import { addressText, type MysqlAddress } from './address.ts';

/**
 * Server errors by number (mysqld_error.h, MariaDB's errmsg); see "Server Error Message Reference" in the manual. What is not here is fatal:
 * SOURCE_FAILED.
 */
const BY_ERRNO: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [1045, 'SOURCE_ACCESS_DENIED'], // ER_ACCESS_DENIED_ERROR
  [1698, 'SOURCE_ACCESS_DENIED'], // ER_ACCESS_DENIED_NO_PASSWORD_ERROR
  [1130, 'SOURCE_ACCESS_DENIED'], // ER_HOST_NOT_PRIVILEGED
  [1129, 'SOURCE_ACCESS_DENIED'], // ER_HOST_IS_BLOCKED
  [1251, 'SOURCE_ACCESS_DENIED'], // ER_NOT_SUPPORTED_AUTH_MODE
  [1820, 'SOURCE_ACCESS_DENIED'], // ER_MUST_CHANGE_PASSWORD
  [1862, 'SOURCE_ACCESS_DENIED'], // ER_MUST_CHANGE_PASSWORD_LOGIN
  [3118, 'SOURCE_ACCESS_DENIED'], // ER_ACCOUNT_HAS_BEEN_LOCKED
  [3159, 'SOURCE_TLS'], // ER_SECURE_TRANSPORT_REQUIRED
  [1044, 'SOURCE_MISSING_GRANT'], // ER_DBACCESS_DENIED_ERROR
  [1142, 'SOURCE_MISSING_GRANT'], // ER_TABLEACCESS_DENIED_ERROR
  [1143, 'SOURCE_MISSING_GRANT'], // ER_COLUMNACCESS_DENIED_ERROR
  [1227, 'SOURCE_MISSING_GRANT'], // ER_SPECIFIC_ACCESS_DENIED_ERROR
  [1236, 'SOURCE_DUMP_REFUSED'], // ER_SOURCE_FATAL_ERROR_READING_BINLOG
  [1040, 'SOURCE_UNREACHABLE'], // ER_CON_COUNT_ERROR
  [1203, 'SOURCE_UNREACHABLE'], // ER_TOO_MANY_USER_CONNECTIONS
  [1226, 'SOURCE_UNREACHABLE'], // ER_USER_LIMIT_REACHED
  [1053, 'SOURCE_UNREACHABLE'], // ER_SERVER_SHUTDOWN
  [1077, 'SOURCE_UNREACHABLE'], // ER_NORMAL_SHUTDOWN
  [1152, 'SOURCE_UNREACHABLE'], // ER_ABORTING_CONNECTION
  [1158, 'SOURCE_UNREACHABLE'], // ER_NET_READ_ERROR
  [1159, 'SOURCE_UNREACHABLE'], // ER_NET_READ_INTERRUPTED
  [1160, 'SOURCE_UNREACHABLE'], // ER_NET_ERROR_ON_WRITE
  [1161, 'SOURCE_UNREACHABLE'], // ER_NET_WRITE_INTERRUPTED
  [1205, 'SOURCE_UNREACHABLE'], // ER_LOCK_WAIT_TIMEOUT
  [1213, 'SOURCE_UNREACHABLE'], // ER_LOCK_DEADLOCK
  [1317, 'SOURCE_UNREACHABLE'], // ER_QUERY_INTERRUPTED
  [1412, 'SOURCE_UNREACHABLE'], // ER_TABLE_DEF_CHANGED
  [1927, 'SOURCE_UNREACHABLE'], // MariaDB ER_CONNECTION_KILLED
  [3168, 'SOURCE_UNREACHABLE'], // ER_SERVER_ISNT_AVAILABLE
  [3169, 'SOURCE_UNREACHABLE'], // ER_SESSION_WAS_KILLED
  [4031, 'SOURCE_UNREACHABLE'], // ER_CLIENT_INTERACTION_TIMEOUT
]);

/** Codes of Node's sockets and of the driver that mean: no connection, perhaps later. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'PROTOCOL_CONNECTION_LOST',
]);

const REFUSED_HANDSHAKE: ReadonlySet<string> = new Set(['HANDSHAKE_NO_SSL_SUPPORT', 'HANDSHAKE_SSL_ERROR', 'EPROTO']);

/** Codes of OpenSSL's certificate verification as Node names them, besides those that start with ERR_TLS_ or ERR_SSL_. */
const CERTIFICATE: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What a driver's error carries. */
interface DriverError {
  readonly message?: string;
  readonly errno?: number;
  readonly code?: string;
}

/**
 * The error of a MySQL driver (mysql2, zongji) or socket as ours, told by errno or code. The server's own text is kept in the message: MySQL
 * writes no secrets into it. Statements are not (they may hold values).
 */
export function classifyMysqlError(error: unknown, address: MysqlAddress, place: ErrorPlace = {}): TaplineError {
  if (error instanceof TaplineError) return error;
  const { message = String(error), errno = 0, code = '' } = (error ?? {}) as DriverError;
  const kind = codeOf(errno, code);
  const number = errno > 0 && errno < 60_000 ? `, error ${errno}` : '';
  const remedy = remedyOf(kind, errno, address);
  return new TaplineError(kind, {
    message: `MySQL at ${addressText(address)}${number}: ${message === '' ? code : message}`,
    place: { ...place, address: addressText(address) },
    ...(remedy === undefined ? {} : { remedy }),
    cause: error,
  });
}

function codeOf(errno: number, code: string): ErrorCode {
  const known = BY_ERRNO.get(errno);
  if (known !== undefined) return known;
  if (UNREACHABLE.has(code)) return 'SOURCE_UNREACHABLE';
  const tls = CERTIFICATE.has(code) || REFUSED_HANDSHAKE.has(code) || /^ERR_(?:TLS|SSL)_/.test(code);
  return tls ? 'SOURCE_TLS' : 'SOURCE_FAILED';
}

function remedyOf(kind: ErrorCode, errno: number, address: MysqlAddress): string | undefined {
  if (errno === 3159) return 'The server takes encrypted connections only: set source.tls.mode to required or better.';
  if (errno === 1040) return 'The server has no free connection: raise max_connections or close idle clients.';
  if (kind === 'SOURCE_MISSING_GRANT') return missingGrantRemedy(address.user);
  return undefined;
}

/** The statements that give an account all that Tapline needs. */
export function missingGrantRemedy(user: string): string {
  const account = `'${user.replaceAll("'", "''")}'@'%'`;
  return `Run as an administrator: GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO ${account}; GRANT SELECT ON *.* TO ${account}; (SELECT may be limited to the captured databases).`;
}
