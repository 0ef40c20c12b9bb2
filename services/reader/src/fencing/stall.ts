import { TaplineError } from '@tapline/kernel';

const LOOK_MS = 1_000;
/** Brokers remember producers, and with them what they were shut out of, for a day (producer.id.expiration.ms): this is surely less. */
const LONGEST_STALL_MS = 600_000;

/**
 * Notices that this process stood still (SIGSTOP, a suspended machine) for so long that brokers may have forgotten that it was shut out. What has
 * not been sent until then must not be sent: the next life looks first.
 */
export class StallGuard implements Disposable {
  readonly #longestMs: number;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #seenMs: number;
  #over: TaplineError | undefined;

  /** `now`: for tests. The wall clock, as the monotonic one stands still while a machine is suspended. */
  constructor(now: () => number = Date.now, longestMs: number = LONGEST_STALL_MS) {
    this.#now = now;
    this.#longestMs = longestMs;
    this.#seenMs = now();
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  over(): TaplineError | undefined {
    this.#look();
    return this.#over;
  }

  #look(): void {
    const nowMs = this.#now();
    const stalledMs = nowMs - this.#seenMs;
    this.#seenMs = nowMs;
    if (stalledMs <= this.#longestMs || this.#over !== undefined) return;
    this.#over = new TaplineError('KAFKA_SEQUENCE_LOST', {
      message: `This process stood still for ${Math.round(stalledMs / 1000)} s: brokers may have forgotten how far it had come.`,
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
