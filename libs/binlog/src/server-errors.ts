import { type ErrorCode, TaplineError } from '@tapline/kernel';

/** What is known of an error of the driver or of an ERR packet. */
export interface ServerFailure {
  readonly errno?: number | undefined;
  /** Node's or mysql2's code: ECONNREFUSED, PROTOCOL_CONNECTION_LOST, … */
  readonly code?: string | undefined;
  readonly message: string;
  readonly cause?: unknown;
}

export interface ServerErrorContext {
  /** host:port */
  readonly address: string;
  readonly user: string;
  readonly position?: string | undefined;
}

/** MySQL and MariaDB error numbers (mysqld_error.h). 1040 too many connections, 1053 shutdown, 1158..1161 network, 1927 killed, 3169 session killed. */
const BY_ERRNO: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [1040, 'SOURCE_UNREACHABLE'],
  [1044, 'SOURCE_ACCESS_DENIED'],
  [1045, 'SOURCE_ACCESS_DENIED'],
  [1129, 'SOURCE_ACCESS_DENIED'],
  [1130, 'SOURCE_ACCESS_DENIED'],
  [1698, 'SOURCE_ACCESS_DENIED'],
  [1142, 'SOURCE_MISSING_GRANT'],
  [1227, 'SOURCE_MISSING_GRANT'],
  [1053, 'SOURCE_UNREACHABLE'],
  [1077, 'SOURCE_UNREACHABLE'],
  [1079, 'SOURCE_UNREACHABLE'],
  [1158, 'SOURCE_UNREACHABLE'],
  [1159, 'SOURCE_UNREACHABLE'],
  [1160, 'SOURCE_UNREACHABLE'],
  [1161, 'SOURCE_UNREACHABLE'],
  [1205, 'SOURCE_UNREACHABLE'],
  [1236, 'SOURCE_DUMP_REFUSED'],
  [1317, 'SOURCE_UNREACHABLE'],
  [1927, 'SOURCE_UNREACHABLE'],
  [3169, 'SOURCE_UNREACHABLE'],
  [4031, 'SOURCE_UNREACHABLE'],
]);

const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_DESTROYED',
]);

function codeOf({ errno, code }: ServerFailure): ErrorCode {
  const byErrno = errno === undefined ? undefined : BY_ERRNO.get(errno);
  if (byErrno !== undefined) return byErrno;
  if (code === undefined) return 'SOURCE_FAILED';
  if (UNREACHABLE.has(code)) return 'SOURCE_UNREACHABLE';
  const tls =
    code === 'HANDSHAKE_NO_SSL_SUPPORT' ||
    code === 'HANDSHAKE_SSL_ERROR' ||
    code === 'EPROTO' ||
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    code.includes('CERT') ||
    code.includes('_VERIFY_') ||
    code.startsWith('UNABLE_TO_');
  return tls ? 'SOURCE_TLS' : 'SOURCE_FAILED';
}

/** The coded error of what the server or the network said. By number or code only, never by text. */
export function serverError(failure: ServerFailure, context: ServerErrorContext): TaplineError {
  const code = codeOf(failure);
  const number = failure.errno !== undefined && failure.errno > 0 ? ` (error ${failure.errno})` : '';
  const named = failure.code === undefined ? '' : ` [${failure.code}]`;
  const place = {
    address: context.address,
    ...(context.position === undefined ? {} : { position: context.position }),
  };
  const remedy = code === 'SOURCE_MISSING_GRANT' ? grantRemedy(context.user) : undefined;
  const message = `The source answered${number}: ${failure.message || 'no reason given'}${named}`;
  const details = { message, place, cause: failure.cause };
  return new TaplineError(code, remedy === undefined ? details : { ...details, remedy });
}

/** The driver's errors carry errno (the server's number, or a negative system one) and code. */
export function driverFailure(error: unknown): ServerFailure {
  const { errno, code, message } = error as { errno?: unknown; code?: unknown; message?: unknown };
  return {
    errno: typeof errno === 'number' && errno > 0 ? errno : undefined,
    code: typeof code === 'string' ? code : undefined,
    message: typeof message === 'string' ? message : String(error),
    cause: error,
  };
}

/** ERR_Packet: 0xff · errno u16 · '#' and SQLSTATE 5 · text. */
export function errPacketFailure(buffer: Buffer, start: number, end: number): ServerFailure {
  if (end - start < 3) return { message: 'an error packet that is cut short' };
  const textAt = buffer[start + 3] === 0x23 ? start + 9 : start + 3;
  return { errno: buffer.readUInt16LE(start + 1), message: buffer.toString('utf8', Math.min(textAt, end), end) };
}

function grantRemedy(user: string): string {
  return `Run as an administrator: GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${user}'@'%';`;
}
