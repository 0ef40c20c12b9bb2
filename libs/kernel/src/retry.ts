import { anySignal, isAbort, sleep } from './async.ts';
import { type Disposition, TaplineError } from './errors.ts';

export interface RetryOptions {
  readonly signal?: AbortSignal;
  /** Delay before the second attempt; it doubles (`factor`) up to `maxDelayMs`, and each one is drawn from its upper half. Default 100. */
  readonly firstDelayMs?: number;
  /** Default 10,000. */
  readonly maxDelayMs?: number;
  /** Default 2. */
  readonly factor?: number;
  /** Attempts in all, the first one included. Default: no limit. */
  readonly attempts?: number;
  /** No attempt is started once this long has passed since the first. Default: no limit. */
  readonly deadlineMs?: number;
  /** Which failures are tried again. Default: those whose disposition is `retryable`. */
  readonly retryable?: (error: unknown) => boolean;
  /** Called before each wait, for the log and the metrics. */
  readonly onRetry?: (failure: { error: unknown; attempt: number; delayMs: number }) => void;
  /** For tests: 0 ≤ x < 1. */
  readonly random?: () => number;
}

/** Unknown errors are fatal, never poison: poison skips data. */
export function dispositionOf(error: unknown): Disposition {
  return error instanceof TaplineError ? error.disposition : 'fatal';
}

export function isRetryable(error: unknown): boolean {
  return dispositionOf(error) === 'retryable';
}

/** The wait before attempt `attempt + 1` (attempts count from 1): exponential with jitter, never below half of its nominal value. */
export function backoffMs(attempt: number, options: RetryOptions = {}): number {
  const { firstDelayMs = 100, maxDelayMs = 10_000, factor = 2, random = Math.random } = options;
  const nominal = Math.min(maxDelayMs, firstDelayMs * factor ** (attempt - 1));
  return Math.round(nominal / 2 + (random() * nominal) / 2);
}

/** Runs the operation until it succeeds, fails for good, or the signal aborts (then it rejects with the signal's reason). */
export async function retry<T>(
  operation: (attempt: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<Awaited<T>> {
  const { signal, attempts = Number.POSITIVE_INFINITY, deadlineMs = Number.POSITIVE_INFINITY } = options;
  const retryable = options.retryable ?? isRetryable;
  const started = performance.now();
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await operation(attempt);
    } catch (error) {
      if (isAbort(error, signal) || !retryable(error) || attempt >= attempts) throw error;
      const delayMs = backoffMs(attempt, options);
      if (performance.now() - started + delayMs > deadlineMs) throw error;
      options.onRetry?.({ error, attempt, delayMs });
      await sleep(delayMs, anySignal(signal));
    }
  }
}
