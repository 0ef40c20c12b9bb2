import type { Kafka, Lane, OrderedProducer } from '@tapline/kafka';
import { NO_HEADERS } from '@tapline/kafka';
import { killPoint, TaplineError } from '@tapline/kernel';
import { decodeHistoryRecord, encodeHistoryRecord, type HistoryRecord, HistoryTimeline } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';

export function historyTopicOf(source: string): string {
  return `${source}.schema-history`;
}

/** Everything that the topic holds. @throws TaplineError KAFKA_*. */
export async function readHistory(
  topic: string,
  kafka: Pick<Kafka, 'reader'>,
  signal?: AbortSignal,
): Promise<{ readonly timeline: HistoryTimeline; readonly end: bigint }> {
  const timeline = new HistoryTimeline();
  const [end = 0n] = (await kafka.reader.settledEndsOf([topic], signal)).get(topic) ?? [];
  for await (const records of kafka.reader.read({ topic, partition: 0, to: end, signal })) {
    for (const { value, offset } of records) {
      const record = readRecord(value, { topic, offset });
      if (record instanceof TaplineError) timeline.addDamage(record);
      else timeline.add(record);
    }
  }
  return { timeline, end };
}

function readRecord(value: Buffer | null, place: { topic: string; offset: bigint }): HistoryRecord | TaplineError {
  try {
    return decodeHistoryRecord(value, place);
  } catch (error) {
    if (error instanceof TaplineError && error.code === 'SCHEMA_HISTORY_UNREADABLE') return error;
    throw error;
  }
}

/** The one partition of `<source>.schema-history`, to be written by the leader only. */
export class HistoryTopic {
  readonly #producer: OrderedProducer;
  readonly #lane: Lane;
  #written: Promise<void> | undefined;
  /** Something was appended since the last mark. */
  #dirty = false;

  private constructor(producer: OrderedProducer, lane: Lane) {
    this.#producer = producer;
    this.#lane = lane;
  }

  /**
   * Makes the topic when it may be missing, reads it, and opens it for writing.
   *
   * @throws TaplineError SCHEMA_HISTORY_LOST when it is missing although a progress record refers to it; TOPIC_COMPACTED, TOPIC_RETENTION,
   * TOPIC_PARTITIONS for settings under which it would lose records; SCHEMA_HISTORY_UNREADABLE.
   */
  static async open(parts: {
    readonly config: Pick<ReaderConfig, 'name' | 'topics'>;
    readonly kafka: Pick<Kafka, 'reader' | 'topics'>;
    readonly producer: OrderedProducer;
    readonly mayBeMissing: boolean;
    readonly signal: AbortSignal;
  }): Promise<{ readonly topic: HistoryTopic; readonly timeline: HistoryTimeline }> {
    const { config, kafka, producer, mayBeMissing, signal } = parts;
    const topic = historyTopicOf(config.name);
    const found = await kafka.topics.describe(topic, signal);
    if (found === undefined && !mayBeMissing) {
      throw new TaplineError('SCHEMA_HISTORY_LOST', {
        message: `The topic ${topic} is gone, and the progress record refers to it.`,
        place: { topic },
      });
    }
    if (found !== undefined) requireRetention(topic, found.config);
    const { replicationFactor } = config.topics;
    await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor, compacted: false, config: KEPT }], signal);
    const { timeline, end } = await readHistory(topic, kafka, signal);
    return { topic: new HistoryTopic(producer, producer.lane(topic, 0, { nextOffset: end })), timeline };
  }

  /** Takes the record; `durable` tells when it is acknowledged. A promise when there is no room for more now. */
  append(record: HistoryRecord): Promise<void> | undefined {
    const value = encodeHistoryRecord(record);
    if (value.length > this.#lane.maxRecordBytes) {
      throw new TaplineError('KAFKA_RECORD_TOO_LARGE', {
        message: `A record of the schema history has ${value.length} bytes, its topic takes ${this.#lane.maxRecordBytes}.`,
        place: { topic: this.#lane.topic },
        remedy: `kafka-configs.sh --alter --entity-type topics --entity-name ${this.#lane.topic} --add-config max.message.bytes=${value.length * 2}`,
      });
    }
    killPoint('before-schema');
    this.#producer.append(this.#lane, null, value, Date.now(), NO_HEADERS);
    this.#written = undefined;
    this.#dirty = true;
    return this.#producer.room();
  }

  /** Resolves when all of these are acknowledged. */
  async appendAll(records: readonly HistoryRecord[]): Promise<void> {
    for (const record of records) {
      const room = this.append(record);
      if (room !== undefined) await room;
    }
    await this.durable();
  }

  /** Resolves when everything appended is acknowledged; undefined when it is. Until then no row that depends on it may be published. */
  durable(): Promise<void> | undefined {
    if (!this.#dirty) return this.#written;
    this.#dirty = false;
    const written: Promise<void> = this.#producer.mark().then(() => {
      if (this.#written === written) this.#written = undefined;
      killPoint('after-schema');
    });
    this.#written = written;
    return written;
  }
}

const KEPT = { 'retention.ms': '-1', 'retention.bytes': '-1' } as const;

function requireRetention(topic: string, config: Readonly<Record<string, string>>): void {
  for (const [name, wanted] of Object.entries(KEPT)) {
    const seen = config[name];
    if (seen === undefined || seen === wanted) continue;
    throw new TaplineError('TOPIC_RETENTION', {
      message: `Topic ${topic} has ${name}=${seen}: Kafka would delete the beginning of the schema history.`,
      place: { topic },
      remedy: `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config retention.ms=-1,retention.bytes=-1`,
    });
  }
}
