import type { Kafka, KafkaRecord } from '@tapline/kafka';
import { sleep } from '@tapline/kernel';
import type { Engine } from '@tapline/sink';
import type { Range } from './range.ts';

/** Partitions read side by side: all of a topic, as changes may wait for those of the topic's other partitions (a statement that altered the table). */
const READERS = 256;
/** Fetched of a partition at once, at most: what is fetched is decoded as a whole, and changes are far larger in memory than their bytes. */
const FETCH_BYTES = 262_144;
/** Of all together. */
const HELD_BYTES = 33_554_432;
/** With a rate, so many steps a second. */
const STEPS_A_SECOND = 4;

export interface FeedOptions {
  readonly reader: Kafka['reader'];
  readonly engine: Pick<Engine, 'accept' | 'idle'>;
  /** 0: as fast as it goes. */
  readonly recordsPerSecond: number;
  readonly signal: AbortSignal;
}

/** Gives ranges of partitions to an engine, whose back-pressure is all that bounds it. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #stepRecords: number;
  #freeMs = 0;
  #fetchBytes = FETCH_BYTES;

  constructor(options: FeedOptions) {
    this.#options = options;
    const { recordsPerSecond } = options;
    this.#stepRecords = recordsPerSecond === 0 ? Infinity : Math.max(1, Math.floor(recordsPerSecond / STEPS_A_SECOND));
  }

  /** Resolves when everything of the ranges is settled in the sink. */
  async give(ranges: readonly Range[]): Promise<void> {
    const left = ranges.filter(({ position, to }) => position < to);
    this.#fetchBytes = Math.min(FETCH_BYTES, Math.floor(HELD_BYTES / Math.min(READERS, Math.max(1, left.length))));
    const work = async (): Promise<void> => {
      for (let range = left.shift(); range !== undefined; range = left.shift()) await this.#give(range);
    };
    await Promise.all(Array.from({ length: READERS }, work));
    await this.#options.engine.idle();
  }

  async #give({ topic, partition, position, to }: Range): Promise<void> {
    const { reader, engine, signal } = this.#options;
    const batch = (records: readonly KafkaRecord[], nextOffset: bigint): Promise<void> =>
      engine.accept({ topic, partition, records, nextOffset, highWatermark: to });
    const range = { topic, partition, from: position, to, fetchBytes: this.#fetchBytes, signal };
    for await (const records of reader.read(range)) {
      for (const step of this.#steps(records)) {
        await this.#pause(step.length);
        await batch(step, (step.at(-1) as KafkaRecord).offset + 1n);
      }
    }
    // What lies between the last record and the end was compacted away, or is a marker.
    await batch([], to);
  }

  *#steps(records: readonly KafkaRecord[]): Generator<readonly KafkaRecord[]> {
    if (records.length <= this.#stepRecords) yield records;
    else for (let at = 0; at < records.length; at += this.#stepRecords) yield records.slice(at, at + this.#stepRecords);
  }

  async #pause(records: number): Promise<void> {
    const { recordsPerSecond, signal } = this.#options;
    if (recordsPerSecond === 0) return;
    const now = performance.now();
    const startMs = Math.max(this.#freeMs, now);
    this.#freeMs = startMs + (records * 1000) / recordsPerSecond;
    if (startMs > now) await sleep(startMs - now, signal);
  }
}
