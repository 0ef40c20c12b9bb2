import { describe, expect, test } from '@jest/globals';
import { PublishedTail, TailRecords } from './published-tail.ts';

const key = (text: string): Buffer => Buffer.from(text);

/** A partition with these versions at consecutive offsets from 10, of `changes` changes. */
function tailOf(versions: readonly number[], changes: number = versions.length): PublishedTail {
  const tail = new PublishedTail();
  const records = new TailRecords(versions.length);
  for (const [i, version] of versions.entries()) records.push(10n + BigInt(i), key('k'), BigInt(version));
  tail.add({ topic: 't', partition: 0, from: 10n, to: 10n + BigInt(changes), changes }, records);
  return tail;
}
const meets = (tail: PublishedTail, version: number, text = 'k'): boolean =>
  tail.meets('t', 0, key(text), BigInt(version));

test('the same changes again meet everything', () => {
  const tail = tailOf([5, 6, 9]);
  expect([5, 6, 9].map((version) => meets(tail, version))).toEqual([true, true, true]);
  expect(tail.lost()).toEqual([]);
});

describe('a change in place of one that the server never got', () => {
  test.each([
    ['a later one', 20, 'k'],
    ['by a clock that is behind', 6, 'k'],
    ['of the same second, with another key', 7, 'other'],
  ])('%s', (_, version, text) => {
    const tail = tailOf([5, 7, 9]);
    expect(meets(tail, 5)).toBe(true);
    expect(meets(tail, version, text)).toBe(false);
    expect(tail.lost()).toEqual([{ topic: 't', partition: 0, from: 11n, to: 13n }]);
  });
});

test('what compaction took away is not missed', () => {
  const tail = tailOf([6, 9], 4);
  expect([5, 6, 7, 9].map((version) => meets(tail, version))).toEqual([true, true, true, true]);
});

test('in a partition with holes a lost tail is told at the latest when all changes are counted', () => {
  const tail = tailOf([5, 9], 3);
  expect([5, 6, 7].map((version) => meets(tail, version))).toEqual([true, true, false]);
  expect(tail.lost()).toEqual([{ topic: 't', partition: 0, from: 11n, to: 13n }]);
});

test('other partitions have nothing to meet', () => {
  expect(tailOf([5]).meets('t', 1, key('k'), 1n)).toBe(true);
});
