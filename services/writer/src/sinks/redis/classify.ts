import { type ErrorCode, TaplineError } from '@tapline/kernel';

/**
 * Error replies begin with a code word ("RESP protocol spec": "the first upper-case word after the minus"), which is a code and not message text: the
 * rest is for people and is never looked at.
 */
const BY_WORD: Readonly<Record<string, ErrorCode>> = {
  OOM: 'SINK_REDIS_FULL',
  READONLY: 'SINK_REDIS_READ_ONLY',
  MISCONF: 'SINK_REDIS_READ_ONLY',
  NOREPLICAS: 'SINK_REDIS_READ_ONLY',
  LOADING: 'SINK_REDIS_NOT_READY',
  BUSY: 'SINK_REDIS_NOT_READY',
  MASTERDOWN: 'SINK_REDIS_NOT_READY',
  UNKILLABLE: 'SINK_REDIS_NOT_READY',
  NOSCRIPT: 'SINK_REDIS_NOT_READY',
  CLUSTERDOWN: 'SINK_REDIS_CLUSTER',
  TRYAGAIN: 'SINK_REDIS_CLUSTER',
  MOVED: 'SINK_REDIS_CLUSTER',
  ASK: 'SINK_REDIS_CLUSTER',
  CROSSSLOT: 'SINK_REDIS_CLUSTER',
  WRONGTYPE: 'SINK_REDIS_WRONG_TYPE',
  NOAUTH: 'SINK_REDIS_ACCESS',
  WRONGPASS: 'SINK_REDIS_ACCESS',
  NOPERM: 'SINK_REDIS_ACCESS',
};

/** TLS failures of Node and OpenSSL: waiting does not mend a certificate. */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/;

/** What the server answered, as one of our errors. */
export function replyError(reply: string, address: string, cause?: unknown): TaplineError {
  const word = /^-?([A-Z]+)\b/.exec(reply)?.[1] ?? '';
  const code = BY_WORD[word] ?? 'SINK_REDIS_FAILED';
  return new TaplineError(code, { message: `Redis answered: ${reply}`, place: { address }, cause });
}

/** Anything the driver rejected with. What is no reply of the server is about the connection, and that can come back. */
export function classify(error: unknown, address: string): TaplineError {
  if (error instanceof TaplineError) return error;
  if (isReply(error)) return replyError(error.message, address, error);
  const code = codeOf(error);
  if (code !== undefined && TLS_CODE.test(code)) {
    return new TaplineError('SINK_REDIS_TLS', {
      message: `The TLS connection to Redis failed: ${code}.`,
      place: { address },
      cause: error,
    });
  }
  const reason = code ?? (error instanceof Error ? error.message : String(error));
  return new TaplineError('SINK_REDIS_UNREACHABLE', {
    message: `No answer from Redis: ${reason}.`,
    place: { address },
    cause: error,
  });
}

export function isNoScript(error: unknown): boolean {
  return isReply(error) && error.message.startsWith('NOSCRIPT');
}

function isReply(error: unknown): error is Error {
  return isObject(error) && error['name'] === 'ReplyError';
}

/** The code of the error or of the error below it: ioredis wraps what the socket said. */
function codeOf(error: unknown): string | undefined {
  let one = error;
  for (let depth = 0; isObject(one) && depth < 4; depth++) {
    if (typeof one['code'] === 'string') return one['code'];
    one = one['lastNodeError'] ?? one['cause'];
  }
  return undefined;
}

/** Not `instanceof Error`: errors of Node's own sockets are of another realm under jest. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
