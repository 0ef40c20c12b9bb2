import { expect, test } from '@jest/globals';
import { decodeProgress, encodeProgress, type ProgressRecord } from './record.ts';

const record: ProgressRecord = {
  by: 'gtid',
  gtidSet: '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-77',
  file: 'binlog.000003',
  position: 4711,
  serverUuid: '3e11fa47-71ca-11e1-9e33-c80aa9429562',
  schemaVersion: 0,
  keyFormat: 'json',
  version: (1n << 62n) + 7n,
  offsets: new Map([['shop.shop.orders', [0n, 9_007_199_254_740_993n]]]),
  snapshot: {
    state: 'running',
    queue: [
      { table: 'shop.customers', from: [0n, 7n], deletes: { done: 1, passes: 3 } },
      { table: 'shop.orders', after: ['17', 'ü'] },
      { table: 'shop.items' },
    ],
    publishing: true,
    published: [{ topic: 'shop.shop.orders', partition: 1, from: 5n, to: 9n }],
  },
  startAfter: '',
  xaFrom: '',
  anchors: [],
  writtenMs: 1_790_000_000_000,
};

test('a progress record is read back as it was written, 64-bit numbers included', () => {
  const { format: _, ...read } = decodeProgress(encodeProgress(record), 'shop.progress') as ProgressRecord & {
    format: number;
  };
  expect(read).toEqual(record);
});

test.each([
  ['not JSON', '{'],
  ['another format', '{"format":99}'],
  ['no offsets', '{"format":1,"version":"1"}'],
])('what is no progress record is refused with the topic: %s', (_, text) => {
  expect(() => decodeProgress(Buffer.from(text), 'shop.progress')).toThrow(
    expect.objectContaining({ code: 'PROGRESS_UNREADABLE', place: { topic: 'shop.progress' } }),
  );
});

test('a load under way in a record from before there was a queue goes on at its table, and every other unfinished one follows', () => {
  const text = encodeProgress(record).toString();
  const old = { state: 'running', finished: ['a.b'], table: 'a.c', after: ['1'], publishing: false, published: [] };
  const { snapshot } = decodeProgress(Buffer.from(JSON.stringify({ ...JSON.parse(text), snapshot: old })), 't');
  expect(snapshot).toEqual({
    state: 'running',
    queue: [{ table: 'a.c', after: ['1'] }],
    allBut: ['a.b'],
    publishing: false,
    published: [],
  });
});

test('a record of thousands of topics is read back, and takes a part of its JSON', () => {
  const offsets = new Map(
    Array.from({ length: 10_000 }, (_, i) => [
      `shop.shop."table" ${i}`,
      Array.from({ length: 8 }, (_, partition) => BigInt(i % 3 === 0 ? i * 1000 + partition : 0)),
    ]),
  );
  const bytes = encodeProgress({ ...record, offsets });
  expect(decodeProgress(bytes, 'shop.progress').offsets).toEqual(offsets);
  expect(bytes.length).toBeLessThan(400_000);
});
