import { measureDrain } from '../drain.ts';
import type { BenchOptions } from '../options.ts';
import { peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { catchUp, type Logged, logRows, type MeasuredPart, openShapeStack, rowsOf, type ShapeStack } from './run.ts';
import { SHAPES, type ShapeName } from './shapes.ts';

export { SHAPES, type ShapeName } from './shapes.ts';

const MIB = 2 ** 20;

/**
 * One line a kind of load, all through the same servers: rows that are in the binlog already → acknowledged in Kafka. A kind whose CPU time a
 * gigabyte and a row is far above its neighbours' is a cliff. `rows` is for the narrow shape; the others are as much longer or shorter.
 */
export async function benchShapes({
  rows,
  runs,
  shape: only,
  forSpeed,
  say,
}: BenchOptions): Promise<(readonly Measurement[])[]> {
  const names = namesOf(only);
  await using stack = await openShapeStack({ forSpeed, say });
  const results: Measurement[][] = Array.from({ length: runs }, () => []);
  for (const name of names) {
    const shaped = rowsOf(name, rows);
    say(`${name}: loading ${shaped} rows`);
    const logged = await logRows(stack, name, shaped);
    for (const [run, measurements] of results.entries()) {
      say(`${name}: run ${run + 1}`);
      measurements.push(await measureShape(stack, `${name}-${run + 1}`, logged));
    }
  }
  return results.map(withRatio);
}

/** What many tables cost is told beside the same rows in one table. */
function namesOf(only: ShapeName | undefined): readonly ShapeName[] {
  if (only === undefined) return Object.keys(SHAPES) as ShapeName[];
  return only === 'many' ? ['few', 'many'] : [only];
}

function withRatio(run: readonly Measurement[]): readonly Measurement[] {
  const [few, many] = (['few', 'many'] as const).map((name) => run.find(({ what }) => what === name));
  if (few === undefined || many === undefined) return run;
  const times = (of: string, figure: string): number =>
    (many.figures?.[of] ?? Number.NaN) / (few.figures?.[figure] ?? Number.NaN);
  const ratios = {
    // With all tables open, in both.
    timesFewPerRow: times('openMicrosPerRow', 'openMicrosPerRow'),
    timesFewCpuPerRow: times('openReaderCpuMicrosPerRow', 'openReaderCpuMicrosPerRow'),
    oneTimesFewPerRow: times('oneMicrosPerRow', 'openMicrosPerRow'),
    oneTimesFewCpuPerRow: times('oneReaderCpuMicrosPerRow', 'openReaderCpuMicrosPerRow'),
  };
  // Of a few rows the CPU time may be too short to be counted.
  const told = Object.fromEntries(Object.entries(ratios).filter(([, ratio]) => Number.isFinite(ratio)));
  return run.map((measurement) =>
    measurement === many ? { ...many, figures: { ...many.figures, ...told } } : measurement,
  );
}

/** What it takes to open all tables, and what a row takes behind that. Nothing where there is one part only. */
function partFigures(parts: readonly MeasuredPart[]): Record<string, number> {
  if (parts.length === 1) return {};
  return Object.fromEntries(
    parts.flatMap((part) => Object.entries(part.name === 'opening' ? openingFigures(part) : rowFigures(part))),
  );
}

function openingFigures({ seconds, cpuSeconds }: MeasuredPart): Record<string, number> {
  const { reader = 0, broker = 0 } = cpuSeconds;
  return { openingSeconds: seconds, openingReaderCpuSeconds: reader, openingBrokerCpuSeconds: broker };
}

function rowFigures({ name, rows, seconds, cpuSeconds }: MeasuredPart): Record<string, number> {
  const micros = (of: number): number => (of / rows) * 1e6;
  const { reader = 0, broker = 0 } = cpuSeconds;
  return {
    [`${name}MicrosPerRow`]: micros(seconds),
    [`${name}ReaderCpuMicrosPerRow`]: micros(reader),
    [`${name}BrokerCpuMicrosPerRow`]: micros(broker),
  };
}

async function measureShape(stack: ShapeStack, source: string, logged: Logged): Promise<Measurement> {
  const { name, rows, start, unpackedBytes } = logged;
  const { reader, firstMs, lastMs, startupSeconds, cpuSeconds, parts } = await catchUp(stack, source, logged);
  const seconds = (lastMs - firstMs) / 1000;
  const peak = peakRssMib(reader.pid);
  await reader.stop();
  const drain = await measureDrain(stack.mysql, start, rows);
  const mib = (drain.seconds ?? 0) * (drain.figures?.['mibPerSecond'] ?? 0);
  const perGib = (cpu: number | undefined): number => ((cpu ?? 0) / mib) * 1024;
  return {
    what: name,
    rows,
    separate: true,
    seconds,
    cpuSeconds,
    peakRssMib: peak,
    figures: {
      mib,
      ...(unpackedBytes === undefined ? {} : { unpackedMib: unpackedBytes / MIB }),
      mibPerSecond: mib / seconds,
      readerCpuPerGib: perGib(cpuSeconds['reader']),
      drainMibPerSecond: drain.figures?.['mibPerSecond'] ?? 0,
      drainCpuPerGib: perGib(drain.cpuSeconds?.['client']),
      startupSeconds,
      ...partFigures(parts),
    },
  };
}
