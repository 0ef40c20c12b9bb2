import { isAbort, sleep, TaplineError } from '@tapline/kernel';
import { addressText, connect, type MysqlAddress, type MysqlConnection } from '@tapline/mysql';
import { readHistory } from './candidate.ts';
import { historyOf } from './history.ts';

interface WatchOptions {
  readonly address: MysqlAddress;
  /** What the stream has passed: a GTID set or position. */
  passed(): string;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/**
 * Looks from time to time whether the server still has what came from it. After RESET BINARY LOGS AND GTIDS a dump that is open goes on to say that it lives, and
 * never brings anything again: only the server's own set of executed transactions tells.
 */
export class ServerWatch implements AsyncDisposable {
  /** Rejects with SOURCE_BINLOG_RESET. Never resolves. */
  readonly failed: Promise<never>;
  readonly #options: WatchOptions;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #connection: MysqlConnection | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.failed = promise;
    this.#done = this.#run().catch((error: unknown) => {
      if (!isAbort(error, this.#signal)) reject(error);
    });
  }

  get #signal(): AbortSignal {
    return AbortSignal.any([this.#end.signal, this.#options.signal]);
  }

  async #run(): Promise<void> {
    const { address, everyMs } = this.#options;
    const signal = this.#signal;
    for (let suspect = ''; ; await sleep(everyMs, signal)) {
      const missing = await this.#missing(suspect, signal);
      // What comes through the binlog counts as executed a moment later: it must be missing twice.
      if (missing !== '' && suspect !== '') {
        throw new TaplineError('SOURCE_BINLOG_RESET', {
          message: `The source no longer has transactions that came from it over this connection: ${missing}`,
          place: { address: addressText(address) },
        });
      }
      suspect = missing;
    }
  }

  /** Of what was missing before, or of everything that is passed. '' also when the server does not answer: the stream notices that. */
  async #missing(suspect: string, signal: AbortSignal): Promise<string> {
    const passed = suspect || this.#options.passed();
    try {
      if (this.#connection?.usable !== true) this.#connection = await connect(this.#options.address, signal);
      const { flavor } = this.#connection;
      return historyOf(flavor, await readHistory(this.#connection, signal)).lacking(passed);
    } catch (error) {
      if (isAbort(error, signal) || !(error instanceof TaplineError)) throw error;
      return '';
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#done;
    await this.#connection?.[Symbol.asyncDispose]();
  }
}
