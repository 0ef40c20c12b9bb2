import type { AdminAnswer } from './admin.ts';
import { isAbort, orAbort, sleep } from './async.ts';
import { TaplineError } from './errors.ts';
import type { Signs } from './liveness.ts';
import type { Logger } from './log.ts';

/**
 * opening → running → draining → disposing → stopped, with `failed` instead of `stopped` when an error ended it. Whatever happens goes through
 * `disposing`, so that connections and leases are given back.
 */
export type ServiceState = 'opening' | 'running' | 'draining' | 'disposing' | 'stopped' | 'failed';

export const SERVICE_TRANSITIONS = {
  opening: ['running', 'disposing'],
  running: ['draining', 'disposing'],
  draining: ['disposing'],
  disposing: ['stopped', 'failed'],
  stopped: [],
  failed: [],
} as const satisfies Record<ServiceState, readonly ServiceState[]>;

/** What a service's `open` gives back. Disposed exactly once by the runner, also after a failure. */
export interface RunningService extends Partial<AsyncDisposable> {
  /**
   * Does the work. When `stop` aborts: take nothing more, finish and commit what is in hand, resolve. When `abort` aborts (deadline passed, or a
   * second signal): give up at once, rejecting is fine. Resolving before `stop` means that the work is done.
   */
  run(stop: AbortSignal, abort: AbortSignal): Promise<void>;
  /** After run resolved: what must still be flushed. Bounded by the same deadline. */
  drain?(abort: AbortSignal): Promise<void>;
  /** For /readyz, asked only while running. Default: ready. */
  ready?(): boolean;
  /** For /livez, asked only while running. Default: there is nothing that could hang. */
  signs?(): Signs;
  /** For /state: plain data, no secrets. */
  state?(): Readonly<Record<string, unknown>>;
  /** Its own paths on the admin server; undefined: it has no such path. */
  answer?(url: URL): Promise<AdminAnswer | undefined>;
  /** The same of paths that do something: with POST. */
  act?(url: URL): Promise<AdminAnswer | undefined>;
}

export interface LifecycleOptions {
  readonly log: Logger;
  readonly open: (stop: AbortSignal) => Promise<RunningService>;
  /** From the first stop signal until the work is aborted. Default 25,000: below Kubernetes' 30 s. */
  readonly drainMs?: number;
  /** From the abort until the runner no longer waits for the service to let go. Default 5,000. */
  readonly abortMs?: number;
}

/** Runs one service through its states. Independent of the process: signals are fed in with `stop()`. */
export class Lifecycle {
  #state: ServiceState = 'opening';
  #since: Date = new Date();
  #failure: unknown;
  #service: RunningService | undefined;
  readonly #stop: AbortController = new AbortController();
  readonly #abort: AbortController = new AbortController();
  #deadline: NodeJS.Timeout | undefined;
  readonly #options: LifecycleOptions;

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  get state(): ServiceState {
    return this.#state;
  }
  get since(): Date {
    return this.#since;
  }
  /** The error that ended it, if one did. */
  get failure(): unknown {
    return this.#failure;
  }
  get service(): RunningService | undefined {
    return this.#service;
  }

  /** The first call drains, with a deadline; the second aborts. */
  stop(reason: string): void {
    const { log, drainMs = 25_000 } = this.#options;
    if (this.#stop.signal.aborted) {
      log.warn('asked to stop again: aborting', { reason });
      this.#abort.abort();
      return;
    }
    log.info('asked to stop', { reason, drainMs });
    this.#stop.abort();
    if (this.#state === 'running') this.#enter('draining');
    this.#deadline = setTimeout(() => {
      log.warn('the deadline for draining has passed: aborting', { drainMs });
      this.#abort.abort();
    }, drainMs);
  }

  /** An error from outside the service's own promises (uncaught, unhandled): ends the service as failed, without draining. */
  fail(error: unknown): void {
    this.#failure ??= error;
    this.#stop.abort();
    this.#abort.abort();
  }

  /** Resolves when the service has stopped or failed; never rejects. True: it stopped as it should. */
  async run(): Promise<boolean> {
    const { log } = this.#options;
    log.info('service opening', { state: this.#state });
    try {
      await this.#work();
    } catch (error) {
      this.#note(error);
    }
    clearTimeout(this.#deadline);
    this.#enter('disposing');
    await this.#bounded(this.#dispose(), 'disposing takes too long: left behind');
    this.#enter(this.#failure === undefined ? 'stopped' : 'failed');
    return this.#failure === undefined;
  }

  async #dispose(): Promise<void> {
    try {
      await this.#service?.[Symbol.asyncDispose]?.();
    } catch (error) {
      this.#note(error);
    }
  }

  async #work(): Promise<void> {
    const stop = this.#stop.signal;
    const abort = this.#abort.signal;
    this.#service = await this.#patient(this.#options.open(stop));
    if (stop.aborted) return;
    this.#enter('running');
    await this.#patient(this.#service.run(stop, abort));
    if (this.#service.drain !== undefined) await this.#patient(this.#service.drain(abort));
    if (abort.aborted) this.#note(abort.reason);
  }

  /** Waits for the work; once aborted, only a little longer: a promise that ignores the signal must not keep the process. */
  async #patient<T>(work: Promise<T>): Promise<T> {
    work.catch(() => undefined);
    try {
      return await orAbort(work, this.#abort.signal);
    } catch (error) {
      if (this.#abort.signal.aborted) await this.#bounded(work, 'the work ignores its abort: left behind');
      throw error;
    }
  }

  /** Waits at most `abortMs` for the work, however it ends. */
  async #bounded(work: Promise<unknown>, lateMessage: string): Promise<void> {
    const { abortMs = 5_000, log } = this.#options;
    const timer = new AbortController();
    const late = sleep(abortMs, timer.signal).then(
      () => log.warn(lateMessage, { abortMs }),
      () => undefined,
    );
    await Promise.race([work.catch(() => undefined), late]);
    timer.abort();
  }

  /** Cancelling is not an error, unless it means that work was given up. */
  #note(error: unknown): void {
    const { log } = this.#options;
    if (this.#failure !== undefined) {
      if (error !== this.#failure && !isAbort(error)) log.error('one more error while stopping', { error });
      return;
    }
    if (this.#abort.signal.aborted) {
      this.#failure = new TaplineError('SERVICE_ABORTED', {
        message: 'The service was aborted before its work was drained.',
        cause: error,
      });
    } else if (!(this.#stop.signal.aborted && isAbort(error, this.#stop.signal))) {
      this.#failure = error;
    }
  }

  #enter(next: ServiceState): void {
    const from = this.#state;
    if (!(SERVICE_TRANSITIONS[from] as readonly ServiceState[]).includes(next)) {
      throw new TaplineError('INTERNAL', { message: `A service cannot go from ${from} to ${next}.` });
    }
    this.#state = next;
    this.#since = new Date();
    const { log } = this.#options;
    if (next === 'failed') log.error('service failed', { from, state: next, error: this.#failure });
    else log.info(`service ${next}`, { from, state: next });
  }
}
