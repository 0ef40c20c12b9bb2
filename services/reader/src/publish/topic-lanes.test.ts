import { describe, expect, test } from '@jest/globals';
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

describe('markers of lives', () => {
  const count = (topic: TopicLanes, n: number): boolean[] =>
    Array.from({ length: n }, (_, i) => topic.advance(0, Buffer.from('k'), version(BigInt(i))));

  test('between the changes, in front of them and behind them are not counted, and passed', () => {
    const gaps = new Map([[0, [10n, 12n, 13n, 15n]]]);
    const topic = new TopicLanes({ topic: 't', lanes, next: [10n, 0n], ends: [16n, 0n], gaps });
    // The changes are those at 11 and 14.
    expect([topic.skipping, topic.next[0]]).toEqual([2, 11]);
    expect(count(topic, 1)).toEqual([false]);
    expect([topic.next[0], topic.gaps]).toEqual([14, new Map([[0, [15n]]])]);
    expect(count(topic, 2)).toEqual([false, true]);
    expect([topic.next[0], topic.gaps.size]).toEqual([17, 0]);
  });

  test('alone leave nothing to skip: the next change comes behind them', () => {
    const topic = new TopicLanes({
      topic: 't',
      lanes,
      next: [10n, 4n],
      ends: [12n, 4n],
      gaps: new Map([[0, [10n, 11n]]]),
    });
    expect([topic.skipping, topic.next, topic.gaps.size]).toEqual([0, [12, 4], 0]);
    expect(count(topic, 1)).toEqual([true]);
  });

  test('that were passed before are of no interest: a record of a later place names them still', () => {
    const topic = new TopicLanes({
      topic: 't',
      lanes,
      next: [10n, 0n],
      ends: [11n, 0n],
      gaps: new Map([[0, [3n, 9n]]]),
    });
    expect([topic.skipping, topic.next[0], topic.gaps.size]).toEqual([1, 10, 0]);
  });

  test('are known to the next life for as long as they are ahead, wherever this one ends', () => {
    const gaps = new Map([[0, [11n, 13n]]]);
    let topic = new TopicLanes({ topic: 't', lanes, next: [10n, 0n], ends: [15n, 0n], gaps });
    for (const expected of [12, 14]) {
      count(topic, 1);
      expect(topic.next[0]).toBe(expected);
      topic = new TopicLanes({ topic: 't', lanes, next: topic.next.map(BigInt), ends: [15n, 0n], gaps: topic.gaps });
    }
    expect([topic.skipping, topic.gaps.size]).toEqual([1, 0]);
  });
});

test('a replay from an anchor meets the changes behind it first, and is then where the record was, markers or not', () => {
  const seen: bigint[] = [];
  const topic = new TopicLanes({
    topic: 't',
    lanes,
    next: [10n, 5n],
    ends: [13n, 5n],
    gaps: new Map([[0, [10n, 12n]]]),
    behind: new Map([[0, 2]]),
    witness: { skipped: (_topic, _partition, _key, v) => void seen.push(v.readBigInt64BE(0)) },
  });
  expect(topic.skipping).toBe(3);
  const sent = [1n, 2n, 3n, 4n].map((v) => topic.advance(0, Buffer.from('k'), version(v)));
  expect(sent).toEqual([false, false, false, true]);
  expect(seen).toEqual([1n, 2n, 3n]);
  expect(topic.next).toEqual([14, 5]);
  expect(topic.counts()).toEqual([4, 0]);
});
