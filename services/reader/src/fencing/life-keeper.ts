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
  #kafka: Kafka | undefined;
  #life: Life | undefined;
  #stall: StallGuard | undefined;

  constructor(config: ReaderConfig, log: Logger, over: () => TaplineError | undefined = () => undefined) {
    this.#config = config;
    this.#log = log;
    this.#over = over;
  }

  /** Of the life at hand; 0 while there is none. */
  get epoch(): number {
    return this.#life?.epoch ?? 0;
  }

  /** Connections to Kafka, which stay between lives. @throws TaplineError KAFKA_CONFIG. */
  get kafka(): Kafka {
    const { kafka, name } = this.#config;
    this.#kafka ??= openKafka(kafkaConfigOf(kafka, `tapline-reader-${name}`), { logger: this.#log });
    return this.#kafka;
  }

  /** A life that has written nothing. Valid until the next call. @throws as Life.begin(). */
  async take(signal: AbortSignal): Promise<Standing> {
    if (this.#life?.used === true) await this.end();
    const { kafka } = this;
    this.#life ??= await this.#begin(kafka, signal);
    return { kafka, life: this.#life };
  }

  #begin(kafka: Kafka, signal: AbortSignal): Promise<Life> {
    const stall = new StallGuard();
    this.#stall?.[Symbol.dispose]();
    this.#stall = stall;
    const over = (): TaplineError | undefined => this.#over() ?? stall.over();
    return Life.begin(this.#config, kafka, { over, log: this.#log, signal });
  }

  /** The next session begins a new life. */
  async end(): Promise<void> {
    const life = this.#life;
    this.#life = undefined;
    this.#stall?.[Symbol.dispose]();
    await life?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#kafka?.[Symbol.asyncDispose]();
    this.#kafka = undefined;
  }
}
