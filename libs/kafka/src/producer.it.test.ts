import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import type { KafkaRecord } from './fetched-record.ts';
import { type Kafka, openKafka } from './kafka.ts';
import type { Lane, LaneState } from './lane.ts';
import { produceNumbered, uniqueName, verifyNumbered } from './numbered.ts';
import type { OrderedProducer } from './producer.ts';
import { encodeHeaders, NO_HEADERS } from './record-batch.ts';
import { readHeader } from './record-reader.ts';

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

/** Not compacted: these records need no key. */
async function newTopic(partitions: number, config: Record<string, string> = {}): Promise<string> {
  const topic = uniqueName('producer');
  made.push(topic);
  await kafka.topics.ensure([{ topic, partitions, replicationFactor: 1, compacted: false, config }]);
  return topic;
}

async function readAll(topic: string, partition = 0): Promise<KafkaRecord[]> {
  const all: KafkaRecord[] = [];
  for await (const records of kafka.reader.read({ topic, partition })) all.push(...records);
  return all;
}

test('200,000 numbered records over 8 partitions are read back by kafkajs: complete, once, in order', async () => {
  const numbered = { topic: await newTopic(8), partitions: 8, count: 200_000 };
  await using producer = kafka.producer();
  const offsets = await produceNumbered(producer, numbered);
  expect([...offsets.values()]).toEqual(new Array(8).fill(25_000n));
  expect(producer.stats).toMatchObject({ recordsAcknowledged: 200_000, bufferedBytes: 0 });
  expect(await verifyNumbered(brokers, numbered)).toEqual([]);
});

test('small and large records, null keys and values, headers and times are read back as they were appended', async () => {
  const topic = await newTopic(1);
  await using producer = kafka.producer({ batchBytes: 65_536, bufferBytes: 1_048_576 });
  const lane = producer.lane(topic, 0);
  const headers = encodeHeaders({ v: Buffer.from([1, 2]), empty: null });
  const sizes = [0, 1, 20, 63, 64, 1000, 5000, 60_000, 65_400, 70_000, 1_000_000, 3, 65_535];
  for (const [i, size] of sizes.entries()) {
    producer.append(
      lane,
      i % 3 === 0 ? null : Buffer.alloc(i, 7),
      Buffer.alloc(size, i),
      1_700_000_000_000 - i * 3_000_000_000,
      headers,
    );
    producer.append(lane, Buffer.from([i]), null, i, NO_HEADERS);
  }
  expect((await producer.mark()).get(lane)).toBe(BigInt(sizes.length * 2));
  const records = await readAll(topic);
  for (const [i, size] of sizes.entries()) {
    const [full, tombstone] = records.slice(i * 2, i * 2 + 2) as [KafkaRecord, KafkaRecord];
    expect(full.key).toEqual(i % 3 === 0 ? null : Buffer.alloc(i, 7));
    expect(full.value?.equals(Buffer.alloc(size, i))).toBe(true);
    expect(full.timestampMs).toBe(1_700_000_000_000 - i * 3_000_000_000);
    expect([readHeader(full.headers, 'v'), readHeader(full.headers, 'empty'), readHeader(full.headers, 'x')]).toEqual([
      Buffer.from([1, 2]),
      null,
      undefined,
    ]);
    expect([tombstone.key, tombstone.value, tombstone.timestampMs]).toEqual([Buffer.from([i]), null, i]);
  }
});

test('records of hundreds of partitions leave in one request, a small buffer each, also of lanes that were busy once; they have more room than those of a few', async () => {
  const count = 200;
  const topic = await newTopic(count);
  await using producer = kafka.producer();
  const lanes = Array.from({ length: count }, (_, partition) => producer.lane(topic, partition));
  let before = 0;
  for (let round = 0; round < 5; round++) {
    const busyOnce = round === 4;
    for (const lane of lanes as LaneState[]) {
      if (busyOnce) lane.startBytes = lane.batchBytes;
      producer.append(lane, Buffer.from(`${round}`), Buffer.alloc(50), 1, NO_HEADERS);
      expect(producer.room()).toBe(undefined);
    }
    expect(producer.stats.bufferedBytes).toBeLessThanOrEqual(busyOnce ? 17 * 1024 * 1024 : 2 * count * 1024);
    const offsets = await producer.mark();
    expect([...offsets.values()]).toEqual(new Array(count).fill(BigInt(round + 1)));
    // The first round may meet partitions that the broker is still making.
    if (round > 0) expect(producer.stats.requests - before).toBe(1);
    before = producer.stats.requests;
  }
  await fillsAllRoom(topic, count);
});

/** Appends to all partitions in turn until there is no room. */
async function fillsAllRoom(topic: string, partitions: number): Promise<void> {
  const bufferBytes = 1_048_576;
  await using producer = kafka.producer({ bufferBytes, batchBytes: 65_536 });
  const lanes = Array.from({ length: partitions }, (_, partition) => producer.lane(topic, partition));
  const value = Buffer.alloc(300);
  let appended = 0;
  let room: Promise<void> | undefined;
  for (; room === undefined; room = producer.room()) {
    producer.append(lanes[appended++ % partitions] as Lane, null, value, 1, NO_HEADERS);
  }
  // 4 KiB for each lane beside the budget, and a block that goes beyond it.
  const most = bufferBytes + partitions * 4096;
  expect(producer.stats.bufferedBytes).toBeGreaterThanOrEqual(most);
  expect(producer.stats.bufferedBytes).toBeLessThanOrEqual(most + 65_536);
  expect(appended * value.length).toBeGreaterThan(most / 2);
  await room;
  await producer.mark();
  expect(producer.stats).toMatchObject({ recordsAcknowledged: appended, bufferedBytes: 0 });
}

test('with two requests under way, batches that are not full wait and fill; full ones leave', async () => {
  const topic = await newTopic(5);
  const batchBytes = 65_536;
  await using producer = kafka.producer({ batchBytes });
  const lanes = Array.from({ length: 5 }, (_, partition) => producer.lane(topic, partition));
  const append = (partition: number, bytes: number): void =>
    producer.append(lanes[partition] as Lane, null, Buffer.alloc(bytes), 0, NO_HEADERS);
  for (const partition of lanes.keys()) append(partition, 10);
  await producer.mark();
  const before = producer.stats.requests;
  // Nothing is waited for, so no answer comes in between.
  const sent = [0, 1, 2, 3].map((partition) => {
    append(partition, 10);
    producer.flush();
    return producer.stats.requests - before;
  });
  expect(sent).toEqual([1, 2, 2, 2]);
  append(2, batchBytes - 200);
  append(2, batchBytes - 200);
  expect(producer.stats.requests - before).toBe(3);
  const offsets = await producer.mark();
  expect(lanes.slice(0, 4).map((lane) => offsets.get(lane))).toEqual([2n, 2n, 4n, 2n]);
  // What had waited left together.
  expect(producer.stats.requests - before).toBeLessThanOrEqual(5);
});

test('lingerMs holds back what is flushed, but neither a mark nor full batches', async () => {
  const topic = await newTopic(1);
  await using patient = kafka.producer({ lingerMs: 10_000 });
  const lane = patient.lane(topic, 0);
  const append = (producer: OrderedProducer, to: Lane, bytes: number): void => {
    producer.append(to, null, Buffer.alloc(bytes), 1, NO_HEADERS);
    producer.flush();
  };
  append(patient, lane, 10);
  expect(patient.stats.requests).toBe(0);
  expect((await patient.mark()).get(lane)).toBe(1n);
  const { requests } = patient.stats;
  append(patient, lane, 300_000);
  expect(patient.stats.requests).toBe(requests);
  // It finds no room behind the other one, whose batch is full so.
  append(patient, lane, 300_000);
  expect(patient.stats.requests).toBe(requests + 1);
  await patient.mark();

  await using hurried = kafka.producer({ lingerMs: 50 });
  const began = performance.now();
  append(hurried, hurried.lane(topic, 0), 10);
  while (hurried.stats.recordsAcknowledged === 0) await sleep(5);
  expect(performance.now() - began).toBeGreaterThanOrEqual(49);
});

test('a second writer is noticed by the gap in the offsets', async () => {
  const topic = await newTopic(1);
  await using first = kafka.producer();
  await using second = kafka.producer();
  const lane = first.lane(topic, 0, { nextOffset: 0n });
  first.append(lane, null, Buffer.from('mine'), 1, NO_HEADERS);
  await first.mark();
  second.append(second.lane(topic, 0), null, Buffer.from('other'), 1, NO_HEADERS);
  await second.mark();
  first.append(lane, null, Buffer.from('mine'), 1, NO_HEADERS);
  const wrong = { code: 'TOPIC_SECOND_WRITER', place: { topic, partition: 0, offset: '2' } };
  await expect(first.mark()).rejects.toMatchObject(wrong);
  await expect(first.failed).rejects.toMatchObject(wrong);
  expect(() => first.append(lane, null, null, 1, NO_HEADERS)).toThrow(
    expect.objectContaining({ code: 'TOPIC_SECOND_WRITER' }),
  );
  await expect(first.room()).rejects.toMatchObject(wrong);
});

describe.each([1, 5])('a window of %i', (inFlight) => {
  const options = { batchBytes: 1024, bufferBytes: 65_536, inFlight };

  /** A lane with 100 acknowledged records; then its topic is deleted. */
  async function laneOfDeleted(producer: OrderedProducer): Promise<Lane> {
    const lane = producer.lane(await newTopic(1), 0);
    appendMany(producer, lane, 100);
    await producer.mark();
    await kafka.topics.delete([lane.topic]);
    // The controller confirms it before the brokers do it: who asks too early is told that it is there.
    while ((await kafka.topics.existing([lane.topic])).length > 0) await sleep(10);
    return lane;
  }
  const appendMany = (producer: OrderedProducer, lane: Lane, count: number): void => {
    for (let i = 0; i < count; i++) producer.append(lane, null, Buffer.alloc(300), Date.now(), NO_HEADERS);
  };
  /** Until it fails. */
  async function sendOn(producer: OrderedProducer, lane: Lane): Promise<never> {
    for (;;) {
      appendMany(producer, lane, 20);
      await producer.mark();
    }
  }

  test('a topic made anew under the producer is noticed, not continued', async () => {
    await using producer = kafka.producer(options);
    const lane = await laneOfDeleted(producer);
    const { topic } = lane;
    await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 1, compacted: false }]);
    await expect(sendOn(producer, lane)).rejects.toMatchObject({
      code: 'KAFKA_LOG_TRUNCATED',
      place: { topic, partition: 0 },
    });
  });

  test('a topic deleted under the producer ends it', async () => {
    await using producer = kafka.producer({ ...options, topicMissingMs: 500 });
    const lane = await laneOfDeleted(producer);
    await expect(sendOn(producer, lane)).rejects.toMatchObject({ code: 'TOPIC_MISSING', place: { topic: lane.topic } });
  });

  test('a topic that takes smaller batches than before ends the producer, with what to do', async () => {
    await using producer = kafka.producer(options);
    const lane = producer.lane(await newTopic(1), 0);
    appendMany(producer, lane, 10);
    await producer.mark();
    const admin = await kafka.admin();
    const configEntries = [{ name: 'max.message.bytes', value: '500' }];
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: lane.topic, configEntries }] });
    await expect(sendOn(producer, lane)).rejects.toMatchObject({
      code: 'KAFKA_RECORD_TOO_LARGE',
      place: { topic: lane.topic, partition: 0 },
    });
  });
});

test('a lane knows what its topic takes: batches stay below it, and so does a record of maxRecordBytes', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '10000' });
  await using other = openKafka({ brokers });
  await using producer = kafka.producer();
  await other.topics.describe(topic);
  await using later = other.producer();
  const { maxRecordBytes } = producer.lane(topic, 0);
  expect(maxRecordBytes).toBeLessThan(10_000);
  expect(later.lane(topic, 0).maxRecordBytes).toBe(maxRecordBytes);
  expect(producer.lane(uniqueName('unknown'), 0).maxRecordBytes).toBeGreaterThan(100_000_000);
  const sizes = [maxRecordBytes - 5, ...new Array<number>(100).fill(900), 9_000, maxRecordBytes - 5];
  const lane = producer.lane(topic, 0);
  for (const [i, size] of sizes.entries())
    producer.append(lane, Buffer.alloc(4), Buffer.alloc(size), i * 1e10, NO_HEADERS);
  await producer.mark();
  expect((await readAll(topic)).map(({ value }) => value?.length)).toEqual(sizes);
});

test('a record larger than the topic takes ends the producer with topic and partition', async () => {
  const topic = await newTopic(1, { 'max.message.bytes': '10000' });
  await using producer = kafka.producer();
  producer.append(producer.lane(topic, 0), null, Buffer.alloc(20_000), 1, NO_HEADERS);
  await expect(producer.mark()).rejects.toMatchObject({
    code: 'KAFKA_RECORD_TOO_LARGE',
    place: { topic, partition: 0 },
  });
});

test('a topic that is gone ends the producer', async () => {
  await using producer = kafka.producer({ topicMissingMs: 500 });
  const topic = uniqueName('never-made');
  producer.append(producer.lane(topic, 0), null, Buffer.from('x'), 1, NO_HEADERS);
  await expect(producer.mark()).rejects.toMatchObject({
    code: 'TOPIC_MISSING',
    disposition: 'fatal',
    place: { topic, partition: 0 },
  });
});

test('closing rejects what is not acknowledged, and may be done twice', async () => {
  const producer = kafka.producer();
  producer.append(producer.lane(uniqueName('never-made'), 0), null, Buffer.from('x'), 1, NO_HEADERS);
  const mark = producer.mark();
  await producer[Symbol.asyncDispose]();
  await producer[Symbol.asyncDispose]();
  await expect(mark).rejects.toMatchObject({ code: 'KAFKA_CLOSED' });
});

test('two producers may share a lane that both declare as shared', async () => {
  const topic = await newTopic(1);
  await using first = kafka.producer();
  await using second = kafka.producer();
  for (let i = 0; i < 10; i++) {
    const producer = i % 2 === 0 ? first : second;
    producer.append(producer.lane(topic, 0, { shared: true }), null, Buffer.from([i]), 1, NO_HEADERS);
    await producer.mark();
  }
  expect((await readAll(topic)).map(({ value }) => value?.[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
