import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { type Kafka, openKafka } from './kafka.ts';
import type { LaneState } from './lane.ts';
import { uniqueName } from './numbered.ts';
import type { OrderedProducer, ProducerOptions } from './producer.ts';
import { NO_HEADERS, type ProducerIdentity } from './record-batch.ts';

/**
 * The broker's refusals of a sequence number, provoked by turning the lane's own counters: what a broker would answer after it lost
 * or forgot what it had.
 */
let kafka: Kafka;
const made: string[] = [];

beforeAll(async () => {
  kafka = openKafka({ brokers: (await testServers('kafka')).kafka.brokers });
});

afterAll(async () => {
  await kafka.topics.delete(made);
  await kafka[Symbol.asyncDispose]();
});

async function newTopic(): Promise<string> {
  const topic = uniqueName('sequence');
  made.push(topic);
  await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 1 }]);
  return topic;
}

/** A lane with eight acknowledged batches of one record each, numbered from 0. */
async function filled(producer: OrderedProducer, shared = false): Promise<LaneState> {
  const lane = producer.lane(await newTopic(), 0, { shared }) as LaneState;
  for (let i = 0; i < 8; i++) await send(producer, lane, i);
  return lane;
}

async function send(producer: OrderedProducer, lane: LaneState, i: number): Promise<bigint | undefined> {
  producer.append(lane, Buffer.from(String(i)), null, Date.now(), NO_HEADERS);
  return (await producer.mark()).get(lane);
}

async function numbers({ topic }: LaneState): Promise<number[]> {
  const all: number[] = [];
  for await (const records of kafka.reader.read({ topic, partition: 0 }))
    all.push(...records.map(({ key }) => Number(key)));
  return all;
}

test.each([
  ['ahead of what the broker knows (records forgotten)', 20],
  ['long behind what the broker knows (a duplicate of something older)', 1],
])('a sequence %s, with the log where it must be: a new sequence, nothing lost or doubled', async (_, sequence) => {
  await using producer = kafka.producer();
  const lane = await filled(producer);
  lane.sequence = sequence;
  expect(await send(producer, lane, 8)).toBe(9n);
  expect(await send(producer, lane, 9)).toBe(10n);
  expect(lane.identity?.epoch).toBe(1);
  expect(await numbers(lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a batch that stands in the log already at its offset, but is refused as an old duplicate, counts as acknowledged', async () => {
  await using producer = kafka.producer();
  const lane = await filled(producer);
  // As if the acknowledgement of the second batch had never come.
  lane.sequence = 1;
  lane.nextOffset = 1n;
  expect(await send(producer, lane, 1)).toBe(2n);
  expect(await numbers(lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('acknowledged records that are gone end the producer', async () => {
  await using producer = kafka.producer();
  const lane = await filled(producer);
  lane.sequence = 20;
  lane.nextOffset = 12n;
  await expect(send(producer, lane, 8)).rejects.toMatchObject({ code: 'KAFKA_LOG_TRUNCATED', place: { offset: '8' } });
});

test('records of somebody else in the place of ours end the producer', async () => {
  await using producer = kafka.producer();
  const lane = await filled(producer);
  lane.sequence = 20;
  lane.nextOffset = 5n;
  await expect(send(producer, lane, 8)).rejects.toMatchObject({ code: 'TOPIC_SECOND_WRITER' });
});

test('on a shared lane the records of others are no reason to stop', async () => {
  await using producer = kafka.producer();
  const lane = await filled(producer, true);
  await using other = kafka.producer();
  await send(other, other.lane(lane.topic, 0) as LaneState, 100);
  lane.sequence = 20;
  await send(producer, lane, 8);
  expect(await numbers(lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 100, 8]);
});

/** Batches of one record each, `window` of them under way at once. */
const oneRecordBatches = (window: number): ProducerOptions => ({
  batchBytes: 1024,
  bufferBytes: 65_536,
  inFlight: window,
});

/** All in one go: so many batches as the window allows leave before the first answer. */
async function sendMany(
  producer: OrderedProducer,
  lane: LaneState,
  from: number,
  to: number,
): Promise<bigint | undefined> {
  for (let i = from; i < to; i++)
    producer.append(lane, Buffer.from(String(i)), Buffer.alloc(900), Date.now(), NO_HEADERS);
  return (await producer.mark()).get(lane);
}

describe.each([1, 2, 5])('a window of %i batches', (window) => {
  test('a broker that forgot records before it: the whole window gets new numbers, nothing lost or doubled', async () => {
    await using producer = kafka.producer(oneRecordBatches(window));
    const lane = await filled(producer);
    lane.sequence = 20;
    expect(await sendMany(producer, lane, 8, 18)).toBe(18n);
    expect(producer.stats.widestWindow).toBe(window);
    expect(lane.identity?.epoch).toBe(1);
    expect(await sendMany(producer, lane, 18, 20)).toBe(20n);
    expect(await numbers(lane)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('batches whose acknowledgements were lost: those that the broker remembers and those that only the log has', async () => {
    await using producer = kafka.producer(oneRecordBatches(window));
    const lane = await filled(producer);
    lane.sequence = 1;
    lane.nextOffset = 1n;
    expect(await sendMany(producer, lane, 1, 12)).toBe(12n);
    expect(lane.identity?.epoch).toBe(0);
    expect(await numbers(lane)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test('sequence numbers go on from 0 after 2^31 - 1, also within a batch', async () => {
    await using producer = kafka.producer({ ...oneRecordBatches(window), batchBytes: 4096 });
    const lane = producer.lane(await newTopic(), 0) as LaneState;
    // A broker that does not know the producer takes any first number.
    lane.sequence = 0x7fff_ffff - 5;
    await sendMany(producer, lane, 0, 4);
    expect(await sendMany(producer, lane, 4, 40)).toBe(40n);
    expect([lane.sequence, lane.identity?.epoch]).toEqual([34, 0]);
    expect(await numbers(lane)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
});

test('a broker that may not know the producer gets one batch, and more when it has taken that', async () => {
  await using producer = kafka.producer({ ...oneRecordBatches(5), rememberedMs: 60_000 });
  const lane = await filled(producer);
  const append = (to: LaneState, timestampMs: number): void => {
    for (let i = 8; i < 20; i++)
      producer.append(to, Buffer.from(String(i)), Buffer.alloc(900), timestampMs, NO_HEADERS);
  };
  append(lane, Date.now() - 120_000);
  expect(lane.underWay).toBe(5);
  expect((await producer.mark()).get(lane)).toBe(20n);
  // Brokers go by the times of records: after such old ones they may have forgotten the producer.
  append(lane, Date.now());
  expect(lane.underWay).toBe(1);
  await producer.mark();
  append(lane, Date.now());
  expect(lane.underWay).toBe(5);
  await producer.mark();
  // The connection is open, but the partition is new to the producer.
  const other = producer.lane(await newTopic(), 0) as LaneState;
  append(other, Date.now());
  expect(other.underWay).toBeLessThanOrEqual(1);
  expect((await producer.mark()).get(other)).toBe(12n);
});

test('after the last epoch there is a new producer id', async () => {
  await using producer = kafka.producer();
  const lane = await filled(producer);
  const { id } = lane.identity as ProducerIdentity;
  lane.identity = { id, epoch: 0x7fff };
  lane.sequence = 0;
  expect(await send(producer, lane, 8)).toBe(9n);
  expect(lane.identity).toEqual({ id, epoch: 0x7fff });
  lane.sequence = 20;
  expect(await send(producer, lane, 9)).toBe(10n);
  expect(lane.identity?.epoch).toBe(0);
  expect(lane.identity?.id).not.toBe(id);
  expect(await numbers(lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a broker that knows of a later epoch: a new producer id, when the log is as it must be', async () => {
  await using producer = kafka.producer();
  const lane = await filled(producer);
  const { id } = lane.identity as ProducerIdentity;
  lane.identity = { id, epoch: 2 };
  lane.sequence = 0;
  await send(producer, lane, 8);
  lane.identity = { id, epoch: 1 };
  expect(await send(producer, lane, 9)).toBe(10n);
  expect(lane.identity?.id).not.toBe(id);
  expect(await numbers(lane)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
