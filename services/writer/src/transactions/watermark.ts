import { type KafkaRecord, type LogReader, progressJson, type TopicPartition } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { Watermark } from './gatherer.ts';

/** Follows the progress records of a source: below the offsets of the newest one stands everything up to its version. */
export class ProgressFollower {
  readonly #reader: Pick<LogReader, 'read'>;
  readonly #source: string;
  readonly #topic: string;
  #next: bigint | undefined;
  #newest: Watermark | undefined;

  constructor(reader: Pick<LogReader, 'read'>, source: string) {
    this.#reader = reader;
    this.#source = source;
    this.#topic = `${source}.progress`;
  }

  /** The newest there is; undefined: the reader has written none. @throws TaplineError KAFKA_*, PROGRESS_UNREADABLE. */
  async newest(signal: AbortSignal): Promise<Watermark | undefined> {
    const range = {
      topic: this.#topic,
      partition: 0,
      ...(this.#next === undefined ? {} : { from: this.#next }),
      signal,
    };
    for await (const records of this.#reader.read(range)) {
      for (const record of records) {
        this.#next = record.offset + 1n;
        if (record.key?.toString() === this.#source && record.value !== null) this.#newest = this.#read(record);
      }
    }
    return this.#newest;
  }

  #read({ value, offset }: KafkaRecord): Watermark {
    try {
      const { version, offsets } = progressJson(value as Buffer) as Progress;
      const all = new Map(Object.entries(offsets).map(([topic, next]) => [topic, next.map(Number)]));
      return {
        version: BigInt(version),
        offset: ({ topic, partition }: TopicPartition) => all.get(topic)?.[partition] ?? 0,
      };
    } catch (cause) {
      throw new TaplineError('PROGRESS_UNREADABLE', {
        message: `A progress record cannot be read: ${(cause as Error).message}`,
        place: { topic: this.#topic, offset: String(offset) },
        cause,
      });
    }
  }
}

/** Of a progress record. */
interface Progress {
  readonly version: string;
  readonly offsets: Readonly<Record<string, readonly string[]>>;
}
