import type { Disposition } from '../errors.ts';

export interface ErrorCodeEntry {
  /** `retryable`: the same call may succeed later. `poison`: this record can never succeed. `fatal`: stop; a person or another config is needed. */
  readonly disposition: Disposition;
  /** One sentence for the generated page docs/reference/errors.md: what it means. */
  readonly summary: string;
  /** What to do about it. Used when the place that throws has nothing more exact to say. */
  readonly remedy: string;
}
