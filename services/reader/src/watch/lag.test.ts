import { expect, test } from '@jest/globals';
import { parseExecuted } from '../source/executed.ts';
import { Lag } from './lag.ts';

const UUID = '04e31c79-e4f3-11f1-85ee-02fc00000001';
const executed = (upTo: number) => parseExecuted('mysql', `${UUID}:1-${upTo}`);

test('idle: no lag, however long ago the newest transaction was; a dead stream: lag grows from the last moment at which it had everything', () => {
  const passed = executed(5);
  const lag = new Lag(passed, 30_000);
  const times = { takenMs: 10_000, commitMs: 7_000 };
  lag.answered(executed(5), 9_000);
  // Taken since the source was asked.
  expect(lag.seconds(times, 12_000)).toBe(3);
  lag.answered(executed(5), 20_000);
  expect(lag.seconds(times, 21_000)).toBe(0);
  lag.answered(executed(6), 30_000);
  expect(lag.seconds(times, 31_000)).toBe(11);
  lag.answered(executed(9), 40_000);
  expect(lag.seconds(times, 60_000)).toBe(40);
  passed.add(`${UUID}:6`, { file: '', position: 0 });
  // Everything of the moment 30,000 is passed, what has come since is not.
  lag.answered(executed(9), 61_000);
  expect(lag.seconds(times, 62_000)).toBe(32);
  for (const n of [7, 8, 9]) passed.add(`${UUID}:${n}`, { file: '', position: 0 });
  expect(lag.seconds({ takenMs: 63_000, commitMs: 40_000 }, 64_000)).toBe(23);
});

test('a source that does not answer is not taken for an idle one', () => {
  const lag = new Lag(executed(5), 30_000);
  const times = { takenMs: 10_000, commitMs: 9_999 };
  lag.answered(executed(5), 20_000);
  expect(lag.seconds(times, 50_000)).toBe(0);
  expect(lag.seconds(times, 51_000)).toBe(31);
});

test('a reader that catches up is as far behind as the newest transaction that it has passed', () => {
  const lag = new Lag(executed(5), 30_000);
  lag.answered(executed(900), 1_000_000);
  expect(lag.seconds({ takenMs: 1_000_000, commitMs: 400_000 }, 1_001_000)).toBe(601);
});
