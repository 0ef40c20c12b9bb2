export { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from './error-codes.ts';
export { type Disposition, type ErrorDetails, type ErrorPlace, TaplineError } from './errors.ts';
