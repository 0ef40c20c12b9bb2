import { expect, test } from '@jest/globals';
import { headroomOf } from './headroom.ts';

const files = [
  { name: 'binlog.000007', bytes: 1000 },
  { name: 'binlog.000008', bytes: 500 },
  { name: 'binlog.000009', bytes: 300 },
];
const at = (file: string, more: object = {}) =>
  headroomOf({
    files,
    place: { file, position: 200 },
    commitMs: 1_000_000,
    retentionSeconds: 100,
    retentionBytes: 0,
    nowMs: 1_030_000,
    ...more,
  });

test('what is older than the needed file can be purged, what is behind the place is to be read', () => {
  expect(at('binlog.000008')).toEqual({
    headroomBytes: 1000,
    behindBytes: 600,
    headroomSeconds: 70,
    roomBytes: Number.POSITIVE_INFINITY,
  });
  expect(at('binlog.000007')).toMatchObject({ headroomBytes: 0, behindBytes: 1600 });
  // The list may be a little older than the place.
  expect(at('binlog.000009', { place: { file: 'binlog.000009', position: 400 } })?.behindBytes).toBe(0);
});

test('the file that is written to has its whole time before it; a file read long ago has none left', () => {
  expect(at('binlog.000009')).toMatchObject({ headroomBytes: 1500, behindBytes: 100, headroomSeconds: 100 });
  expect(at('binlog.000008', { nowMs: 2_000_000 })?.headroomSeconds).toBe(0);
  expect(at('binlog.000008', { nowMs: 900_000 })?.headroomSeconds).toBe(100);
  expect(at('binlog.000008', { retentionSeconds: 0 })?.headroomSeconds).toBe(Number.POSITIVE_INFINITY);
});

test('under a limit of size there is room for as much as the needed files leave of it', () => {
  expect(at('binlog.000008', { retentionBytes: 2000 })?.roomBytes).toBe(1200);
  expect(at('binlog.000007', { retentionBytes: 2000 })?.roomBytes).toBe(200);
  expect(at('binlog.000007', { retentionBytes: 1700 })?.roomBytes).toBe(0);
});

test('a file that the server does not have says nothing', () => {
  expect(at('binlog.000006')).toBeUndefined();
  expect(at('')).toBeUndefined();
});
