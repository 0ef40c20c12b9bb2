import type { ErrorCode } from './error-codes.ts';
import { TaplineError } from './errors.ts';

/** What a look at something that Tapline depends on has found: as it should be, could be better, or in the way. */
export interface Finding {
  /** Stable name of the check: `binlog-format`. */
  readonly check: string;
  readonly level: 'ok' | 'warn' | 'fail';
  /** What was seen. */
  readonly seen: string;
  /** The command, statement or config line that mends it; '' when level is ok. */
  readonly mend: string;
  /** With which error a service refuses to go on; only where level is `fail`. */
  readonly code?: ErrorCode;
}

export function goodFinding(check: string, seen: string): Finding {
  return { check, level: 'ok', seen, mend: '' };
}

/** The finding of a check that threw. @throws what is not a TaplineError: that is a defect, not a finding. */
export function failedFinding(check: string, error: unknown): Finding {
  if (!(error instanceof TaplineError)) throw error;
  return { check, level: 'fail', seen: error.message, mend: error.remedy, code: error.code };
}
