import { setTimeout as sleep } from 'node:timers/promises';
import { type Kafka, type Lane, NO_HEADERS, type OrderedProducer, type ProducerOptions } from '@tapline/kafka';
import type { Random } from './random.ts';

export interface NumberedLoadOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly partitions: number;
  readonly producer: ProducerOptions;
  readonly random: Random;
}

/** Records a burst, and the pause between two: at most as many bytes as a broker takes easily beside the others. */
const BURST = 1500;
const PAUSE_MS = 50;

/** One producer that goes on appending numbered records, at random over the partitions of its topic, until it is stopped. */
export class NumberedLoad {
  readonly topic: string;
  readonly #options: NumberedLoadOptions;
  readonly #producer: OrderedProducer;
  readonly #lanes: readonly Lane[];
  /** What was appended to each partition, in order. */
  readonly #sent: number[][];
  readonly #done: Promise<void>;
  #stopping = false;
  #next = 0;

  constructor(options: NumberedLoadOptions) {
    this.topic = options.topic;
    this.#options = options;
    this.#producer = options.kafka.producer(options.producer);
    const partitions = Array.from({ length: options.partitions }, (_, partition) => partition);
    // Each partition is empty: every acknowledgement must name the offset that comes next.
    this.#lanes = partitions.map((partition) => this.#producer.lane(options.topic, partition, { nextOffset: 0n }));
    this.#sent = partitions.map(() => []);
    this.#done = this.#run();
    this.#done.catch(() => undefined);
  }

  get stats(): OrderedProducer['stats'] {
    return this.#producer.stats;
  }

  /** Appends no more, and waits until everything is acknowledged. */
  async finish(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** What is wrong with the topic, compared with what was appended: one line a partition, or nothing. */
  async verify(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [partition, sent] of this.#sent.entries()) {
      const found: number[] = [];
      for await (const records of this.#options.kafka.reader.read({ topic: this.topic, partition }))
        for (const { key, offset } of records) {
          if (offset !== BigInt(found.length)) wrong.push(`${partition}: offset ${offset} instead of ${found.length}`);
          found.push(Number(key));
        }
      const at = sent.findIndex((number, i) => found[i] !== number);
      if (at >= 0) wrong.push(`${this.topic}-${partition}@${at}: ${found[at]} instead of ${sent[at]}`);
      else if (found.length > sent.length)
        wrong.push(`${this.topic}-${partition}: ${found.length} records instead of ${sent.length}`);
    }
    return wrong;
  }

  async #run(): Promise<void> {
    const { random } = this.#options;
    const value = Buffer.alloc(100, 'v');
    const failed = this.#producer.failed;
    while (!this.#stopping) {
      for (let i = 0; i < BURST; i++) {
        const partition = random.int(0, this.#lanes.length - 1);
        const number = this.#next++;
        const lane = this.#lanes[partition] as Lane;
        this.#producer.append(lane, Buffer.from(String(number)), value, Date.now(), NO_HEADERS);
        (this.#sent[partition] as number[]).push(number);
      }
      this.#producer.flush();
      await Promise.race([this.#producer.room(), failed]);
      await Promise.race([sleep(PAUSE_MS), failed]);
    }
    await this.#producer.mark();
  }
}
