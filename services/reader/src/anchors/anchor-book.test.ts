import { describe, expect, test } from '@jest/globals';
import { AnchorBook, changesBehind } from './anchor-book.ts';

/** A book over topics whose counts the test moves by hand. */
function scene(kept: Parameters<typeof changesBehind>[0] = []): { book: AnchorBook; counts: Map<string, number[]> } {
  const counts = new Map<string, number[]>();
  return { book: new AnchorBook(kept, () => counts), counts };
}
const anchor = (id: number): Parameters<AnchorBook['pass']>[0] => ({
  id: BigInt(id),
  token: BigInt(id) * 7n,
  version: BigInt(id) << 20n,
  schemaVersion: id,
});
const behind = (book: AnchorBook, id: number): Record<string, Record<string, number>> => {
  const anchors = book.describe();
  const index = anchors.findIndex((candidate) => candidate.id === BigInt(id));
  return Object.fromEntries(
    [...changesBehind(anchors, index)].map(([topic, ofTopic]) => [topic, Object.fromEntries(ofTopic)]),
  );
};

test('behind each anchor stand the changes that were counted since it was passed', () => {
  const { book, counts } = scene();
  counts.set('t', [5, 0, 1]);
  book.pass(anchor(1));
  counts.set('t', [7, 0, 1]);
  counts.set('u', [3]);
  book.pass(anchor(2));
  counts.set('t', [7, 1, 1]);
  expect(behind(book, 2)).toEqual({ t: { 1: 1 } });
  expect(behind(book, 1)).toEqual({ t: { 0: 2, 1: 1 }, u: { 0: 3 } });
  expect(book.describe().map(({ id, schemaVersion }) => [id, schemaVersion])).toEqual([
    [2n, 2],
    [1n, 1],
  ]);
});

test('a later life counts on from what the record says', () => {
  const first = scene();
  first.counts.set('t', [2]);
  first.book.pass(anchor(1));
  first.counts.set('t', [5]);
  const second = scene(first.book.describe());
  second.counts.set('t', [4]);
  expect(behind(second.book, 1)).toEqual({ t: { 0: 7 } });
  second.book.pass(anchor(2));
  second.counts.set('t', [10]);
  expect(behind(second.book, 1)).toEqual({ t: { 0: 13 } });
  expect(behind(second.book, 2)).toEqual({ t: { 0: 6 } });
});

test('a partition at rest costs nothing', () => {
  const { book, counts } = scene();
  counts.set('t', [1, 2, 3]);
  for (let id = 1; id <= 10; id++) book.pass(anchor(id));
  expect(book.describe().every(({ since }) => Object.keys(since).length === 0)).toBe(true);
});

describe('the older the fewer', () => {
  test('some of every age stay, with all the changes behind them', () => {
    const { book, counts } = scene();
    const last = 5000;
    for (let id = 1; id <= last; id++) {
      counts.set('t', [id]);
      book.pass(anchor(id));
    }
    const kept = book.describe().map(({ id }) => Number(id));
    expect(kept.length).toBeLessThan(80);
    for (let age = 1; age < last; age *= 2) {
      expect(kept.some((id) => last - id <= age && last - id >= age / 4)).toBe(true);
    }
    for (const id of kept) expect(behind(book, id)).toEqual(id === last ? {} : { t: { 0: last - id } });
  });

  test('a record does not grow with the number of partitions that change all the time', () => {
    const { book, counts } = scene();
    const partitions = 10_000;
    for (let id = 1; id <= 100; id++) {
      counts.set(
        't',
        Array.from({ length: partitions }, () => id),
      );
      book.pass(anchor(id));
    }
    expect(book.describe().length).toBeGreaterThanOrEqual(2);
    expect(book.describe().length).toBeLessThan(4);
    expect(behind(book, 99)['t']?.[0]).toBe(1);
  });
});

test('after rows that no binlog replays, none is left', () => {
  const { book, counts } = scene();
  book.pass(anchor(1));
  book.clear();
  expect(book.describe()).toEqual([]);
  counts.set('t', [9]);
  book.pass(anchor(2));
  counts.set('t', [10]);
  expect(behind(book, 2)).toEqual({ t: { 0: 1 } });
});
