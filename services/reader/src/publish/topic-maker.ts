import type { TopicSpec, Topics } from '@tapline/kafka';
import { anySignal, isAbort, type Logger } from '@tapline/kernel';

/** So many at a time: a table whose rows come first waits for no more than these. */
const TOGETHER = 100;

/**
 * Makes topics of tables that have had no rows yet, beside the stream: a broker takes as long for ten thousand topics as for millions of rows. It makes them and
 * no more. A topic is opened when the first rows of its table come (TopicOpener), whoever made it.
 */
export class TopicMaker implements AsyncDisposable {
  /** Rejects when one cannot be made. */
  readonly failed: Promise<never>;
  readonly #over = new AbortController();
  readonly #done: Promise<void>;

  constructor(
    specs: readonly TopicSpec[],
    parts: { readonly topics: Pick<Topics, 'ensure'>; readonly log: Logger; readonly signal: AbortSignal },
  ) {
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    promise.catch(() => undefined);
    const signal = anySignal(parts.signal, this.#over.signal);
    this.#done = makeAll(specs, parts.topics, parts.log, signal).catch((error: unknown) => {
      if (!isAbort(error, signal)) reject(error);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#done;
  }
}

async function makeAll(
  specs: readonly TopicSpec[],
  topics: Pick<Topics, 'ensure'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (specs.length === 0) return;
  log.info('topics are made while the stream goes on', { topics: specs.length });
  for (let at = 0; at < specs.length; at += TOGETHER) await topics.ensure(specs.slice(at, at + TOGETHER), signal);
  log.info('all topics are made', { topics: specs.length });
}
