import { isAbort, type Logger, sleep, TaplineError } from '@tapline/kernel';
import {
  addressText,
  connect,
  type MysqlAddress,
  type MysqlConnection,
  readBinlogFiles,
  readServerInfo,
} from '@tapline/mysql';
import { parseExecuted, readExecuted, type Tracking } from '../source/executed.ts';
import { type Headroom, headroomOf } from './headroom.ts';
import type { Lag } from './lag.ts';

/** What the source said of itself when it was last asked. */
export interface WatchFacts extends Partial<Headroom> {
  /** Why it cannot be asked now. */
  readonly trouble?: string;
}

export interface SourceWatchOptions {
  readonly address: MysqlAddress;
  readonly tracking: Tracking;
  readonly lag: Lag;
  /** The reader's durable place, and when the newest transaction in front of it was committed, at the latest. */
  readonly place: () => { readonly file: string; readonly position: number; readonly commitMs: number };
  readonly intervalMs: number;
  readonly log: Logger;
}

/** Asks the source now and then, on a connection of its own, what it has executed and which binlog files it keeps. Never disturbs the stream. */
export class SourceWatch implements AsyncDisposable {
  readonly #options: SourceWatchOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #connection: MysqlConnection | undefined;
  #headroom: Headroom | undefined;
  #trouble: TaplineError | undefined;

  constructor(options: SourceWatchOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get facts(): WatchFacts {
    const trouble = this.#trouble;
    return trouble === undefined ? { ...this.#headroom } : { trouble: `${trouble.code}: ${trouble.message}` };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { intervalMs, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#ask(signal);
        this.#trouble = undefined;
      } catch (error) {
        if (signal.aborted || isAbort(error, signal)) return;
        const trouble =
          error instanceof TaplineError ? error : new TaplineError('INTERNAL', { message: String(error) });
        // Once, until it is another one: the state says how it goes on.
        if (this.#trouble?.code !== trouble.code) log.warn('the source cannot be watched', { error: trouble });
        this.#trouble = trouble;
      }
      await sleep(intervalMs, signal).catch(() => undefined);
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { address, tracking, lag, place, intervalMs } = this.#options;
    if (this.#connection?.usable !== true) {
      await this.#connection?.[Symbol.asyncDispose]();
      this.#connection = await connect(address, signal);
    }
    const connection = this.#connection;
    // A server that stands still must not look like one that was asked a moment ago.
    const patience = AbortSignal.any([signal, AbortSignal.timeout(intervalMs)]);
    try {
      const askedMs = Date.now();
      lag.answered(parseExecuted(tracking, await readExecuted(connection, tracking, patience)), askedMs);
      const { retentionSeconds, retentionBytes } = await readServerInfo(connection, patience);
      const files = await readBinlogFiles(connection, patience);
      const { commitMs, ...durable } = place();
      const kept = { retentionSeconds, retentionBytes };
      this.#headroom = headroomOf({ files, place: durable, commitMs, ...kept, nowMs: Date.now() });
    } catch (error) {
      if (signal.aborted || !patience.aborted) throw error;
      throw new TaplineError('SOURCE_UNREACHABLE', {
        message: `The source has not answered for ${intervalMs} ms.`,
        place: { address: addressText(address) },
        cause: error,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#connection?.[Symbol.asyncDispose]();
  }
}
