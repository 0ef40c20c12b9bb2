import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

export type Disposition = 'retryable' | 'fatal' | 'poison';

/** Where an error happened; every field that is known is printed. */
export interface ErrorPlace {
  readonly source?: string;
  readonly table?: string;
  /** Binlog position, as `file:position` or a GTID. */
  readonly position?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: string;
  /** host:port of the server that answered, or did not. */
  readonly address?: string;
  /** A config key, or a file with line and column. */
  readonly path?: string;
}

export interface ErrorDetails {
  /** What happened, with the values seen: one or two sentences, no secrets. */
  readonly message: string;
  readonly place?: ErrorPlace;
  /** What to do, as exact as possible (a command where there is one). Default: the code's remedy. */
  readonly remedy?: string;
  /** Overrides the code's disposition where the driver knows better. */
  readonly disposition?: Disposition;
  readonly cause?: unknown;
}

/** The one error class. Classified once, where the driver is called, by errno/SQLSTATE/code, never by message text. */
export class TaplineError extends Error {
  readonly code: ErrorCode;
  readonly disposition: Disposition;
  readonly place: ErrorPlace;
  readonly remedy: string;

  constructor(code: ErrorCode, details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    const entry = ERROR_CODES[code];
    this.name = 'TaplineError';
    this.code = code;
    this.disposition = details.disposition ?? entry.disposition;
    this.place = details.place ?? {};
    this.remedy = details.remedy ?? entry.remedy;
  }
}
