import { availableParallelism } from 'node:os';
import { machineLoad } from './processes.ts';

/** One measured thing: Tapline itself, a limit beside it, or a peer. */
export interface Measurement {
  readonly what: string;
  readonly rows: number;
  /** Something else than the first line of its run, not a limit of it: the table does not set them against each other. */
  readonly separate?: boolean;
  /** Of the measured part, seconds; absent where only latencies are measured. */
  readonly seconds?: number;
  /** CPU seconds of each process meanwhile. */
  readonly cpuSeconds?: Readonly<Record<string, number>>;
  readonly peakRssMib?: number;
  /** Further figures, each with its unit in its name. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface BenchResult {
  readonly bench: string;
  /** One list a run. */
  readonly runs: readonly (readonly Measurement[])[];
  readonly machine: { readonly processors: number; readonly loadBefore: number; readonly node: string };
  readonly startedAt: string;
}

export function machine(): BenchResult['machine'] {
  return { processors: availableParallelism(), loadBefore: machineLoad(), node: process.version };
}

export function rowsPerSecond({ rows, seconds }: Measurement): number | undefined {
  return seconds === undefined || seconds === 0 ? undefined : rows / seconds;
}

/** CPU seconds per million rows of each process. */
export function cpuPerMillion({ rows, cpuSeconds }: Measurement): Record<string, number> {
  return Object.fromEntries(Object.entries(cpuSeconds ?? {}).map(([name, seconds]) => [name, (seconds / rows) * 1e6]));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Value at a share (0 to 1) of the samples, by nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** The JSON that `--json` prints: the runs as they were, with the rates worked out. */
export function resultJson(result: BenchResult): string {
  const runs = result.runs.map((run) =>
    run.map((measurement) => ({
      ...measurement,
      rowsPerSecond: rowsPerSecond(measurement),
      cpuSecondsPerMillionRows: cpuPerMillion(measurement),
    })),
  );
  return JSON.stringify({ ...result, runs }, (_, value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toFixed(3)) : value,
  );
}

/** A table for people: medians over the runs. */
export function resultTable(result: BenchResult): string {
  const { bench, runs, machine: on } = result;
  const lines = [
    `${bench}: ${runs.length === 1 ? '1 run' : `medians of ${runs.length} runs`}, ${on.processors} processors, load before ${on.loadBefore}, Node ${on.node}`,
  ];
  const names = (runs[0] ?? []).map(({ what }) => what);
  const first = medianOf(runs, names[0] ?? '', rowsPerSecond);
  const width = Math.max(...names.map((name) => name.length));
  for (const what of names) {
    const cells = [what.padEnd(width)];
    const sample = runs.flat().find((measurement) => measurement.what === what);
    const rate = medianOf(runs, what, rowsPerSecond);
    if (rate !== undefined) {
      cells.push(`${Math.round(rate).toLocaleString('en')} rows/s`.padStart(17));
      if (what !== names[0] && first !== undefined && sample?.separate !== true)
        cells.push(`(Tapline: ${Math.round((first / rate) * 100)} %)`);
    }
    const cpu = Object.keys(sample?.cpuSeconds ?? {}).map(
      (name) => `${name} ${medianOf(runs, what, (m) => cpuPerMillion(m)[name])?.toFixed(2)}`,
    );
    if (cpu.length > 0) cells.push(`CPU s per million: ${cpu.join(', ')}`);
    const rss = medianOf(runs, what, (m) => m.peakRssMib);
    if (rss !== undefined) cells.push(`peak RSS ${Math.round(rss)} MiB`);
    for (const name of Object.keys(sample?.figures ?? {}))
      cells.push(`${name} ${round(medianOf(runs, what, (m) => m.figures?.[name]))}`);
    lines.push(`  ${cells.join('  ')}`);
  }
  return lines.join('\n');
}

function round(value: number | undefined): string {
  return value === undefined ? '-' : Number(value.toFixed(2)).toString();
}

function medianOf(
  runs: readonly (readonly Measurement[])[],
  what: string,
  figure: (measurement: Measurement) => number | undefined,
): number | undefined {
  const values = runs
    .flat()
    .filter((measurement) => measurement.what === what)
    .map(figure)
    .filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}
