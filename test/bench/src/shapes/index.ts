import { measureDrain } from '../drain.ts';
import type { BenchOptions } from '../options.ts';
import { peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import {
  catchUp,
  type Logged,
  logRows,
  type MeasuredPart,
  makeTables,
  openShapeStack,
  rowsOf,
  type ShapeStack,
} from './run.ts';
import { SHAPES, type ShapeName } from './shapes.ts';
import { measureSpreadLimit } from './spread-limit.ts';

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
    await makeTables(stack, name, shaped);
    let logged: Logged | undefined;
    for (const [run, measurements] of results.entries()) {
      say(`${name}: run ${run + 1}`);
      if (logged === undefined || logged.parts.length > 1) logged = await logRows(stack, name, shaped);
      const source = `${name}-${run + 1}`;
      const measurement = await measureShape(stack, source, logged);
      measurements.push(measurement);
      if (only !== 'many' || name !== 'many') continue;
      say("many: Kafka's own client");
      const spread = logged.parts.find((part) => part.name === 'open')?.rows ?? 0;
      measurements.push(await measureSpreadLimit(stack, `${source}.${logged.database}.t`, spread));
    }
  }
  return results.map(withRatio);
}

/** What many tables cost is told beside the same rows in one table, and beside what many topics cost Kafka's own client. */
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
    // With all tables open and the code warm, in both.
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

function openingFigures(part: MeasuredPart): Record<string, number> {
  const { reader = 0, broker = 0 } = part.cpuSeconds;
  return { openingSeconds: secondsOf(part), openingReaderCpuSeconds: reader, openingBrokerCpuSeconds: broker };
}

function rowFigures(part: MeasuredPart): Record<string, number> {
  const { name, rows } = part;
  const micros = (of: number): number => (of / rows) * 1e6;
  const { reader = 0, broker = 0 } = part.cpuSeconds;
  return {
    [`${name}MicrosPerRow`]: micros(secondsOf(part)),
    [`${name}ReaderCpuMicrosPerRow`]: micros(reader),
    [`${name}BrokerCpuMicrosPerRow`]: micros(broker),
  };
}

const secondsOf = ({ firstMs, lastMs }: MeasuredPart): number => (lastMs - firstMs) / 1000;

function cpuOf(parts: readonly MeasuredPart[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { cpuSeconds } of parts) {
    for (const [name, seconds] of Object.entries(cpuSeconds)) sums[name] = (sums[name] ?? 0) + seconds;
  }
  return sums;
}

async function measureShape(stack: ShapeStack, source: string, logged: Logged): Promise<Measurement> {
  const { name, start, unpackedBytes } = logged;
  const { reader, startupSeconds, parts } = await catchUp(stack, source, logged);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const seconds = parts.reduce((sum, part) => sum + secondsOf(part), 0);
  const cpuSeconds = cpuOf(parts);
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
