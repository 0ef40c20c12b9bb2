import { expect, test } from '@jest/globals';
import { type BenchName, DECODE_TABLES, resultJson, resultTable, runBench, SHAPES } from './index.ts';

// The short forms: that each bench runs to its end and measures every thing it names. The figures mean nothing.
test.each<[BenchName, string[]]>([
  ['catchup', ['tapline reader', 'binlog from the socket, undecoded', "Kafka's producer tool, same bytes"]],
  ['shapes', Object.keys(SHAPES)],
  [
    'decode',
    DECODE_TABLES.flatMap(({ name }) =>
      name === 'narrow'
        ? ['narrow rows → Avro', 'a plain pass over the same bytes', 'zongji, from the socket to objects']
        : [`${name} rows → Avro`],
    ),
  ],
  ['profile', ['reader, narrow rows']],
  ['latency', ['commit → Kafka consumer', 'a record → Kafka consumer', 'commit → Redis']],
  ['produce', ['tapline producer', "Kafka's producer tool, same bytes"]],
  ['apply', ['tapline writer → redis', 'the same commands on a raw socket', 'plain HSETs on a raw socket']],
  ['memory', ['reader, one transaction']],
])('bench %s', async (name, measured) => {
  const result = await runBench(name, { short: true });
  expect(result.runs.map((run) => run.map(({ what }) => what))).toEqual([measured]);
  for (const measurement of result.runs.flat()) {
    const figures = [measurement.seconds ?? 1, ...Object.values(measurement.figures ?? {})];
    expect(figures.every((figure) => Number.isFinite(figure) && figure >= 0)).toBe(true);
  }
  expect(JSON.parse(resultJson(result))).toMatchObject({ bench: name });
  expect(resultTable(result).split('\n')).toHaveLength(measured.length + 1);
});

test('bench latency at half of the maximum', async () => {
  const { runs } = await runBench('latency', { short: true, half: true });
  expect(runs.map((run) => run.map(({ what }) => what))).toEqual([['commit → Kafka consumer, half rate']]);
  expect(Object.values(runs[0]?.[0]?.figures ?? {}).every((figure) => figure >= 0)).toBe(true);
});
