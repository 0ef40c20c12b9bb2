import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { replayStart } from './start.ts';

const NOW = Date.UTC(2026, 1, 28, 12);

function offsets(text: string): unknown {
  const start = replayStart(text, NOW);
  if (start.at !== 'offsets') throw new Error(start.at);
  return Object.fromEntries([...start.offsets].map(([topic, partitions]) => [topic, Object.fromEntries(partitions)]));
}

test('earliest, times and how long ago', () => {
  expect(replayStart('earliest', NOW)).toEqual({ at: 'earliest' });
  const at = (text: string): unknown => {
    const start = replayStart(text, NOW);
    return start.at === 'time' ? new Date(start.ms).toISOString() : start;
  };
  expect(at('2026-02-27T08:30:00Z')).toBe('2026-02-27T08:30:00.000Z');
  expect(at('2026-02-27T08:30:00.5+02:00')).toBe('2026-02-27T06:30:00.500Z');
  expect(at('2026-02-27 08:30Z')).toBe('2026-02-27T08:30:00.000Z');
  expect(at('2026-02-27')).toBe('2026-02-27T00:00:00.000Z');
  expect(at('90m')).toBe('2026-02-28T10:30:00.000Z');
  expect(at('1.5h')).toBe('2026-02-28T10:30:00.000Z');
  expect(at('7d')).toBe('2026-02-21T12:00:00.000Z');
});

test('GTIDs and sets of them', () => {
  const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  for (const gtid of [
    `${uuid}:23`,
    `${uuid}:1-5:7,4e11fa47-71ca-11e1-9e33-c80aa9429562:1-3`,
    '0-1-4711',
    '0-1-2,1-1-9',
  ])
    expect(replayStart(gtid, NOW)).toEqual({ at: 'gtid', gtid });
  expect(() => replayStart(`${uuid}:0`, NOW)).toThrow(expect.objectContaining({ code: 'SOURCE_GTID_INVALID' }));
});

test('offsets by topic and partition, also from a file', () => {
  expect(offsets('shop.a.b:0:12,shop.a.b:3:0, shop.a.c:0:9007199254740993')).toEqual({
    'shop.a.b': { 0: 12n, 3: 0n },
    'shop.a.c': { 0: 9007199254740993n },
  });
  const folder = mkdtempSync(join(tmpdir(), 'tapline-start-'));
  try {
    const file = join(folder, 'offsets');
    writeFileSync(file, 'shop.a.b:0:12\nshop.a.b:1:7\n');
    expect(offsets(`@${file}`)).toEqual({ 'shop.a.b': { 0: 12n, 1: 7n } });
    writeFileSync(file, 'shop.a.b:0\n');
    expect(() => offsets(`@${file}`)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    writeFileSync(file, '\n');
    expect(() => offsets(`@${file}`)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(() => offsets(`@${folder}`)).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
  expect(() => offsets('a.b:0:1,a.b:0:2')).toThrow(/twice/);
});

// A time without a zone would be another one on every machine.
test.each(['', 'latest', '2026-02-27T08:30:00', '2026-02-30x', '2 hours', 'a.b:0', 'a.b:0:-1', '12'])(
  'what is no place is refused: %j',
  (text) => {
    expect(() => replayStart(text, NOW)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  },
);
