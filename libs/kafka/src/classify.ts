import { type ErrorCode, type ErrorPlace, TaplineError } from '@tapline/kernel';
import { BROKER_ERROR, brokerErrorName, isAuthorizationError, isRetryableBrokerError } from './error-table.ts';

/** The fields by which kafkajs' and Node's errors are told apart. */
interface Classifiable {
  readonly name?: string;
  readonly code?: string | number;
  readonly type?: string;
  readonly message?: string;
  readonly cause?: unknown;
}

const AUTHENTICATION_TYPES: ReadonlySet<string> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
]);
const AUTHENTICATION_NAMES: ReadonlySet<string> = new Set(['KafkaJSSASLAuthenticationError']);
/** Node's codes for a certificate that does not fit: no retry mends them. */
const CERTIFICATE_CODES =
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** What a request through kafkajs, or the opening of a connection, failed with, as one of our errors. */
export function classifyKafkaError(error: unknown, place: ErrorPlace = {}): TaplineError {
  if (error instanceof TaplineError) return error;
  const { name, code, type, message, cause } = error as Classifiable;
  if (AUTHENTICATION_NAMES.has(name ?? '') || AUTHENTICATION_TYPES.has(type ?? '')) {
    return new TaplineError('KAFKA_AUTH', { message: `Kafka refused the login: ${message}`, place, cause: error });
  }
  if (typeof code === 'string' && CERTIFICATE_CODES.test(code)) {
    return new TaplineError('KAFKA_TLS', {
      message: `The TLS handshake with Kafka failed: ${message}`,
      place,
      cause: error,
    });
  }
  if (typeof code === 'number' && code !== 0) return brokerError(code, message ?? '', place, error);
  if (name === 'KafkaJSNumberOfRetriesExceeded' && cause !== undefined && cause !== error)
    return classifyKafkaError(cause, place);
  if (name === 'KafkaJSNonRetriableError') {
    return new TaplineError('KAFKA_REQUEST_REFUSED', {
      message: message ?? 'Kafka refused a request.',
      place,
      cause: error,
    });
  }
  return new TaplineError('KAFKA_UNREACHABLE', { message: `Kafka does not answer: ${message}`, place, cause: error });
}

/** A broker's error code as one of our errors. `what` says what was asked. */
export function brokerError(code: number, what: string, place: ErrorPlace = {}, cause?: unknown): TaplineError {
  const message = `Kafka answered ${brokerErrorName(code)}${what === '' ? '.' : `: ${what}`}`;
  return new TaplineError(codeFor(code), { message, place, ...(cause === undefined ? {} : { cause }) });
}

function codeFor(code: number): ErrorCode {
  if (code === BROKER_ERROR.invalidReplicationFactor) return 'KAFKA_TOO_FEW_BROKERS';
  if (isAuthorizationError(code)) return 'KAFKA_NOT_ALLOWED';
  if (code === 58) return 'KAFKA_AUTH';
  return isRetryableBrokerError(code) ? 'KAFKA_NOT_READY' : 'KAFKA_REQUEST_REFUSED';
}
