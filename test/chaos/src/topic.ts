import { whenReady } from '@tapline/test-stack';
import avsc from 'avsc';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { type AvroField, avroType, type DecodedEnvelope, fieldImage } from './avro-image.ts';
import { murmur2Partition } from './murmur2.ts';

/** A record of a data topic, decoded. `t` is a tombstone. Images are those of image.ts. */
export interface TopicRecord {
  readonly offset: string;
  readonly op: 'c' | 'u' | 'd' | 'r' | 't';
  readonly key: string | undefined;
  /** Names of the value's columns, in order, with commas; undefined for a tombstone. */
  readonly columns: string | undefined;
  /** The partition that the Java client's murmur2 gives this key. */
  readonly keyPartition: number | undefined;
  readonly before?: string;
  readonly after?: string;
  /** Of a transaction without one: when it was committed, microseconds since the epoch. */
  readonly gtid?: string;
  /** The `v` header. */
  readonly version: bigint | undefined;
  /** When it was published, ms since the epoch. */
  readonly timestampMs?: number;
}

export interface TopicContents {
  readonly topic: string;
  readonly partitions: readonly (readonly TopicRecord[])[];
}

/** An envelope's type, with the fields of its rows. */
interface ValueType {
  readonly type: avsc.Type;
  readonly row: readonly AvroField[];
  readonly columns: string;
}

interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly message: KafkaMessage;
}

/** Reads Tapline's topics from their first offset to the end that they have now, apart from all of Tapline's own code. */
export class TopicReader {
  readonly #kafka: Kafka;
  readonly #schemaTopic: string;
  #schemas: string[] = [];
  readonly #values = new Map<avsc.Type, ValueType>();
  readonly #types = new Map<number, { type: avsc.Type; fields: readonly AvroField[] }>();

  constructor(options: { brokers: readonly string[]; schemaTopic?: string }) {
    this.#kafka = new Kafka({ brokers: [...options.brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
    this.#schemaTopic = options.schemaTopic ?? '_tapline.schemas';
  }

  async listTopics(): Promise<string[]> {
    return await this.#withAdmin((admin) => admin.listTopics());
  }

  /** Whole topics, by one consumer: a group takes seconds to form. */
  async readAll(topics: readonly string[]): Promise<Map<string, TopicContents>> {
    await this.#readSchemas();
    const partitions = new Map<string, TopicRecord[][]>(topics.map((topic) => [topic, []]));
    const counts = await this.#readRaw(topics, ({ topic, partition, message }, partitionCount) => {
      const lists = partitions.get(topic) as TopicRecord[][];
      (lists[partition] ??= []).push(this.#decode(message, partitionCount));
    });
    return new Map(
      topics.map((topic) => {
        const count = counts.get(topic) as number;
        const lists = partitions.get(topic) as TopicRecord[][];
        return [topic, { topic, partitions: Array.from({ length: count }, (_, p) => lists[p] ?? []) }];
      }),
    );
  }

  /** The newest value of a key in a topic with one partition; undefined when there is none, or no such topic. */
  async lastValue(topic: string, key: string): Promise<string | undefined> {
    if (!(await this.listTopics()).includes(topic)) return undefined;
    let last: string | undefined;
    await this.#readRaw([topic], ({ message }) => {
      if (message.key?.toString() === key) last = message.value?.toString();
    });
    return last;
  }

  /** The next offset of each partition. */
  async ends(topic: string): Promise<string[]> {
    const offsets = await this.#withAdmin((admin) => admin.fetchTopicOffsets(topic));
    return offsets.toSorted((a, b) => a.partition - b.partition).map(({ high }) => high);
  }

  async #readSchemas(): Promise<void> {
    const schemas: string[] = [];
    await this.#readRaw([this.#schemaTopic], ({ message }) => {
      // Ids are offsets plus one; the topic has one partition.
      schemas[Number(message.offset) + 1] = schemaText(message.value?.toString() ?? '');
    });
    this.#schemas = schemas;
  }

  #decode(message: KafkaMessage, partitionCount: number): TopicRecord {
    const keyBytes = message.key;
    const key = keyBytes === null ? undefined : this.#keyImage(keyBytes);
    const keyPartition = keyBytes === null ? undefined : murmur2Partition(keyBytes, partitionCount);
    const version = versionOf(message);
    const shared = { offset: message.offset, key, keyPartition, version, timestampMs: Number(message.timestamp) };
    if (message.value === null) return { ...shared, op: 't', columns: undefined };
    const { type, row, columns } = this.#valueType(message.value);
    const value = type.fromBuffer(message.value.subarray(5)) as DecodedEnvelope;
    const images = {
      ...(value.before === null || value.before === undefined ? {} : { before: fieldImage(row, value.before) }),
      ...(value.after === null || value.after === undefined ? {} : { after: fieldImage(row, value.after) }),
      gtid: value.source.gtid ?? String(value.source.ts_us),
    };
    return { ...shared, op: value.op, columns, ...images };
  }

  #keyImage(bytes: Buffer): string {
    const { type, fields } = this.#type(bytes);
    return fieldImage(fields, type.fromBuffer(bytes.subarray(5)) as Record<string, unknown>);
  }

  #valueType(bytes: Buffer): ValueType {
    const { type, fields } = this.#type(bytes);
    const known = this.#values.get(type);
    if (known !== undefined) return known;
    const row = rowFields(fields);
    const made = { type, row, columns: row.map((field) => field.name).join() };
    this.#values.set(type, made);
    return made;
  }

  /** The type of a framed message: 0x00, then the schema's id in 4 bytes. */
  #type(bytes: Buffer): { type: avsc.Type; fields: readonly AvroField[] } {
    if (bytes.length < 5 || bytes[0] !== 0) throw new Error(`not framed: ${bytes.subarray(0, 8).toString('hex')}`);
    const id = bytes.readInt32BE(1);
    const known = this.#types.get(id);
    if (known !== undefined) return known;
    const text = this.#schemas[id];
    if (text === undefined) throw new Error(`schema id ${id} is not in ${this.#schemaTopic}`);
    const made = { type: avroType(text), fields: (JSON.parse(text) as { fields: AvroField[] }).fields };
    this.#types.set(id, made);
    return made;
  }

  /** Hands each record over, each partition in offset order; resolves with the number of partitions of each topic. */
  async #readRaw(
    topics: readonly string[],
    onRecord: (record: RawRecord, partitionCount: number) => void,
  ): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    const open = new Map<string, bigint>();
    await this.#withAdmin(async (admin) => {
      for (const topic of topics) {
        const ends = await admin.fetchTopicOffsets(topic);
        counts.set(topic, ends.length);
        for (const { partition, low, high } of ends)
          if (BigInt(high) > BigInt(low)) open.set(`${partition} ${topic}`, BigInt(high));
      }
    });
    if (open.size === 0) return counts;
    const consumer = this.#kafka.consumer({
      groupId: `chaos-read-${process.pid}-${Math.random().toString(36).slice(2)}`,
      maxBytesPerPartition: 4 << 20,
    });
    await consumer.connect();
    try {
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => {
          if (!payload.restart) reject(payload.error);
        });
        // Also for a batch in which no record is left: what counts is how far it reaches, and offsets may hold no record.
        consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { topic, partition, lastOffset } }) => {
          const place = `${partition} ${topic}`;
          const end = open.get(place);
          if (end !== undefined && BigInt(lastOffset) + 1n >= end) open.delete(place);
          if (open.size === 0) resolve();
        });
        consumer
          .run({
            autoCommit: false,
            eachBatch: async (payload) => {
              const { batch } = payload;
              const { topic, partition } = batch;
              const end = open.get(`${partition} ${topic}`);
              for (const message of batch.messages) {
                if (end === undefined || BigInt(message.offset) >= end) break;
                onRecord({ topic, partition, message }, counts.get(topic) as number);
              }
              payload.resolveOffset(batch.lastOffset());
              await payload.heartbeat();
            },
          })
          .catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return counts;
  }

  async #withAdmin<T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await whenReady(() => use(admin));
    } finally {
      await admin.disconnect();
    }
  }
}

/** The registry's records hold the schema as text, or as `{…, schema: "…"}`. */
function schemaText(value: string): string {
  const parsed = JSON.parse(value) as { schema?: unknown };
  return typeof parsed.schema === 'string' ? parsed.schema : value;
}

function versionOf(message: KafkaMessage): bigint | undefined {
  const header = message.headers?.v;
  return Buffer.isBuffer(header) && header.length === 8 ? header.readBigInt64BE(0) : undefined;
}

/** The row's fields out of an envelope's: those of `before`, a nullable record that is written out there and named in `after`. */
function rowFields(envelope: readonly AvroField[]): readonly AvroField[] {
  const before = envelope.find((field) => field.name === 'before')?.type;
  const record = (Array.isArray(before) ? before : [before]).find(
    (type): type is { fields: AvroField[] } => typeof type === 'object' && type !== null && 'fields' in type,
  );
  if (record === undefined) throw new Error('no record in the field `before` of the value schema');
  return record.fields;
}
