import { measureDrain } from '../drain.ts';
import type { BenchOptions } from '../options.ts';
import { peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { type CatchUp, catchUp, type Logged, logRows, openShapeStack, rowsOf, type ShapeStack } from './run.ts';
import { SHAPES, type ShapeName } from './shapes.ts';

export { SHAPES, type ShapeName } from './shapes.ts';

const MIB = 2 ** 20;

/**
 * One line a kind of load, all through the same servers: rows that are in the binlog already → acknowledged in Kafka. A kind whose CPU time a
 * gigabyte and a row is far above its neighbours' is a cliff. `rows` is for the narrow shape; the others are as much longer or shorter.
 */
export async function benchShapes({ rows, runs, shape: only, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
  const names = namesOf(only);
  await using stack = await openShapeStack(say);
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
  const times = (figure: string): number =>
    (many.figures?.[figure] ?? Number.NaN) / (few.figures?.[figure] ?? Number.NaN);
  const ratios = {
    // With all tables open, in both.
    timesFewPerRow: times('openMicrosPerRow'),
    timesFewCpuPerRow: times('openReaderCpuMicrosPerRow'),
  };
  // Of a few rows the CPU time may be too short to be counted.
  const told = Object.fromEntries(Object.entries(ratios).filter(([, ratio]) => Number.isFinite(ratio)));
  return run.map((measurement) =>
    measurement === many ? { ...many, figures: { ...many.figures, ...told } } : measurement,
  );
}

/** What the first rows of all tables take, with which they are opened, and what a row takes behind them. */
function openFigures(measured: {
  readonly seconds: number;
  readonly rest: CatchUp['rest'];
  readonly rows: number;
}): Record<string, number> {
  const { seconds, rest, rows } = measured;
  return {
    openingSeconds: seconds - rest.seconds,
    openMicrosPerRow: (rest.seconds / rows) * 1e6,
    openReaderCpuMicrosPerRow: ((rest.cpuSeconds['reader'] ?? 0) / rows) * 1e6,
  };
}

async function measureShape(stack: ShapeStack, source: string, logged: Logged): Promise<Measurement> {
  const { name, rows, firstRows, start, unpackedBytes } = logged;
  const { reader, firstMs, lastMs, startupSeconds, cpuSeconds, rest } = await catchUp(stack, source, logged);
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
      ...(firstRows === 0 ? {} : openFigures({ seconds, rest, rows: rows - firstRows })),
    },
  };
}
