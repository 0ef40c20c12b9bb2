import type { BinlogPosition } from '@tapline/binlog';
import type { Logger } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import type { VersionClock } from '../publish/version-clock.ts';
import type { Executed } from '../source/executed.ts';
import type { Source } from '../source/open-source.ts';
import { Lag } from './lag.ts';
import { SourceWatch, type WatchFacts } from './source-watch.ts';

/** How far the stream of a session is, held against what the source says on the side. */
export class StreamWatch {
  readonly #lag: Lag;
  readonly #source: SourceWatch;
  #takenMs = 0;
  /** Of the newest transaction that was taken; before the first one, of the newest that was published. */
  #commitMs: number;

  /** `place`: the durable one. */
  constructor(
    parts: {
      readonly config: ReaderConfig;
      readonly log: Logger;
      readonly source: Source;
      readonly executed: Executed;
      readonly clock: VersionClock;
      readonly resources: AsyncDisposableStack;
    },
    place: () => BinlogPosition,
  ) {
    const { config, log, source, executed, clock, resources } = parts;
    const { watchMs } = config.source;
    this.#commitMs = Number(clock.last >> 10n) / 1000;
    this.#lag = new Lag(executed, 3 * watchMs);
    this.#source = resources.use(
      new SourceWatch({
        address: source.address,
        tracking: source.tracking,
        lag: this.#lag,
        place: () => ({ ...place(), commitMs: this.#commitMs }),
        intervalMs: watchMs,
        log,
      }),
    );
  }

  /** A transaction is taken from the binlog. @returns now, in ms since the epoch. */
  took(commitMicros: bigint): number {
    this.#takenMs = Date.now();
    this.#commitMs = Number(commitMicros / 1000n);
    return this.#takenMs;
  }

  get facts(): { readonly lagSeconds: number; readonly binlog: WatchFacts } {
    const times = { takenMs: this.#takenMs, commitMs: this.#commitMs };
    return { lagSeconds: this.#lag.seconds(times, Date.now()), binlog: this.#source.facts };
  }
}
