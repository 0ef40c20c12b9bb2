import { describeError, type ErrorDescription, type Logger, TaplineError } from '@tapline/kernel';

/**
 * consuming ⇄ retrying; either → draining when it is asked to stop, or → stopped when a change cannot be applied and `onError` is `stop`, or
 * something else failed for good.
 */
export type WriterState = 'consuming' | 'retrying' | 'draining' | 'stopped';

export const WRITER_TRANSITIONS: Readonly<Record<WriterState, readonly WriterState[]>> = {
  consuming: ['retrying', 'draining', 'stopped'],
  retrying: ['consuming', 'draining', 'stopped'],
  draining: ['stopped'],
  stopped: [],
};

/** What the writer does now, since when, and why; every transition is logged. */
export class StateKeeper {
  readonly #log: Logger;
  #state: WriterState = 'consuming';
  #since = new Date();
  #error: ErrorDescription | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  get state(): WriterState {
    return this.#state;
  }

  /** For /state. */
  describe(): Readonly<Record<string, unknown>> {
    return {
      writer: this.#state,
      writerSince: this.#since,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  enter(next: WriterState, error?: unknown): void {
    this.#error = error === undefined ? undefined : describeError(error, this.#log.redactor);
    const from = this.#state;
    if (next === from) return;
    if (!WRITER_TRANSITIONS[from].includes(next)) {
      throw new TaplineError('INTERNAL', { message: `A writer cannot go from ${from} to ${next}.` });
    }
    this.#state = next;
    this.#since = new Date();
    const fields = error === undefined ? { from, state: next } : { from, state: next, error };
    if (next === 'stopped') this.#log.error('writer stopped', fields);
    else if (next === 'retrying') this.#log.warn('writer retrying', fields);
    else this.#log.info(`writer ${next}`, fields);
  }
}
