import { openKafka } from '@tapline/kafka';
import { sleep, TaplineError } from '@tapline/kernel';
import { whenReady } from '@tapline/test-stack';
import avsc from 'avsc';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { entriesOf, limitTopic } from './topic-limit.ts';

export type Row = Readonly<Record<string, unknown>>;

/** A record of a data topic, decoded by avsc alone: none of Tapline's own code takes part. */
export interface TopicRecord {
  readonly partition: number;
  readonly offset: string;
  readonly key: Row | undefined;
  /** `t`: a tombstone. */
  readonly op: 'c' | 'u' | 'd' | 'r' | 't';
  readonly before?: Row;
  readonly after?: Row;
  /** Bytes of key, value and headers; of the whole value where that was put aside. */
  readonly bytes: number;
  /** Bytes of the whole value, when it was put aside in a claims topic: the record is then made of that. */
  readonly claimedBytes?: number;
  /** What the record itself says of a row that was put aside. */
  readonly reduced?: { readonly before?: Row | null; readonly after?: Row | null };
  /** The Avro bytes of the row itself. */
  readonly beforeBytes?: string;
  readonly afterBytes?: string;
}

/** A message as kafkajs has it. */
export interface RawMessage {
  readonly partition: number;
  readonly message: KafkaMessage;
}

/** The header `claim` of a record whose value was put aside. */
interface Claim {
  readonly topic: string;
  readonly partition: number;
  readonly first: string;
  readonly pieces: number;
  readonly bytes: number;
}

/** A broker that does not answer for so long is away. */
const DEADLINE_MS = 300_000;

/** The headers of a record that has its version only. */
const VERSION_HEADER_BYTES = 12;

/** Avro's long as a bigint: a number would round beyond 2^53. */
const LONG = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(value);
    return buffer;
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
});

/** How avsc reads this schema, longs as bigint. */
export function avroType(schema: string): avsc.types.RecordType {
  const type = avsc.Type.forSchema(
    JSON.parse(schema) as avsc.Schema,
    {
      wrapUnions: false,
      omitRecordMethods: true,
      typeHook: (attributes) => {
        const name: unknown =
          typeof attributes === 'object' && attributes !== null && 'type' in attributes ? attributes.type : attributes;
        return name === 'long' ? LONG : undefined;
      },
    } as Partial<avsc.ForSchemaOptions>,
  );
  return type as avsc.types.RecordType;
}

/** Where the schemas are: the registry's topic, or a Confluent-compatible server. */
export type Schemas = { readonly topic: string } | { readonly url: string };

/** Reads a topic from its beginning to the end that it has now. */
export class TopicReader {
  readonly #brokers: readonly string[];
  readonly #kafka: Kafka;
  readonly #schemas: Schemas;
  /** What was counted of each topic, by partition. */
  readonly #counters = new Map<string, { next: bigint; records: number }[]>();
  readonly #types = new Map<number, avsc.types.RecordType>();

  constructor(brokers: readonly string[], schemas: Schemas = { topic: '_tapline.schemas' }) {
    this.#brokers = brokers;
    this.#kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 20 } });
    this.#schemas = schemas;
  }

  /** How many records the topic has; 0 when there is no such topic. Brokers that do not answer are waited for. */
  async count(topic: string): Promise<number> {
    for (const end = performance.now() + DEADLINE_MS; ; ) {
      try {
        return await this.#count(topic);
      } catch (error) {
        const mayPass = error instanceof TaplineError && error.disposition === 'retryable';
        if (!mayPass || performance.now() > end) throw error;
      }
    }
  }

  async #count(topic: string): Promise<number> {
    await using kafka = openKafka({ brokers: this.#brokers }, { patienceMs: 1000 });
    if ((await kafka.topics.existing([topic])).length === 0) return 0;
    const counters = this.#counters.get(topic) ?? [];
    this.#counters.set(topic, counters);
    for (const [partition, to] of (await kafka.reader.endOffsets(topic)).entries()) {
      // Offsets do not tell: some hold markers of a reader's lives.
      const { next, records } = counters[partition] ?? { next: 0n, records: 0 };
      let found = 0;
      for await (const { length } of kafka.reader.read({ topic, partition, from: next, to })) found += length;
      counters[partition] = { next: to, records: records + found };
    }
    return counters.reduce((sum, { records }) => sum + records, 0);
  }

  /** No record of more than these bytes from now on, the other settings as given; the topic has to be compacted. */
  async limit(topic: string, bytes: number, config: Readonly<Record<string, string>>): Promise<void> {
    await limitTopic(this.#kafka, topic, { ...config, 'max.message.bytes': String(bytes) });
  }

  /** Deletes everything that the topic holds now. */
  async empty(topic: string): Promise<void> {
    await this.#withAdmin(async (admin) => {
      const ends = await whenReady(() => admin.fetchTopicOffsets(topic));
      const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
      await admin.deleteTopicRecords({ topic, partitions });
      this.#counters.set(
        topic,
        ends.toSorted((x, y) => x.partition - y.partition).map(({ high }) => ({ next: BigInt(high), records: 0 })),
      );
    });
  }

  /** Deletes the topic, and waits until the brokers know nothing of it. */
  async drop(topic: string): Promise<void> {
    await this.#withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] });
      this.#counters.delete(topic);
      while ((await admin.listTopics()).includes(topic)) await sleep(100);
    });
  }

  /** Makes the topic, and waits until the brokers know it: the client's own wait fails with the first one that does not. */
  async createTopic(topic: string, partitions: number, config: Readonly<Record<string, string>>): Promise<void> {
    const topics = [{ topic, numPartitions: partitions, configEntries: entriesOf(config) }];
    await this.#withAdmin(async (admin) => {
      await admin.createTopics({ topics, waitForLeaders: false });
      while (!(await admin.listTopics()).includes(topic)) await sleep(20);
      await whenReady(() => admin.fetchTopicOffsets(topic));
    });
  }

  /** Each partition's records in the order of their offsets. */
  async read(topic: string): Promise<TopicRecord[]> {
    const raw = await this.#readRaw(topic);
    const records: TopicRecord[] = [];
    const pieces = new Map<string, RawMessage[]>();
    for (const { partition, message } of raw) {
      const header = message.headers?.['claim'];
      if (header === undefined) {
        records.push(await this.#decode(partition, message));
        continue;
      }
      const claim = JSON.parse(String(header)) as Claim;
      const all = pieces.get(claim.topic) ?? (await this.#readRaw(claim.topic));
      pieces.set(claim.topic, all);
      records.push(await this.#claimed(partition, message, claim, all));
    }
    return records;
  }

  /** Each partition's messages in the order of their offsets, as they are. */
  async raw(topic: string): Promise<RawMessage[]> {
    return await this.#readRaw(topic);
  }

  /** The Avro messages of a topic, whatever they are: keys and values, longs as bigint. */
  async avro(topic: string): Promise<{ readonly key: unknown; readonly value: unknown }[]> {
    const decoded: { readonly key: unknown; readonly value: unknown }[] = [];
    for (const { message } of await this.#readRaw(topic)) {
      decoded.push({ key: await this.#decodeAny(message.key), value: await this.#decodeAny(message.value) });
    }
    return decoded;
  }

  async #decodeAny(bytes: Buffer | null): Promise<unknown> {
    return bytes === null ? null : (await this.#typeOf(bytes)).fromBuffer(bytes.subarray(5));
  }

  /** Whether there is such a topic. */
  async exists(topic: string): Promise<boolean> {
    return await this.#withAdmin(async (admin) => (await admin.listTopics()).includes(topic));
  }

  /** The values of all records of a topic, as texts. */
  async texts(topic: string): Promise<string[]> {
    return (await this.#readRaw(topic)).map(({ message }) => String(message.value));
  }

  /** The headers of all records of a topic, as texts. */
  async headers(topic: string): Promise<Readonly<Record<string, string>>[]> {
    const raw = await this.#readRaw(topic);
    return raw.map(({ message }) =>
      Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])),
    );
  }

  /** The record as if its whole value were in it, put together from the claims topic. */
  async #claimed(
    partition: number,
    message: KafkaMessage,
    claim: Claim,
    all: readonly RawMessage[],
  ): Promise<TopicRecord> {
    const first = Number(claim.first);
    const pieces = all.filter((piece) => {
      const offset = Number(piece.message.offset);
      return piece.partition === claim.partition && offset >= first && offset < first + claim.pieces;
    });
    const value = Buffer.concat(pieces.map((piece) => piece.message.value ?? Buffer.alloc(0)));
    if (pieces.length !== claim.pieces || value.length !== claim.bytes)
      throw new Error(`${value.length} bytes in ${pieces.length} pieces, not ${JSON.stringify(claim)}`);
    const { before = null, after = null } = await this.#decode(partition, message);
    const whole = await this.#decode(partition, { ...message, value });
    return { ...whole, claimedBytes: claim.bytes, reduced: { before, after } };
  }

  async #decode(partition: number, message: KafkaMessage): Promise<TopicRecord> {
    const keyType = message.key === null ? undefined : await this.#typeOf(message.key);
    const key = message.key === null ? undefined : (keyType?.fromBuffer(message.key.subarray(5)) as Row);
    const bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0) + VERSION_HEADER_BYTES;
    const shared = { partition, offset: message.offset, key, bytes };
    if (message.value === null) return { ...shared, op: 't' };
    const type = await this.#typeOf(message.value);
    const value = type.fromBuffer(message.value.subarray(5)) as {
      op: 'c' | 'u' | 'd' | 'r';
      before?: Row;
      after?: Row;
    };
    return { ...shared, op: value.op, ...rowsOf(type, message.value, value) };
  }

  /** The type that a framed message names: 0x00, then the schema's id in 4 bytes. */
  async #typeOf(bytes: Buffer): Promise<avsc.types.RecordType> {
    if (bytes.length < 5 || bytes[0] !== 0) throw new Error(`not framed: ${bytes.subarray(0, 8).toString('hex')}`);
    const id = bytes.readInt32BE(1);
    const known = this.#types.get(id);
    if (known !== undefined) return known;
    const type = avroType(await this.#schemaText(id));
    this.#types.set(id, type);
    return type;
  }

  async #schemaText(id: number): Promise<string> {
    const { schema } = 'url' in this.#schemas ? await this.#ask(this.#schemas.url, id) : await this.#find(id);
    return schema;
  }

  async #ask(url: string, id: number): Promise<{ schema: string }> {
    const response = await fetch(`${url}/schemas/ids/${id}`);
    return (await response.json()) as { schema: string };
  }

  /** In the registry's topic an id is the offset plus one. */
  async #find(id: number): Promise<{ schema: string }> {
    const topic = 'topic' in this.#schemas ? this.#schemas.topic : '';
    for (const { message } of await this.#readRaw(topic)) {
      if (Number(message.offset) + 1 !== id) continue;
      const text = message.value?.toString() ?? '';
      const parsed = JSON.parse(text) as { schema?: unknown };
      return { schema: typeof parsed.schema === 'string' ? parsed.schema : text };
    }
    throw new Error(`no schema ${id} in ${topic}`);
  }

  async #readRaw(topic: string): Promise<RawMessage[]> {
    const ends = await this.#withAdmin((admin) => whenReady(() => admin.fetchTopicOffsets(topic)));
    const open = new Map(
      ends
        .filter(({ high, low }) => BigInt(high) > BigInt(low))
        .map(({ partition, high }) => [partition, BigInt(high)]),
    );
    const records: RawMessage[] = [];
    if (open.size === 0) return records;
    const consumer = this.#kafka.consumer({ groupId: `it-${process.pid}-${Math.random().toString(36).slice(2)}` });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic, fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        // Also for a batch without records: at a partition's end there may be a marker of a reader's life.
        consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
          const end = open.get(partition);
          if (end !== undefined && BigInt(lastOffset) + 1n >= end) open.delete(partition);
          if (open.size === 0) resolve();
        });
        consumer
          .run({
            autoCommit: false,
            eachBatch: async ({ batch, resolveOffset }) => {
              const end = open.get(batch.partition);
              if (end === undefined) return;
              for (const message of batch.messages) {
                if (BigInt(message.offset) < end) records.push({ partition: batch.partition, message });
              }
              resolveOffset(batch.lastOffset());
            },
          })
          .catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
    return records;
  }

  async #withAdmin<T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

/** The images of a framed value, decoded and as bytes: `before` and `after` are the envelope's first two fields, each a union of null and the row. */
export function rowsOf(
  type: avsc.types.RecordType,
  value: Buffer,
  decoded: { readonly before?: Row | null; readonly after?: Row | null },
): Pick<TopicRecord, 'before' | 'after' | 'beforeBytes' | 'afterBytes'> {
  let at = 5;
  const next = (name: 'before' | 'after'): string => {
    const from = at;
    const field = type.fields.find((candidate) => candidate.name === name);
    at = field === undefined ? at : field.type.decode(value, from).offset;
    return value.toString('hex', from, at);
  };
  if (type.fields[0]?.name !== 'before' || type.fields[1]?.name !== 'after') {
    throw new Error('the value does not begin with before and after');
  }
  const beforeBytes = next('before');
  const afterBytes = next('after');
  const { before, after } = decoded;
  return {
    ...(before === null || before === undefined ? {} : { before, beforeBytes }),
    ...(after === null || after === undefined ? {} : { after, afterBytes }),
  };
}
