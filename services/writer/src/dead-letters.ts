import { encodeHeaders, joinHeaders, type Kafka, type OrderedProducer, partitionFor } from '@tapline/kafka';
import { orAbort } from '@tapline/kernel';
import type { Parking } from '@tapline/sink';
import type { WriterConfig } from './config.ts';

/** Where a writer's dead letters are, as it is configured. */
export function deadLetterTopic({
  name,
  deadLetters,
}: Pick<WriterConfig, 'name' | 'deadLetters'>): Pick<DeadLetterOptions, 'topic' | 'partitions' | 'replicationFactor'> {
  const { topic = `${name}.dead-letters`, ...rest } = deadLetters;
  return { topic, ...rest };
}

export interface DeadLetterOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly signal: AbortSignal;
}

/**
 * The topic of records that could not be applied, `<writer>.dead-letters`. A dead letter's key is `<topic>/<partition>/<offset>`, its value the
 * record's value as it was, and its headers hold what else it takes to put the record back and to see why it is here: the record's own headers
 * under their names, `dl.key` (absent for a null key), `dl.tombstone` (when the value was null), `dl.topic`, `dl.partition`, `dl.offset`,
 * `dl.timestamp`, `dl.code`, `dl.message`, `dl.attempts`, `dl.parked`.
 *
 * The topic is compacted: a letter stays until it is dropped by a tombstone on its key, and one that is parked twice after a crash is one.
 */
export class DeadLetters implements Parking, AsyncDisposable {
  readonly #options: DeadLetterOptions;
  #producer: OrderedProducer | undefined;

  private constructor(options: DeadLetterOptions) {
    this.#options = options;
  }

  /** @throws TaplineError TOPIC_…: the topic is there, but not as it must be. */
  static async open(options: DeadLetterOptions): Promise<DeadLetters> {
    const { kafka, topic, partitions, replicationFactor, signal } = options;
    await kafka.topics.ensure([{ topic, partitions, replicationFactor }], signal);
    return new DeadLetters(options);
  }

  /** Resolves when the brokers have acknowledged the letter. */
  async park(...[place, record, failure]: Parameters<Parking['park']>): Promise<void> {
    const { kafka, topic, partitions, signal } = this.#options;
    const key = Buffer.from(`${place.topic}/${place.partition}/${record.offset}`);
    const headers = joinHeaders(record.headers, letterHeaders(place, record, failure));
    this.#producer ??= kafka.producer({ bufferBytes: 4_194_304 });
    const lane = this.#producer.lane(topic, partitionFor(key, partitions), { shared: true });
    // A null value would be a tombstone here.
    this.#producer.append(lane, key, record.value ?? Buffer.alloc(0), Date.now(), headers);
    await orAbort(Promise.race([this.#producer.mark(), this.#producer.failed]), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer?.[Symbol.asyncDispose]();
  }
}

/** What a dead letter has beside its record's own headers: texts, but for the key. */
interface DeadLetterHeaders {
  /** The record's key as it was; absent when it was null. */
  'dl.key'?: Buffer;
  /** `1` when the record's value was null. */
  'dl.tombstone'?: Buffer;
  'dl.topic': Buffer;
  'dl.partition': Buffer;
  'dl.offset': Buffer;
  /** Of the record, milliseconds since the epoch. */
  'dl.timestamp': Buffer;
  /** Of the error. */
  'dl.code': Buffer;
  'dl.message': Buffer;
  /** How often it was tried. */
  'dl.attempts': Buffer;
  /** When it was put here, ISO 8601. */
  'dl.parked': Buffer;
}

function letterHeaders(...[place, record, { error, attempts }]: Parameters<Parking['park']>): Buffer {
  const text = (value: string | number | bigint): Buffer => Buffer.from(String(value));
  return encodeHeaders({
    ...(record.key === null ? {} : { 'dl.key': record.key }),
    ...(record.value === null ? { 'dl.tombstone': text(1) } : {}),
    'dl.topic': text(place.topic),
    'dl.partition': text(place.partition),
    'dl.offset': text(record.offset),
    'dl.timestamp': text(record.timestampMs),
    'dl.code': text(error.code),
    'dl.message': text(error.message),
    'dl.attempts': text(attempts),
    'dl.parked': text(new Date().toISOString()),
  } satisfies DeadLetterHeaders);
}
