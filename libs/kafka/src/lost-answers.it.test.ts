import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { brokerFindings } from './findings.ts';
import { openKafka } from './kafka.ts';
import { produceNumbered, uniqueName, verifyNumbered } from './numbered.ts';
import { AnswerCutter } from './testing/answer-cutter.ts';

test('answers that never arrive: what the broker had written is recognised when it is sent again, whatever the window', async () => {
  await using stack = await openStack({});
  await using cutter = await AnswerCutter.before(stack);
  const brokers = [cutter.address];
  await using kafka = openKafka({ brokers });
  for (const inFlight of [1, 2, 5]) {
    const numbered = { topic: uniqueName('lost'), partitions: 4, count: 40_000 };
    await kafka.topics.ensure([{ topic: numbered.topic, partitions: 4, replicationFactor: 1 }]);
    await using producer = kafka.producer({ batchBytes: 16_384, bufferBytes: 524_288, inFlight });
    const before = cutter.cuts;
    await produceNumbered(producer, numbered, (i) => {
      if (i % 4_000 === 2_000) cutter.arm();
      return undefined;
    });
    expect(cutter.cuts - before).toBeGreaterThan(3);
    expect(producer.stats.retries).toBeGreaterThan(3);
    expect(producer.stats.widestWindow).toBeLessThanOrEqual(inFlight);
    if (inFlight > 1) expect(producer.stats.widestWindow).toBeGreaterThan(1);
    expect(await verifyNumbered(brokers, numbered)).toEqual([]);
  }

  // In the same broker: topics made piece by piece, with an answer lost each time. What a piece asks for does not grow with what is known.
  const topics = Array.from({ length: 60 }, (_, i) => `${uniqueName('piece')}_${i}`);
  const before = cutter.asked.length;
  for (let at = 0; at < topics.length; at += 20) {
    cutter.arm();
    await kafka.topics.ensure(
      topics.slice(at, at + 20).map((topic) => ({ topic, partitions: 1, replicationFactor: 1 })),
    );
  }
  expect(Math.max(...cutter.asked.slice(before))).toBe(20);
  expect(await kafka.topics.existing(topics)).toHaveLength(60);
});

test.each([1, 5])(
  'an answer that never arrives, and a broker that forgets its producers meanwhile, window %i: nothing is written twice',
  async (inFlight) => {
    await using stack = await openStack({});
    await using cutter = await AnswerCutter.before(stack, {
      'producer.id.expiration.ms': '1000',
      'producer.id.expiration.check.interval.ms': '100',
    });
    const brokers = [cutter.address];
    await using kafka = openKafka({ brokers });
    const warning = expect.objectContaining({ check: 'producer-memory', level: 'warn' }) as unknown;
    expect(await brokerFindings(kafka, brokers)).toContainEqual(warning);
    const numbered = { topic: uniqueName('forgotten'), partitions: 2, count: 6_000 };
    await kafka.topics.ensure([{ topic: numbered.topic, partitions: 2, replicationFactor: 1 }]);
    await using producer = kafka.producer({ batchBytes: 16_384, bufferBytes: 524_288, inFlight, rememberedMs: 300 });
    for (const partition of [0, 1]) producer.lane(numbered.topic, partition, { nextOffset: 0n });
    await produceNumbered(producer, numbered, async (i) => {
      if (i % 3_000 === 0) {
        // Long enough for the broker to forget: what comes next must be taken from an unknown producer.
        await producer.mark();
        await sleep(1_500);
      }
      if (i % 3_000 === 1_500) {
        cutter.arm();
        cutter.awayMs(2_000);
      }
    });
    expect(cutter.cuts).toBe(2);
    expect(producer.stats.retries).toBeGreaterThan(0);
    expect(await verifyNumbered(brokers, numbered)).toEqual([]);
  },
);
