import { expect, test } from '@jest/globals';
import { createMetrics, type MetricTable } from './metrics.ts';

const TABLE = {
  rows: { type: 'counter', name: 'tapline_test_rows_total', doc: 'Rows.', labels: ['table'] },
  lag: { type: 'gauge', name: 'tapline_test_lag_seconds', doc: 'Lag.' },
  commit: { type: 'histogram', name: 'tapline_test_commit_seconds', doc: 'Commit.', buckets: [0.1, 1] },
} as const satisfies MetricTable;

test('a table becomes metrics, shown with the service and process metrics', async () => {
  const metrics = createMetrics('sample');
  const { rows, lag, commit } = metrics.declare(TABLE);
  rows.inc({ table: 'a.b' }, 3);
  commit.observe(0.5);
  metrics.sample(lag, () => 7);
  const text = await metrics.text();
  expect(text).toContain('# HELP tapline_test_rows_total Rows.');
  expect(text).toContain('tapline_test_rows_total{table="a.b",service="sample"} 3');
  expect(text).toContain('tapline_test_lag_seconds{service="sample"} 7');
  expect(text).toContain('tapline_test_commit_seconds_bucket{le="1",service="sample"} 1');
  expect(text).toMatch(/process_resident_memory_bytes\{service="sample"\} \d+/);
  expect(text).toContain('nodejs_eventloop_lag_seconds');
});

test('declaring a table twice gives the same metrics; two registries share nothing', async () => {
  const metrics = createMetrics('one');
  metrics.declare(TABLE).rows.inc({ table: 'x' });
  metrics.declare(TABLE).rows.inc({ table: 'x' });
  expect(await metrics.text()).toContain('{table="x",service="one"} 2');
  expect(await createMetrics('two').text()).not.toContain('tapline_test');
});

test('parts of a service are told apart by labels, and each metric stands once on the page', async () => {
  const metrics = createMetrics('many');
  const table = {
    seen: { type: 'counter', name: 'seen_total', doc: 'Seen.' },
    age: { type: 'gauge', name: 'age_seconds', doc: 'Age.' },
  } as const;
  for (const [source, count] of [
    ['a', 2],
    ['b', 3],
  ] as const) {
    const child = metrics.child({ source });
    const { seen, age } = child.declare(table);
    seen.inc(count);
    child.sample(age, () => count);
  }
  const lines = (await metrics.text()).split('\n');
  expect(lines.filter((line) => line.includes('seen_total'))).toEqual([
    '# HELP seen_total Seen.',
    '# TYPE seen_total counter',
    'seen_total{service="many",source="a"} 2',
    'seen_total{service="many",source="b"} 3',
  ]);
  expect(lines).toContain('age_seconds{service="many",source="b"} 3');
  expect(lines.filter((line) => line.startsWith('# TYPE process_cpu_seconds_total'))).toHaveLength(1);
});
