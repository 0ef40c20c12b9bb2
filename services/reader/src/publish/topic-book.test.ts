import { expect, test } from '@jest/globals';
import type { Lane } from '@tapline/kafka';
import { TopicBook, type TopicClaim } from './topic-book.ts';
import { TopicLanes } from './topic-lanes.ts';

const lanes = (topic: string, next: bigint, end: bigint): TopicLanes =>
  new TopicLanes({ topic, lanes: [{}] as Lane[], next: [next], ends: [end] });

test('what is left to skip is the sum over the topics, down to nothing', () => {
  const book = new TopicBook();
  const [a, b] = [book.add(lanes('a', 1n, 3n)), book.add(lanes('b', 0n, 1n))];
  book.add(lanes('c', 5n, 5n));
  const left = [];
  for (const topic of [a, b, a, b]) {
    left.push(book.skipping);
    topic.advance(0, null, Buffer.alloc(8));
  }
  expect([...left, book.skipping]).toEqual([3, 2, 1, 0, 0]);
  expect(Object.fromEntries(book.offsets())).toEqual({ a: [3n], b: [2n], c: [5n] });
});

const claim = (table: string, shared: TopicClaim['shared'] = 'refuse'): TopicClaim => ({
  topic: 's.d.a_b',
  table,
  shared,
});

test('two tables whose names give one topic are refused', () => {
  const book = new TopicBook();
  book.claim(claim('d.a_b'));
  book.claim(claim('d.a_b'));
  expect(() => book.claim(claim('d.a?b'))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

test('tables share a topic when both say so, and in the same way', () => {
  const book = new TopicBook();
  book.claim(claim('d.a', 'tableInKey'));
  book.claim(claim('d.b', 'tableInKey'));
  expect(() => book.claim(claim('d.c', 'uniqueKeys'))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  expect(() => book.claim(claim('d.c'))).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
