import {
  type AdminAnswer,
  backoffMs,
  describeError,
  type ErrorDescription,
  isAbort,
  type Logger,
  type RunningService,
  type Signs,
  sleep,
} from '@tapline/kernel';

/** One reader among several. */
interface Member {
  readonly make: () => RunningService;
  readonly log: Logger;
  reader: RunningService | undefined;
  failure: { readonly error: unknown; readonly atMs: number } | undefined;
  failures: number;
}

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;
/** After so long without a failure, the next one counts as the first. */
const CALM_MS = 600_000;

/**
 * Several readers in one process, each a failure domain of its own: one that fails for good is begun anew after a pause, as a process of its own would be by
 * whoever runs it, and the others do not notice. When every one of them has failed the process ends.
 */
export class ManyReaders implements RunningService {
  readonly #members: ReadonlyMap<string, Member>;
  readonly #firstPauseMs: number;
  readonly #calmMs: number;

  constructor(
    readers: ReadonlyMap<string, { make(): RunningService; readonly log: Logger }>,
    { firstPauseMs = FIRST_PAUSE_MS, calmMs = CALM_MS } = {},
  ) {
    this.#members = new Map(
      [...readers].map(([key, { make, log }]) => [
        key,
        { make, log, reader: undefined, failure: undefined, failures: 0 },
      ]),
    );
    this.#firstPauseMs = firstPauseMs;
    this.#calmMs = calmMs;
  }

  /** @throws the failure of the first that failed, when all have. */
  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const allFailed = new AbortController();
    const ended = AbortSignal.any([stop, allFailed.signal]);
    await Promise.all([...this.#members.values()].map((member) => this.#live(member, { ended, abort, allFailed })));
    const failures = [...this.#members.values()].flatMap(({ failure }) => failure ?? []);
    if (failures.length === this.#members.size) throw failures[0]?.error;
  }

  async #live(
    member: Member,
    { ended, abort, allFailed }: { ended: AbortSignal; abort: AbortSignal; allFailed: AbortController },
  ): Promise<void> {
    while (!ended.aborted) {
      member.failure = undefined;
      member.reader = member.make();
      const begunMs = Date.now();
      try {
        await member.reader.run(ended, abort);
        return;
      } catch (error) {
        if (abort.aborted || isAbort(error, ended)) return;
        member.failure = { error, atMs: Date.now() };
      } finally {
        member.reader = undefined;
      }
      const all = [...this.#members.values()];
      if (all.every(({ failure }) => failure !== undefined)) {
        member.log.error('every reader of this process has failed', { error: member.failure.error });
        allFailed.abort();
        return;
      }
      if (Date.now() - begunMs > this.#calmMs) member.failures = 0;
      const delayMs = backoffMs(++member.failures, {
        firstDelayMs: this.#firstPauseMs,
        maxDelayMs: LONGEST_PAUSE_MS,
      });
      member.log.error('this reader has failed, the others go on; it is begun anew', {
        error: member.failure.error,
        delayMs,
      });
      await sleep(delayMs, ended).catch(() => undefined);
    }
  }

  /** Every one of them is. */
  ready(): boolean {
    return [...this.#members.values()].every(({ reader }) => reader?.ready?.() ?? false);
  }

  signs(): Signs {
    return Object.assign({}, ...[...this.#members.values()].map(({ reader }) => reader?.signs?.()));
  }

  state(): Readonly<Record<string, unknown>> {
    const readers = [...this.#members].map(([key, { reader, failure, failures, log }]) => {
      const failed: { failed?: ErrorDescription & { readonly atMs: number } } =
        failure === undefined ? {} : { failed: { ...describeError(failure.error, log.redactor), atMs: failure.atMs } };
      return [key, { ...failed, failures, ...reader?.state?.() }];
    });
    return { readers: Object.fromEntries(readers) };
  }

  /** What one of them answers: `/readers/shop/schema` is `/schema` of the reader `shop`. */
  async answer(url: URL): Promise<AdminAnswer | undefined> {
    const { reader, own } = this.#addressed(url);
    return await reader?.answer?.(own);
  }

  async act(url: URL): Promise<AdminAnswer | undefined> {
    const { reader, own } = this.#addressed(url);
    return await reader?.act?.(own);
  }

  #addressed(url: URL): { readonly reader: RunningService | undefined; readonly own: URL } {
    const [, key = '', path = '/'] = /^\/readers\/([^/]+)(\/.*)$/.exec(url.pathname) ?? [];
    return { reader: this.#members.get(decodeURIComponent(key))?.reader, own: new URL(path + url.search, url) };
  }
}
