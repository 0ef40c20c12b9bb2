import { expect, test } from '@jest/globals';
import { LaneState } from './lane.ts';
import { produceRequest } from './produce-protocol.ts';
import { ResponseReader } from './protocol.ts';
import { NO_HEADERS, RecordBatch } from './record-batch.ts';
import { Shipments } from './shipment.ts';

const lane = (topic: string, partition: number): LaneState =>
  new LaneState(topic, partition, { batchBytes: 1 << 20, maxMessageBytes: 1 << 20 }, {});

function batchOf(fill: number, bytes: number): RecordBatch {
  const batch = new RecordBatch(Buffer.alloc(bytes + 1000));
  const value = Buffer.alloc(bytes, fill);
  batch.add(null, value, 1, NO_HEADERS, batch.recordBytes(null, value, 1, 1));
  batch.seal({ id: 1n, epoch: 0 }, 0);
  return batch;
}

type Sent = Record<string, Record<number, string>>;

/** What a request has for each partition, as hex. */
function sentBy(shipments: Shipments): Sent {
  const { parts, bytes } = produceRequest(shipments, 1000);
  const body = Buffer.concat(parts);
  expect(body.length).toBe(bytes);
  const reader = new ResponseReader(body);
  expect([reader.nullableString(), reader.int16(), reader.int32()]).toEqual([null, -1, 1000]);
  const topics = reader.array(() => {
    const topic = reader.string();
    return [topic, Object.fromEntries(reader.array(() => [reader.int32(), reader.bytes().toString('hex')]))] as const;
  });
  expect(reader.position).toBe(body.length);
  expect(new Set(topics.map(([topic]) => topic)).size).toBe(topics.length);
  return Object.fromEntries(topics);
}

test('a request has each topic once, with the batches of all its partitions, short and long ones, also where it is used again', () => {
  const shipments = new Shipments();
  const lanes = ['a', 'b', 'long-name'].flatMap((topic) => [0, 1, 2].map((partition) => lane(topic, partition)));
  for (const lengths of [[100], [8000, 20_000, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9_000], [50, 60]]) {
    const expected: Sent = {};
    for (const [i, length] of lengths.entries()) {
      const { topic, partition } = lanes[i] as LaneState;
      const batch = batchOf(i + length, length);
      shipments.add(lanes[i] as LaneState, batch);
      expected[topic] = { ...expected[topic], [partition]: batch.buffer.toString('hex', 0, batch.position) };
    }
    expect(sentBy(shipments)).toEqual(expected);
    expect(shipments.list.every(({ isAnswered }) => !isAnswered)).toBe(true);
    for (const [i] of lengths.entries()) {
      const { topic, partition } = lanes[i] as LaneState;
      const found = shipments.find(topic, partition);
      expect(found?.lane).toBe(lanes[i]);
      if (found !== undefined) found.isAnswered = true;
    }
    expect(shipments.find('a', 3)).toBe(undefined);
    expect(shipments.find('c', 0)).toBe(undefined);
    shipments.clear();
    expect([shipments.list.length, shipments.bytes, shipments.find('a', 0)]).toEqual([0, 0, undefined]);
  }
});

test('bytes of a request that is used again stand in the same memory', () => {
  const shipments = new Shipments();
  const one = lane('a', 0);
  shipments.add(one, batchOf(1, 4000));
  const first = shipments.room();
  shipments.clear();
  shipments.add(one, batchOf(2, 3000));
  expect(shipments.room()).toBe(first);
  shipments.clear();
  shipments.add(one, batchOf(2, 7000));
  expect(shipments.room()).not.toBe(first);
});
