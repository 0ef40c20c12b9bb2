import { setTimeout as sleep } from 'node:timers/promises';
import { whenReady } from '@tapline/test-stack';
import kafkajs, { type Admin, type EachBatchPayload } from 'kafkajs';

// A CommonJS package of which Node cannot name every export.
const { Kafka, KafkaJSError, logLevel } = kafkajs;

/** Looks at the end offsets of one topic. */
export class TopicWatch implements AsyncDisposable {
  readonly #kafka: kafkajs.Kafka;
  readonly #admin: Admin;
  readonly #topic: string;
  #exists = false;
  #records = 0;

  private constructor(kafka: kafkajs.Kafka, admin: Admin, topic: string) {
    this.#kafka = kafka;
    this.#admin = admin;
    this.#topic = topic;
  }

  static async open(brokers: readonly string[], topic: string): Promise<TopicWatch> {
    const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    return new TopicWatch(kafka, admin, topic);
  }

  /** Records in the topic: offsets below the high watermark, i.e. acknowledged. 0 while there is no such topic. */
  async records(): Promise<number> {
    this.#exists ||= (await this.#admin.listTopics()).includes(this.#topic);
    if (!this.#exists) return 0;
    try {
      const offsets = await this.#admin.fetchTopicOffsets(this.#topic);
      this.#records = offsets.reduce((sum, { high }) => sum + Number(high), 0);
    } catch (error) {
      // A topic just made has no leaders for a moment.
      if (!(error instanceof KafkaJSError && error.retriable)) throw error;
    }
    return this.#records;
  }

  /** Records of the topic that the group has committed, over all partitions. */
  async committed(group: string): Promise<number> {
    try {
      const [topic] = await this.#admin.fetchOffsets({ groupId: group, topics: [this.#topic] });
      return topic?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0) ?? 0;
    } catch (error) {
      // The group's coordinator may only be being found.
      if (!(error instanceof KafkaJSError && error.retriable)) throw error;
      return 0;
    }
  }

  /** Polls until the topic holds `count` records; `alive` throws when waiting has become useless. */
  async until(count: number, alive: () => void, everyMs = 20): Promise<void> {
    while ((await this.records()) < count) {
      alive();
      await sleep(everyMs);
    }
  }

  /** Bytes of key and value of a record, on the average of the topic's first ones; the topic must not be empty. */
  async recordBytes(): Promise<number> {
    const consumer = this.#kafka.consumer({ groupId: `bench-${process.pid}-${performance.now()}` });
    await consumer.connect();
    try {
      await consumer.subscribe({ topic: this.#topic, fromBeginning: true });
      return await new Promise<number>((resolve, reject) => {
        const eachBatch = ({ batch: { messages } }: EachBatchPayload): Promise<void> => {
          const bytes = messages.map(({ key, value }) => (key?.length ?? 0) + (value?.length ?? 0));
          if (bytes.length > 0) resolve(Math.round(bytes.reduce((sum, n) => sum + n, 0) / bytes.length));
          return Promise.resolve();
        };
        consumer.run({ autoCommit: false, eachBatch }).catch(reject);
      });
    } finally {
      await consumer.disconnect();
    }
  }

  async create(partitions: number, config: Readonly<Record<string, string>>): Promise<void> {
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await this.#admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic: this.#topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
    });
    // The controller answers before the broker knows of the topic, which the client does not wait for long.
    await whenReady(() => this.#admin.fetchTopicOffsets(this.#topic));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.disconnect();
  }
}
