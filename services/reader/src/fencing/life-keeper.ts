import { type Kafka, kafkaConfigOf, openKafka } from '@tapline/kafka';
import type { Logger, TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import { Life } from './life.ts';
import { StallGuard } from './stall.ts';

export interface Standing {
  readonly kafka: Kafka;
  readonly life: Life;
}

/**
 * The life at hand. One that has written nothing yet serves the next attempt to open a session too: while a source is away, attempts would
 * each use up an epoch and leave a marker in every partition in use.
 */
export class LifeKeeper implements AsyncDisposable {
  readonly #config: ReaderConfig;
  readonly #log: Logger;
  readonly #over: () => TaplineError | undefined;
  #standing: Standing | undefined;
  #stall: StallGuard | undefined;

  constructor(config: ReaderConfig, log: Logger, over: () => TaplineError | undefined = () => undefined) {
    this.#config = config;
    this.#log = log;
    this.#over = over;
  }

  /** Of the life at hand; 0 while there is none. */
  get epoch(): number {
    return this.#standing?.life.epoch ?? 0;
  }

  /** A life that has written nothing, with connections of its own. Valid until the next call. @throws as Life.begin(); KAFKA_CONFIG. */
  async take(signal: AbortSignal): Promise<Standing> {
    const life = this.#standing?.life;
    if (life?.used === true || life?.fence.over() !== undefined) await this.end();
    this.#standing ??= await this.#begin(signal);
    return this.#standing;
  }

  async #begin(signal: AbortSignal): Promise<Standing> {
    const stall = new StallGuard();
    this.#stall?.[Symbol.dispose]();
    this.#stall = stall;
    const over = (): TaplineError | undefined => this.#over() ?? stall.over();
    await using opened = new AsyncDisposableStack();
    const kafka = opened.use(openReaderKafka(this.#config, this.#log));
    const life = await Life.begin(this.#config, kafka, { over, log: this.#log, signal });
    opened.move();
    return { kafka, life };
  }

  /** The next session begins a new life. */
  async end(): Promise<void> {
    const standing = this.#standing;
    this.#standing = undefined;
    this.#stall?.[Symbol.dispose]();
    await standing?.life[Symbol.asyncDispose]();
    await standing?.kafka[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

/** Connects lazily. @throws TaplineError KAFKA_CONFIG. */
export function openReaderKafka({ kafka, name }: ReaderConfig, log: Logger): Kafka {
  return openKafka(kafkaConfigOf(kafka, `tapline-reader-${name}`), { logger: log });
}
