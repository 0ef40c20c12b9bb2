import type { Disposition } from './errors.ts';

export interface ErrorCodeEntry {
  /** `retryable`: the same call may succeed later. `poison`: this record can never succeed. `fatal`: stop; a person or another config is needed. */
  readonly disposition: Disposition;
  /** One sentence for the generated page docs/reference/errors.md: what it means. */
  readonly summary: string;
  /** What to do about it. Used when the place that throws has nothing more exact to say. */
  readonly remedy: string;
}

/**
 * Every error code Tapline can print. Codes are stable: people grep and alert on them. The generated page is made from this table.
 * Keep it sorted by code.
 */
export const ERROR_CODES = {
  INTERNAL: {
    disposition: 'fatal',
    summary: 'A condition that the code holds to be impossible.',
    remedy: 'This is a defect in Tapline. Report it with the log lines around it.',
  },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof ERROR_CODES;
