import { expect, test } from '@jest/globals';
import { type BenchResult, median, percentile, resultJson, resultTable } from './report.ts';

const result: BenchResult = {
  bench: 'catchup',
  machine: { processors: 2, loadBefore: 0.5, node: 'v24.0.0' },
  startedAt: '2026-01-01T00:00:00.000Z',
  runs: [100, 300, 200].map((rate) => [
    { what: 'tapline', rows: 1000, seconds: 1000 / rate, cpuSeconds: { reader: rate / 1000 }, peakRssMib: rate },
    { what: 'socket undecoded', rows: 1000, seconds: 1, figures: { mibPerSecond: rate } },
  ]),
};

test('the table shows medians, and Tapline as a share of each limit', () => {
  const [title, tapline, limit] = resultTable(result).split('\n');
  expect(title).toBe('catchup: medians of 3 runs, 2 processors, load before 0.5, Node v24.0.0');
  expect(tapline).toMatch(/tapline +200 rows\/s +CPU s per million: reader 200.00 +peak RSS 200 MiB$/);
  expect(limit).toMatch(/socket undecoded +1,000 rows\/s +\(Tapline: 20 %\) +mibPerSecond 200$/);
});

test('the JSON holds every run with its rate', () => {
  const runs = (
    JSON.parse(resultJson(result)) as { runs: { rowsPerSecond: number; cpuSecondsPerMillionRows: object }[][] }
  ).runs;
  expect(runs.map(([tapline]) => tapline?.rowsPerSecond)).toEqual([100, 300, 200]);
  expect(runs[0]?.[0]?.cpuSecondsPerMillionRows).toEqual({ reader: 100 });
});

test('median and percentiles', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5]);
  const samples = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([percentile(samples, 0.5), percentile(samples, 0.99), percentile([7], 0.99)]).toEqual([50, 99, 7]);
});
