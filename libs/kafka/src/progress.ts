import { orAbort } from '@tapline/kernel';
import type { Fence } from './fence/fence.ts';
import type { LogReader } from './log-reader.ts';
import type { OrderedProducer } from './producer.ts';
import { NO_HEADERS } from './record-batch.ts';
import type { Topics } from './topics.ts';

export interface ProgressOptions {
  readonly topic: string;
  readonly replicationFactor: number;
  /** Who saves: earlier lives are shut out before the topic is read, so that what is read is the newest there will ever be of theirs. */
  readonly fence?: Fence | undefined;
}

/** A compacted topic of one partition used as a small durable map: the newest value of each key. */
export interface ProgressStore extends AsyncDisposable {
  /** The newest value of the key, read from the topic when the store was opened, or saved since. */
  get(key: string): Buffer | undefined;
  /** The keys that begin so. */
  keys(prefix: string): string[];
  /** Resolves when acknowledged by all in-sync replicas. Saves resolve in order. A second writer makes it fail with TOPIC_SECOND_WRITER. */
  save(key: string, value: Uint8Array | null, signal?: AbortSignal): Promise<void>;
  /** The same of several keys, in this order. */
  saveAll(entries: readonly (readonly [key: string, value: Uint8Array | null])[], signal?: AbortSignal): Promise<void>;
}

export class TopicProgressStore implements ProgressStore {
  readonly #topic: string;
  readonly #producer: OrderedProducer;
  readonly #lane;
  readonly #values: Map<string, Buffer>;

  private constructor(topic: string, producer: OrderedProducer, end: bigint, values: Map<string, Buffer>) {
    this.#topic = topic;
    this.#producer = producer;
    this.#lane = producer.lane(topic, 0, { nextOffset: end });
    this.#values = values;
  }

  static async open(
    options: ProgressOptions,
    parts: { topics: Topics; reader: LogReader; producer: () => OrderedProducer },
    signal?: AbortSignal,
  ): Promise<TopicProgressStore> {
    const { topic, replicationFactor, fence } = options;
    // Small segments: the topic is read whole at every start, and only closed segments are compacted.
    const config = { 'min.compaction.lag.ms': '0', 'segment.bytes': '4194304', 'min.cleanable.dirty.ratio': '0.2' };
    await parts.topics.ensure([{ topic, partitions: 1, replicationFactor, config }], signal);
    await fence?.shutOut([topic], signal);
    const ends = await (fence === undefined
      ? parts.reader.endOffsets(topic, signal)
      : parts.reader.settledEnds(topic, signal));
    const [end] = ends as [bigint];
    const values = new Map<string, Buffer>();
    for await (const records of parts.reader.read({ topic, partition: 0, to: end, signal })) {
      for (const { key, value } of records) {
        const name = key?.toString() ?? '';
        if (value === null) values.delete(name);
        else values.set(name, Buffer.from(value));
      }
    }
    return new TopicProgressStore(topic, parts.producer(), end, values);
  }

  get(key: string): Buffer | undefined {
    return this.#values.get(key);
  }

  keys(prefix: string): string[] {
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix));
  }

  save(key: string, value: Uint8Array | null, signal?: AbortSignal): Promise<void> {
    return this.saveAll([[key, value]], signal);
  }

  async saveAll(
    entries: readonly (readonly [key: string, value: Uint8Array | null])[],
    signal?: AbortSignal,
  ): Promise<void> {
    for (const [key, value] of entries)
      this.#producer.append(this.#lane, Buffer.from(key), value, Date.now(), NO_HEADERS);
    const saved = this.#producer.mark();
    await (signal === undefined ? saved : orAbort(saved, signal));
    for (const [key, value] of entries) {
      if (value === null) this.#values.delete(key);
      else this.#values.set(key, Buffer.from(value));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer[Symbol.asyncDispose]();
  }

  get topic(): string {
    return this.#topic;
  }
}
