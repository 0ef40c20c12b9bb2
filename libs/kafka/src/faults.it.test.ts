import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { openKafka } from './kafka.ts';
import { produceNumbered, uniqueName, verifyNumbered } from './numbered.ts';
import { NO_HEADERS } from './record-batch.ts';

/** Small batches, so that many are under way when the fault comes. */
const producerOptions = { batchBytes: 16_384, bufferBytes: 1_048_576 };
const config = (brokers: readonly string[]): { brokers: readonly string[]; requestTimeoutMs: number } => ({
  brokers,
  requestTimeoutMs: 10_000,
});

/** Starts the fault before record `from`, without waiting; waits for its end before record `to`. */
function during(from: number, to: number, fault: () => Promise<void>): (i: number) => Promise<void> | undefined {
  let running: Promise<void> | undefined;
  return (i) => {
    if (i === from) {
      running = fault();
      running.catch(() => undefined);
    }
    return i === to ? running : undefined;
  };
}

test('one broker, killed -9 and started again while records are on their way: complete, once, in order; paused: memory stays bounded', async () => {
  await using stack = await openStack({ kafka: 1 });
  const { brokers } = stack.kafka.address;
  await using kafka = openKafka(config(brokers));
  const numbered = { topic: uniqueName('killed'), partitions: 8, count: 200_000 };
  await kafka.topics.ensure([{ topic: numbered.topic, partitions: 8, replicationFactor: 1 }]);
  await using producer = kafka.producer(producerOptions);
  const kill = during(50_000, 150_000, async () => {
    await stack.kafka.kill();
    await stack.kafka.start();
  });
  await produceNumbered(producer, numbered, kill);
  expect(producer.stats.retries).toBeGreaterThan(0);
  expect(await verifyNumbered(brokers, numbered)).toEqual([]);

  // Nothing leaves while the broker is paused: appending as long as there is room must end, within the budget.
  stack.kafka.pause();
  const before = process.memoryUsage().rss;
  const lane = producer.lane(numbered.topic, 0);
  const value = Buffer.alloc(1000);
  let room: Promise<void> | undefined;
  for (let i = 0; room === undefined && i < 100_000; i++) {
    producer.append(lane, Buffer.from('late'), value, 1, NO_HEADERS);
    producer.flush();
    room = producer.room();
    if (i % 100 === 0) await delay(1);
  }
  expect(room).toBeInstanceOf(Promise);
  // For each lane the budget has 4 KiB more.
  const budgetBytes = producerOptions.bufferBytes + numbered.partitions * 4096;
  expect(producer.stats.bufferedBytes).toBeLessThanOrEqual(budgetBytes + 2 * producerOptions.batchBytes);
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  stack.kafka.resume();
  await room;
  await producer.mark();
});

test('three brokers, the leader killed -9 while records are on their way: complete, once, in order', async () => {
  await using stack = await openStack({ kafka: 3 });
  const { brokers } = stack.kafka.address;
  await using kafka = openKafka(config(brokers));
  const numbered = { topic: uniqueName('leader'), partitions: 8, count: 200_000 };
  await kafka.topics.ensure([{ topic: numbered.topic, partitions: 8, replicationFactor: 3 }]);
  await using producer = kafka.producer(producerOptions);
  const admin = await kafka.admin();
  const kill = during(50_000, 150_000, async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [numbered.topic] });
    const leader = topics[0]?.partitions[0]?.leader as number;
    await stack.kafka.broker(leader).kill();
  });
  await produceNumbered(producer, numbered, kill);
  expect(producer.stats.retries).toBeGreaterThan(0);
  expect(await verifyNumbered(brokers, numbered)).toEqual([]);
});
