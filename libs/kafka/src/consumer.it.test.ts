import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import kafkajs from 'kafkajs';
import type { ConsumedBatch, ConsumerLoop } from './consumer.ts';
import { type Kafka, openKafka } from './kafka.ts';
import { produceNumbered, uniqueName } from './numbered.ts';
import { NO_HEADERS } from './record-batch.ts';
import { partitionName } from './topic-partition.ts';

let brokers: readonly string[];
let kafka: Kafka;
const made: string[] = [];

beforeAll(async () => {
  ({ brokers } = (await testServers('kafka')).kafka);
  kafka = openKafka({ brokers });
});

afterAll(async () => {
  await kafka.topics.delete(made);
  await kafka[Symbol.asyncDispose]();
});

async function newTopic(partitions: number): Promise<string> {
  const topic = uniqueName('consumer');
  made.push(topic);
  await kafka.topics.ensure([{ topic, partitions, replicationFactor: 1 }]);
  return topic;
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 300_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error('the condition did not come true in time');
    await new Promise((done) => setTimeout(done, 20));
  }
}

/** Takes the numbers of numbered records and says what is out of order. */
class Seen {
  readonly wrong: string[] = [];
  readonly next: number[];
  count = 0;

  constructor(partitions: number) {
    this.next = new Array<number>(partitions).fill(0);
  }

  take(batch: ConsumedBatch): void {
    for (const { key, offset } of batch.records) {
      const n = this.next[batch.partition] as number;
      if (Number(offset) !== n || String(key) !== String(n * this.next.length + batch.partition)) {
        this.wrong.push(`${batch.partition}@${offset} is ${String(key)}`);
      }
      this.next[batch.partition] = Number(offset) + 1;
      this.count++;
    }
  }
}

test('every record comes once, in order, batch after batch of a partition, several partitions at once', async () => {
  const numbered = { topic: await newTopic(4), partitions: 4, count: 60_000 };
  await using producer = kafka.producer({ batchBytes: 16_384 });
  await produceNumbered(producer, numbered);
  const seen = new Seen(4);
  const busy = new Set<number>();
  let together = 0;
  await using loop = await kafka.consume({
    group: uniqueName('group'),
    topics: [numbered.topic],
    partitionBytes: 65_536,
    onBatch: async (batch) => {
      expect(busy.has(batch.partition)).toBe(false);
      busy.add(batch.partition);
      together = Math.max(together, busy.size);
      await new Promise((done) => setTimeout(done, 1));
      seen.take(batch);
      expect(batch.nextOffset).toBe(BigInt(seen.next[batch.partition] as number));
      expect(batch.highWatermark).toBe(15_000n);
      busy.delete(batch.partition);
    },
  });
  expect(loop.assigned).toHaveLength(4);
  await Promise.race([until(() => seen.count === 60_000), loop.failed]);
  expect(seen.wrong).toEqual([]);
  expect(together).toBeGreaterThan(1);
});

test('a group goes on from the committed offsets; kafkajs sees them', async () => {
  const numbered = { topic: await newTopic(2), partitions: 2, count: 2_000 };
  await using producer = kafka.producer();
  await produceNumbered(producer, numbered);
  const group = uniqueName('group');
  const read = async (upTo: number): Promise<bigint[]> => {
    const starts: bigint[] = [];
    let count = 0;
    const loop: ConsumerLoop = await kafka.consume({
      group,
      topics: [numbered.topic],
      onBatch: async ({ topic, partition, records, nextOffset }) => {
        starts[partition] ??= (records[0] as { offset: bigint }).offset;
        count += records.length;
        await loop.commit([{ topic, partition, offset: nextOffset }]);
      },
    });
    await Promise.race([until(() => count === upTo), loop.failed]);
    await loop[Symbol.asyncDispose]();
    return starts;
  };
  expect(await read(2_000)).toEqual([0n, 0n]);
  await produceNumbered(producer, { ...numbered, count: 10 });
  expect(await read(10)).toEqual([1000n, 1000n]);
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  const [offsets] = await admin.fetchOffsets({ groupId: group, topics: [numbered.topic] });
  await admin.disconnect();
  expect(offsets?.partitions.map(({ offset }) => offset)).toEqual(['1005', '1005']);
});

test('when a second member joins, the first finishes and commits before the partitions move: nothing is handed over twice', async () => {
  const numbered = { topic: await newTopic(6), partitions: 6, count: 6_000 };
  await using producer = kafka.producer({ batchBytes: 4_096 });
  const group = uniqueName('group');
  const seen = new Seen(6);
  const log: string[] = [];
  const start = async (name: string, open: Kafka): Promise<ConsumerLoop> => {
    const pending = new Map<string, { topic: string; partition: number; offset: bigint }>();
    const loop: ConsumerLoop = await open.consume({
      group,
      topics: [numbered.topic],
      sessionTimeoutMs: 30_000,
      partitionBytes: 8_192,
      // The offsets are kept back: only draining commits them.
      onBatch: async (batch) => {
        await new Promise((done) => setTimeout(done, 5));
        seen.take(batch);
        pending.set(String(batch.partition), {
          topic: batch.topic,
          partition: batch.partition,
          offset: batch.nextOffset,
        });
      },
      onAssigned: async (partitions) => {
        log.push(`${name} has ${partitions.length}`);
      },
      onRevoked: async () => {
        log.push(`${name} drains`);
        await new Promise((done) => setTimeout(done, 50));
        await loop.commit([...pending.values()]);
        pending.clear();
      },
    });
    return loop;
  };
  await using other = openKafka({ brokers });
  const first = await start('first', kafka);
  await produceNumbered(producer, { ...numbered, count: 3_000 });
  await until(() => seen.count > 500);
  const second = await start('second', other);
  await until(() => log.includes('second has 3'));
  await until(() => seen.count === 3_000);
  await first[Symbol.asyncDispose]();
  await until(() => log.includes('second has 6'));
  const lanes = numbered.partitions;
  for (let i = 3_000; i < 3_060; i++) {
    producer.append(producer.lane(numbered.topic, i % lanes), Buffer.from(String(i)), null, 1, NO_HEADERS);
  }
  await producer.mark();
  await until(() => seen.count === 3_060);
  await second[Symbol.asyncDispose]();
  expect(seen.wrong).toEqual([]);
  expect(log).toEqual([
    'first has 6',
    'first drains',
    expect.any(String),
    expect.any(String),
    'first drains',
    'second drains',
    'second has 6',
    'second drains',
  ]);
  expect(log.slice(2, 4).toSorted()).toEqual(['first has 3', 'second has 3']);
});

test('a slow handler bounds what is fetched', async () => {
  const topic = await newTopic(4);
  await using producer = kafka.producer();
  const value = Buffer.alloc(10_000);
  for (let i = 0; i < 2_000; i++) {
    const room = producer.room();
    if (room !== undefined) await room;
    producer.append(producer.lane(topic, i % 4), Buffer.from('k'), value, 1, NO_HEADERS);
  }
  await producer.mark();
  const gate = Promise.withResolvers<void>();
  let handed = 0;
  await using loop = await kafka.consume({
    group: uniqueName('group'),
    topics: [topic],
    partitionBytes: 100_000,
    bufferBytes: 400_000,
    onBatch: async ({ records }) => {
      handed += records.length;
      await gate.promise;
    },
  });
  await until(() => handed > 0);
  await new Promise((done) => setTimeout(done, 300));
  // One batch a partition in hand: each is at most what one batch of the producer holds.
  expect(handed).toBeLessThanOrEqual(4 * 60);
  gate.resolve();
  await Promise.race([until(() => handed === 2_000), loop.failed]);
});

test('a handler that fails ends the loop with its error', async () => {
  const topic = await newTopic(1);
  await using producer = kafka.producer();
  producer.append(producer.lane(topic, 0), Buffer.from('k'), null, 1, NO_HEADERS);
  await producer.mark();
  await using loop = await kafka.consume({
    group: uniqueName('group'),
    topics: [topic],
    onBatch: async () => {
      throw new Error('the sink said no');
    },
  });
  await expect(loop.failed).rejects.toThrow('the sink said no');
});

test('a committed offset that the topic does not have is an error with the remedy, not a silent restart', async () => {
  const topic = await newTopic(1);
  const group = uniqueName('group');
  const options = { group, topics: [topic], onBatch: async (): Promise<void> => undefined };
  const first = await kafka.consume(options);
  await first.commit([{ topic, partition: 0, offset: 7n }]);
  await first[Symbol.asyncDispose]();
  await using second = await kafka.consume(options);
  await expect(second.failed).rejects.toMatchObject({
    code: 'KAFKA_LOG_TRUNCATED',
    place: { topic, partition: 0, offset: '7' },
    remedy: expect.stringContaining('--reset-offsets') as unknown,
  });
});

test('offsets of partitions that are not assigned are left out, and closing may be done twice', async () => {
  const topic = await newTopic(1);
  const loop = await kafka.consume({ group: uniqueName('group'), topics: [topic], onBatch: async () => undefined });
  await loop.commit([{ topic: 'another', partition: 0, offset: 1n }]);
  await loop[Symbol.asyncDispose]();
  await loop[Symbol.asyncDispose]();
  await loop.commit([{ topic, partition: 0, offset: 1n }]);
  expect(loop.assigned).toEqual([]);
});

test('topics that a pattern matches and new partitions are consumed without a restart', async () => {
  const prefix = uniqueName('pattern');
  const make = async (name: string, partitions: number): Promise<string> => {
    made.push(`${prefix}.${name}`);
    await kafka.topics.ensure([{ topic: `${prefix}.${name}`, partitions, replicationFactor: 1 }]);
    return `${prefix}.${name}`;
  };
  const first = await make('a', 1);
  const seen = new Map<string, number>();
  const options = {
    group: uniqueName('group'),
    topics: [],
    patterns: [new RegExp(`^${prefix}\\.`)],
    refreshMs: 100,
    onBatch: async ({ topic, partition, records }: ConsumedBatch) => {
      const name = `${topic}/${partition}`;
      for (const { offset } of records) {
        expect(Number(offset)).toBe(seen.get(name) ?? 0);
        seen.set(name, Number(offset) + 1);
      }
    },
  };
  const place = (name: string): { topic: string; partition: number } => {
    const [topic = '', partition] = name.split('/');
    return { topic, partition: Number(partition) };
  };
  const loop: ConsumerLoop = await kafka.consume({
    ...options,
    onRevoked: () => loop.commit([...seen].map(([name, next]) => ({ ...place(name), offset: BigInt(next) }))),
  });
  try {
    await using producer = kafka.producer();
    const put = async (topic: string, partition: number): Promise<void> => {
      producer.append(
        producer.lane(topic, partition, { shared: true }),
        Buffer.from('k'),
        Buffer.from('v'),
        1,
        NO_HEADERS,
      );
      await producer.mark();
    };
    await put(first, 0);
    const second = await make('b', 2);
    await Promise.all([put(second, 0), put(second, 1)]);
    await until(() => seen.size === 3);
    await (await kafka.admin()).createPartitions({ topicPartitions: [{ topic: first, count: 2 }] });
    await until(() => loop.assigned.length === 4);
    await put(first, 1);
    await until(() => seen.size === 4);
    expect([...seen.values()]).toEqual([1, 1, 1, 1]);
  } finally {
    await loop[Symbol.asyncDispose]();
  }
});

test('a member that holds the group has all partitions and reads none; the others settle, commit and wait until it goes', async () => {
  const topic = await newTopic(4);
  const group = uniqueName('group');
  await using producer = kafka.producer();
  const offsets = new Map<number, bigint[]>();
  const count = (): number => [...offsets.values()].reduce((sum, list) => sum + list.length, 0);
  await produceNumbered(producer, { topic, partitions: 4, count: 4000 });
  const worker: ConsumerLoop = await kafka.consume({
    group,
    topics: [topic],
    sessionTimeoutMs: 30_000,
    onBatch: (batch) => {
      offsets.set(batch.partition, [...(offsets.get(batch.partition) ?? []), ...batch.records.map((r) => r.offset)]);
      return Promise.resolve();
    },
    onRevoked: (partitions) =>
      worker.commit(partitions.map((p) => ({ ...p, offset: (offsets.get(p.partition)?.at(-1) ?? -1n) + 1n }))),
  });
  await until(() => count() === 4000);
  // A process of its own, as it were: a connection's answers come one after the other, and to join is to wait.
  await using other = openKafka({ brokers });
  const holder = await other.consume({
    group,
    topics: [topic],
    holds: true,
    sessionTimeoutMs: 30_000,
    onBatch: () => Promise.reject(new Error('a holder reads nothing')),
  });
  expect(holder.assigned).toHaveLength(4);
  await until(() => worker.assigned.length === 0);
  const stored = await kafka.offsets(group).stored();
  expect(new Map(stored.map(({ partition, offset }) => [partition, offset]))).toEqual(
    new Map([0, 1, 2, 3].map((partition) => [partition, 1000n])),
  );
  await produceNumbered(producer, { topic, partitions: 4, count: 400 });
  await new Promise((done) => setTimeout(done, 300));
  expect(count()).toBe(4000);
  await holder[Symbol.asyncDispose]();
  await until(() => count() === 4400);
  await worker[Symbol.asyncDispose]();
  const all = Array.from({ length: 1100 }, (_, n) => BigInt(n));
  expect([...offsets.values()]).toEqual([all, all, all, all]);
});

test('of members that work alone one has all partitions, from the places that it names, and the next one has them when it goes', async () => {
  const topic = await newTopic(3);
  const group = uniqueName('group');
  await using producer = kafka.producer();
  await produceNumbered(producer, { topic, partitions: 3, count: 30 });
  const member = async (own: Kafka, at: bigint): Promise<{ loop: ConsumerLoop; starts: Map<number, bigint> }> => {
    const starts = new Map<number, bigint>();
    const loop = await own.consume({
      group,
      topics: [topic],
      alone: true,
      sessionTimeoutMs: 30_000,
      places: (partitions) =>
        Promise.resolve(new Map(partitions.filter((p) => p.partition < 2).map((p) => [partitionName(p), at]))),
      onBatch: ({ partition, records }) => {
        const [first] = records;
        if (first !== undefined && !starts.has(partition)) starts.set(partition, first.offset);
        return Promise.resolve();
      },
    });
    return { loop, starts };
  };
  await using other = openKafka({ brokers });
  const first = await member(kafka, 4n);
  const second = await member(other, 6n);
  const assigned = (): number[] => [first, second].map(({ loop }) => loop.assigned.length);
  await until(
    () =>
      assigned()
        .toSorted((a, b) => a - b)
        .join() === '0,3',
  );
  const [active, standby] = first.loop.assigned.length > 0 ? [first, second] : [second, first];
  await active.loop[Symbol.asyncDispose]();
  await until(() => standby.loop.assigned.length === 3 && standby.starts.size === 3);
  const at = standby === first ? 4n : 6n;
  expect(standby.starts).toEqual(new Map([0, 1, 2].map((partition) => [partition, partition < 2 ? at : 0n])));
  await standby.loop[Symbol.asyncDispose]();
});
