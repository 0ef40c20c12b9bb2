import { hash, randomUUID } from 'node:crypto';
import { type Kafka, type KafkaRecord, type Lane, NO_HEADERS, type OrderedProducer } from '@tapline/kafka';
import { orAbort, TaplineError, Turns } from '@tapline/kernel';
import type { Registry, TopicRegistryConfig } from './registry.ts';

/** Schemas held as text. */
const MOST_SCHEMAS = 1000;

/**
 * Schemas in a Kafka topic of one partition: a schema's id is the offset of its first record + 1.
 *
 * Kafka orders the records of all who register, so the first record decides and everybody sees the same one: two readers that register
 * the same schema at once both append, both read the topic to its end, and both find the same first record. Each record has a
 * key of its own (schema, and who wrote it), so that compaction removes none: with the schema alone as key it would keep the
 * *last* record, and the id of the first would be lost. Ids are never taken from memory: only from what was read back.
 */
export class TopicRegistry implements Registry {
  readonly #topic: string;
  readonly #kafka: Kafka;
  /** The newest of those read; the others are read again when they are asked for. */
  readonly #schemas = new Map<number, string>();
  /** By the schema's digest: thousands of schemas take more memory than all else that a reader knows of its tables. */
  readonly #ids = new Map<string, number>();
  readonly #writer = randomUUID();
  #producer: OrderedProducer | undefined;
  #lane: Lane | undefined;
  #next = 0n;
  /** Schemas to be registered next, by their digests, and when that is done. */
  #waiting = new Map<string, Unregistered>();
  #batch: Promise<void> | undefined;
  /** One thing after the other: reading on and registering. */
  readonly #turns = new Turns();

  private constructor(topic: string, kafka: Kafka) {
    this.#topic = topic;
    this.#kafka = kafka;
  }

  static async open(config: TopicRegistryConfig, kafka: Kafka, signal?: AbortSignal): Promise<TopicRegistry> {
    const { topic = '_tapline.schemas', replicationFactor = -1 } = config;
    await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor }], signal);
    const registry = new TopicRegistry(topic, kafka);
    await registry.#turns.take(() => registry.#readOn(signal));
    return registry;
  }

  async idFor(subject: string, schemaJson: string, signal?: AbortSignal): Promise<number> {
    const digest = digestOf(schemaJson);
    return this.#ids.get(digest) ?? this.#register(digest, { subject, schema: schemaJson }, signal);
  }

  async schema(id: number, signal?: AbortSignal): Promise<string> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    await this.#turns.take(() => this.#readOn(signal));
    const found = this.#schemas.get(id) ?? (await this.#readBack(id, signal));
    if (found === undefined) throw unknownId(id, `topic ${this.#topic}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer?.[Symbol.asyncDispose]();
  }

  /** Those who register while others are being registered go together after them: thousands of tables cost a few round trips. */
  async #register(digest: string, wanted: Unregistered, signal: AbortSignal | undefined): Promise<number> {
    this.#waiting.set(digest, wanted);
    this.#batch ??= this.#turns.take(() => {
      const schemas = this.#waiting;
      this.#waiting = new Map();
      this.#batch = undefined;
      return this.#registerAll(schemas);
    });
    await (signal === undefined ? this.#batch : orAbort(this.#batch, signal));
    const id = this.#ids.get(digest);
    if (id === undefined) throw invalid(this.#topic, this.#next, 'a schema just written cannot be read back');
    return id;
  }

  async #registerAll(schemas: ReadonlyMap<string, Unregistered>): Promise<void> {
    await this.#readOn();
    const unknown = [...schemas].filter(([digest]) => !this.#ids.has(digest));
    if (unknown.length === 0) return;
    this.#producer ??= this.#kafka.producer({ batchBytes: 1_048_576, bufferBytes: 4_194_304 });
    this.#lane ??= this.#producer.lane(this.#topic, 0, { shared: true });
    for (const [fingerprint, { subject, schema }] of unknown) {
      const key = Buffer.from(JSON.stringify({ subject, fingerprint, writer: this.#writer }));
      const value = Buffer.from(JSON.stringify({ subject, schema }));
      this.#producer.append(this.#lane, key, value, Date.now(), NO_HEADERS);
      await this.#producer.room();
    }
    await this.#producer.mark();
    await this.#readOn();
  }

  async #readOn(signal?: AbortSignal): Promise<void> {
    for await (const records of this.#kafka.reader.read({
      topic: this.#topic,
      partition: 0,
      from: this.#next,
      signal,
    })) {
      for (const record of records) this.#take(record);
    }
  }

  #take(record: KafkaRecord): void {
    this.#next = record.offset + 1n;
    const { schema } = parse(this.#topic, record);
    const id = Number(record.offset) + 1;
    this.#keep(id, schema);
    const digest = digestOf(schema);
    if (!this.#ids.has(digest)) this.#ids.set(digest, id);
  }

  /** One that was let go. */
  async #readBack(id: number, signal: AbortSignal | undefined): Promise<string | undefined> {
    const from = BigInt(id - 1);
    if (from >= this.#next) return undefined;
    const range = { topic: this.#topic, partition: 0, from, to: from + 1n, signal };
    for await (const [record] of this.#kafka.reader.read(range)) {
      if (record === undefined) continue;
      const { schema } = parse(this.#topic, record);
      this.#keep(id, schema);
      return schema;
    }
    return undefined;
  }

  #keep(id: number, schema: string): void {
    const [oldest] = this.#schemas.keys();
    if (this.#schemas.size >= MOST_SCHEMAS && oldest !== undefined) this.#schemas.delete(oldest);
    this.#schemas.set(id, schema);
  }
}

interface Unregistered {
  readonly subject: string;
  readonly schema: string;
}

function digestOf(schema: string): string {
  return hash('sha256', schema);
}

function parse(topic: string, record: KafkaRecord): { schema: string } {
  try {
    const value = JSON.parse(String(record.value)) as { schema?: unknown };
    if (typeof value.schema === 'string') return { schema: value.schema };
  } catch (cause) {
    throw invalid(topic, record.offset, 'a record is not JSON', cause);
  }
  throw invalid(topic, record.offset, 'a record holds no schema');
}

function invalid(topic: string, offset: bigint, why: string, cause?: unknown): TaplineError {
  return new TaplineError('REGISTRY_INVALID', {
    message: `Topic ${topic} does not hold schemas of Tapline: ${why}.`,
    place: { topic, partition: 0, offset: String(offset) },
    ...(cause === undefined ? {} : { cause }),
  });
}

export function unknownId(id: number, where: string): TaplineError {
  return new TaplineError('REGISTRY_UNKNOWN_ID', { message: `There is no schema with id ${id} in ${where}.` });
}
