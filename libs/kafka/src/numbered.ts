import { randomBytes } from 'node:crypto';
import { retry } from '@tapline/kernel';
import kafkajs from 'kafkajs';
import { classifyKafkaError } from './classify.ts';
import type { Lane } from './lane.ts';
import type { OrderedProducer } from './producer.ts';
import { NO_HEADERS } from './record-batch.ts';

/** For tests: numbered records spread over partitions, and reading them back with kafkajs. */

export function uniqueName(prefix: string): string {
  return `${prefix}.${process.pid}.${randomBytes(4).toString('hex')}`;
}

export interface Numbered {
  readonly topic: string;
  readonly partitions: number;
  readonly count: number;
}

/** Appends record i to partition i mod partitions. `at` is called before record i, and awaited. */
export async function produceNumbered(
  producer: OrderedProducer,
  { topic, partitions, count }: Numbered,
  at: (i: number) => Promise<void> | undefined = () => undefined,
): Promise<ReadonlyMap<Lane, bigint>> {
  const lanes = Array.from({ length: partitions }, (_, partition) => producer.lane(topic, partition));
  const value = Buffer.alloc(100, 'v');
  for (let i = 0; i < count; i++) {
    const waiting = at(i);
    if (waiting !== undefined) await waiting;
    const room = producer.room();
    if (room !== undefined) await room;
    producer.append(lanes[i % partitions] as Lane, Buffer.from(String(i)), value, Date.now(), NO_HEADERS);
    if (i % 1000 === 999) {
      producer.flush();
      await new Promise((done) => setImmediate(done));
    }
  }
  return producer.mark();
}

/** Reads until `count` records came, then as much longer as it takes to see every partition's end. What is wrong, or nothing. */
export async function verifyNumbered(
  brokers: readonly string[],
  { topic, partitions, count }: Numbered,
): Promise<string[]> {
  const client = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
  const wrong: string[] = [];
  const admin = client.admin();
  await admin.connect();
  // Leaders that are only being found are a reason to ask again, which this client does not do by itself.
  const retryable = (error: unknown): boolean => classifyKafkaError(error).disposition === 'retryable';
  const ends = await retry(() => admin.fetchTopicOffsets(topic), { retryable });
  await admin.disconnect();
  const expected = (partition: number): number => Math.ceil((count - partition) / partitions);
  for (const { partition, high } of ends) {
    if (Number(high) !== expected(partition))
      wrong.push(`partition ${partition} ends at ${high}, not ${expected(partition)}`);
  }
  const consumer = client.consumer({ groupId: uniqueName('verify'), maxWaitTimeInMs: 100 });
  const next = new Array<number>(partitions).fill(0);
  let left = ends.reduce((sum, { high }) => sum + Number(high), 0);
  const { promise: done, resolve } = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { key, offset } of batch.messages) {
        const n = next[batch.partition] as number;
        const number = n * partitions + batch.partition;
        if (String(key) !== String(number) && wrong.length < 10)
          wrong.push(`${batch.partition}@${offset} is ${String(key)}, not ${number}`);
        next[batch.partition] = n + 1;
        if (--left === 0) resolve();
      }
    },
  });
  await done;
  await consumer.disconnect();
  return wrong;
}
