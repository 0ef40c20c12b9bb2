import { expect, test } from '@jest/globals';
import { add, type JestCounts, NOTHING, totalsLine, totalsOf } from './results.ts';

const counts: JestCounts = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  success: true,
};

test('a clean run counts its tests', () => {
  expect(totalsOf(counts, 0)).toEqual({ passed: 5, failed: 0, skipped: 0 });
});

test('a file that does not load counts as a failure', () => {
  expect(totalsOf({ ...counts, numRuntimeErrorTestSuites: 2, success: false }, 1).failed).toBe(2);
});

test('a run that fails without a failed test, or writes no result, counts as a failure', () => {
  expect(totalsOf(counts, 1).failed).toBe(1);
  expect(totalsOf(counts, null).failed).toBe(1);
  expect(totalsOf({ ...counts, success: false }, 0).failed).toBe(1);
  expect(totalsOf(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('the line names skipped tests only when there are any', () => {
  expect(totalsLine(add(NOTHING, totalsOf(counts, 0)))).toBe('5 passed, 0 failed');
  const skipping = totalsOf({ ...counts, numPendingTests: 2, numTodoTests: 1 }, 0);
  expect(totalsLine(add(skipping, skipping))).toBe('10 passed, 0 failed, 6 skipped');
});
