import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BenchOptions } from '../options.ts';
import type { Measurement } from '../report.ts';
import { catchUp, logRows, type MeasuredPart, makeTables, openShapeStack, rowsOf } from '../shapes/run.ts';
import { type CpuProfile, type Frame, foldProfile, selfTimes, sharesByOrigin } from './fold.ts';
import { flameGraph } from './svg.ts';

const INTERVAL_MICROS = 500;
/** Functions named by their own time. */
const TOP = 25;

/** The reader under V8's sampling profiler through a catch-up: where its CPU time goes, from the first record to the last one; of a shape with parts, through rows of tables that are open. */
export async function benchProfile(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, shape = 'narrow', svg, forSpeed, say } = options;
  await using stack = await openShapeStack({ forSpeed, say });
  await makeTables(stack, shape, rowsOf(shape, rows));
  const results: Measurement[][] = [];
  for (let run = 1; run <= runs; run++) {
    const folder = join(stack.folder, `profile-${run}`);
    await mkdir(folder);
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_MICROS}`];
    const logged = await logRows(stack, shape, rowsOf(shape, rows));
    const { reader, parts } = await catchUp(stack, `profile-${run}`, logged, flags);
    // The profile is written at the end of the process.
    await reader.stop();
    const part = parts.find(({ name }) => name === 'open') as MeasuredPart;
    const { firstMs, lastMs, cpuSeconds } = part;
    const root = foldProfile(await readProfile(folder), {
      fromMicros: monotonic(firstMs),
      toMicros: monotonic(lastMs),
    });
    const what = `reader, ${shape} rows`;
    const seconds = (lastMs - firstMs) / 1000;
    if (svg !== undefined && run === 1) {
      await mkdir(dirname(svg), { recursive: true });
      await writeFile(
        svg,
        flameGraph(root, `${what}: ${part.rows.toLocaleString('en')} rows in ${seconds.toFixed(1)} s`),
      );
    }
    for (const line of topFunctions(root)) say(line);
    results.push([{ what, rows: part.rows, seconds, cpuSeconds, figures: percentages(root) }]);
  }
  return results;
}

/** performance.now() of this process → microseconds on the system's monotonic clock, which V8 stamps its samples with. */
function monotonic(ms: number): number {
  return Number(process.hrtime.bigint() / 1000n) - (performance.now() - ms) * 1000;
}

/** The main thread's profile: the one with the most samples. */
async function readProfile(folder: string): Promise<CpuProfile> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'));
  const profiles = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile),
  );
  const [first] = profiles.toSorted((a, b) => b.samples.length - a.samples.length);
  if (first === undefined) throw new Error(`node wrote no profile into ${folder}`);
  return first;
}

function topFunctions(root: Frame): string[] {
  return selfTimes(root)
    .slice(0, TOP)
    .map(
      ({ frame, micros }) =>
        `  ${((micros / root.totalMicros) * 100).toFixed(1).padStart(5)} %  ${frame.name}  ${frame.place === '' ? frame.from : frame.place}`,
    );
}

/** By where the functions are from, `libs/binlog` as `binlogPercent`. */
function percentages(root: Frame): Record<string, number> {
  const figures: Record<string, number> = {};
  for (const [from, share] of sharesByOrigin(root)) {
    const name = from === 'garbage collector' ? 'garbageCollector' : (from.split('/').at(-1) as string);
    figures[`${name}Percent`] = share * 100;
  }
  return figures;
}
