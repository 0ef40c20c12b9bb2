import { expect, test } from '@jest/globals';
import type { Lane } from '@tapline/kafka';
import { TopicLanes } from './topic-lanes.ts';

const lanes = [{}, {}] as Lane[];
const version = (n: bigint): Buffer => {
  const out = Buffer.alloc(8);
  out.writeBigInt64BE(n);
  return out;
};

test('changes that stand beyond the recorded offset are counted and not sent again; the rest is sent', () => {
  const topic = new TopicLanes({ topic: 't', lanes, next: [10n, 0n], ends: [12n, 0n] });
  expect(topic.skipping).toBe(2);
  expect([1n, 2n, 3n].map((v) => topic.advance(0, Buffer.from('k'), version(v)))).toEqual([false, false, true]);
  expect(topic.advance(1, Buffer.from('k'), version(4n))).toBe(true);
  expect(topic.next).toEqual([13, 1]);
  expect(topic.skipping).toBe(0);
});

test.each([
  ['another key', 'other', 2n],
  ['another version', 'last', 3n],
])('a tail that ends with %s than the replay is refused with its place', (_, key, v) => {
  const tailEnds = new Map([[0, { key: Buffer.from('last'), version: 2n }]]);
  const topic = new TopicLanes({ topic: 't', lanes, next: [10n, 0n], ends: [12n, 0n], tailEnds });
  expect(topic.advance(0, Buffer.from('first'), version(1n))).toBe(false);
  expect(() => topic.advance(0, Buffer.from(key), version(v))).toThrow(
    expect.objectContaining({ code: 'RESUME_MISMATCH', place: { topic: 't', partition: 0, offset: '11' } }),
  );
});

test('a tail that ends with the key and version of the replay is accepted', () => {
  const tailEnds = new Map([[0, { key: Buffer.from('last'), version: 2n }]]);
  const topic = new TopicLanes({ topic: 't', lanes, next: [10n, 0n], ends: [11n, 0n], tailEnds });
  expect(topic.advance(0, Buffer.from('last'), version(2n))).toBe(false);
});
