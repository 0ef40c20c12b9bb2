import type { Executed } from '../source/executed.ts';

/** The part of a stream that lag is told from. */
export interface StreamTimes {
  /** When the newest transaction was taken from the binlog, and when it was committed; 0: none yet. */
  readonly takenMs: number;
  readonly commitMs: number;
}

/**
 * How old the newest state of the source is that the stream has passed.
 *
 * A stream alone cannot tell: one that is dead and one whose source is idle look alike. So the source is asked on the side what it has executed. While the
 * stream has all of it, lag is that of the newest transaction as it was taken, or none when nothing has come since. While it lacks something, or the source
 * does not answer, lag grows with the clock.
 */
export class Lag {
  readonly #passed: Pick<Executed, 'includes'>;
  /** An answer older than this counts no more. */
  readonly #staleMs: number;
  /** The oldest answer that the stream has not passed, as far as was looked. */
  #ahead: { readonly executed: Executed; readonly atMs: number } | undefined;
  /** The newest moment at which everything executed at the source is known to be passed. */
  #reachedMs = 0;

  constructor(passed: Pick<Executed, 'includes'>, staleMs: number) {
    this.#passed = passed;
    this.#staleMs = staleMs;
  }

  /** At `atMs` the source had executed this. */
  answered(executed: Executed, atMs: number): void {
    this.#look();
    if (this.#ahead === undefined) this.#ahead = { executed, atMs };
    this.#look();
  }

  seconds({ takenMs, commitMs }: StreamTimes, nowMs: number): number {
    this.#look();
    const known = this.#ahead === undefined && nowMs - this.#reachedMs <= this.#staleMs;
    if (known) return takenMs > this.#reachedMs ? Math.max(0, takenMs - commitMs) / 1000 : 0;
    return Math.max(0, nowMs - Math.max(commitMs, this.#reachedMs)) / 1000;
  }

  #look(): void {
    if (this.#ahead === undefined || !this.#passed.includes(this.#ahead.executed)) return;
    this.#reachedMs = this.#ahead.atMs;
    this.#ahead = undefined;
  }
}
