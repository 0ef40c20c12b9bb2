import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { openKafka, type ProducerOptions } from '@tapline/kafka';
import { type KafkaCluster, openStack } from '@tapline/test-stack';
import type { Admin } from 'kafkajs';
import { NumberedLoad } from './numbered-load.ts';
import { chaosSeed, Random } from './random.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
const FAULTS = LONG ? 60 : 5;
const KINDS = ['kill', 'pause', 'move'] as const;
const PARTITIONS = 6;
const BROKERS = [1, 2, 3];
const MOVE_ATTEMPTS = 30;

/** Small batches, so that many are under way when a fault comes. */
const SMALL = { batchBytes: 8192, bufferBytes: 524_288 };
const PRODUCERS: Readonly<Record<string, ProducerOptions>> = {
  one: { ...SMALL, inFlight: 1 },
  two: { ...SMALL, inFlight: 2 },
  five: { ...SMALL, inFlight: 5 },
  lz4: { ...SMALL, inFlight: 5, compression: 'lz4' },
  zstd: { ...SMALL, inFlight: 5, compression: 'zstd', lingerMs: 20 },
};

/** Leaders move to the first replica at once. */
const SETTINGS = {
  'leader.imbalance.check.interval.seconds': '1',
  'leader.imbalance.per.broker.percentage': '0',
};

test('brokers killed and paused, leaders moved: complete, once, in order, for every window and compression', async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({});
  const cluster = await stack.add('kafka', { brokers: 3, settings: SETTINGS });
  await using kafka = openKafka({ brokers: cluster.address.brokers, requestTimeoutMs: 6000 });
  const topics = Object.keys(PRODUCERS).map((name) => `numbered.${name}`);
  await kafka.topics.ensure(topics.map((topic) => ({ topic, partitions: PARTITIONS, replicationFactor: 3 })));
  const loads = Object.entries(PRODUCERS).map(
    ([name, producer]) =>
      new NumberedLoad({ kafka, topic: `numbered.${name}`, partitions: PARTITIONS, producer, random: random.fork() }),
  );
  const admin = await kafka.admin();
  for (let fault = 0; fault < FAULTS; fault++) {
    await sleep(random.int(500, 2500));
    // Each kind at least once, then at random.
    await causeFault(KINDS[fault] ?? random.pick(KINDS), { cluster, admin, topics, random });
  }
  for (const load of loads) await load.finish();
  for (const load of loads) expect(await load.verify()).toEqual([]);
  expect(loads.reduce((sum, { stats }) => sum + stats.retries, 0)).toBeGreaterThan(0);
  expect(loads[2]?.stats.widestWindow).toBeGreaterThan(1);
});

/** One broker at most is away at a time: min.insync.replicas is 2. Returns when it is back. */
async function causeFault(
  kind: (typeof KINDS)[number],
  on: { cluster: KafkaCluster; admin: Admin; topics: readonly string[]; random: Random },
): Promise<void> {
  const { random } = on;
  const broker = on.cluster.broker(random.pick(BROKERS));
  if (kind === 'kill') {
    await broker.kill();
    await sleep(random.int(0, 3000));
    await broker.start();
  } else if (kind === 'pause') {
    broker.pause();
    await sleep(random.int(200, 4000));
    broker.resume();
  } else {
    await moveLeaders(on.admin, on.topics, random);
  }
}

/** Another order of the replicas of every partition: the controller then makes the first one the leader. */
async function moveLeaders(admin: Admin, topics: readonly string[], random: Random): Promise<void> {
  const first = random.int(0, BROKERS.length - 1);
  const partitionAssignment = Array.from({ length: PARTITIONS }, (_, partition) => ({
    partition,
    replicas: BROKERS.map((_, i) => BROKERS[(first + partition + i) % BROKERS.length] as number),
  }));
  const reassignments = topics.map((topic) => ({ topic, partitionAssignment }));
  // kafkajs asks no second time when the controller does not answer in time, as one that was paused a moment ago may not.
  for (let attempt = 1; ; attempt++) {
    try {
      return await admin.alterPartitionReassignments({ topics: reassignments });
    } catch (error) {
      if (attempt === MOVE_ATTEMPTS) throw error;
      await sleep(1000);
    }
  }
}
