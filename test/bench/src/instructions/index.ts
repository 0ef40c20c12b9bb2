import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type KafkaCluster, type MysqlServer, openStack, type StackBase } from '@tapline/test-stack';
import { record } from '../decode/record.ts';
import { DECODE_TABLES, type DecodeTable } from '../decode/tables.ts';
import type { BenchOptions } from '../options.ts';
import type { Measurement } from '../report.ts';
import { STAGES, type Stage } from './stages.ts';
import type { StageJob } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** The rest of the rows is counted: by then everything hot is compiled. */
const WARM_UP_SHARE = 1 / 2;
/** One thread, and the same seeds every time: then two runs differ by less than a percent. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--single-threaded', '--hash-seed=1', '--random-seed=1'];

const VALGRIND = [
  'valgrind',
  '--tool=cachegrind',
  '--cache-sim=no',
  '--cachegrind-out-file=/dev/null',
  '--smc-check=all-non-file',
];

type CountStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/**
 * Instructions that the processor executes for a row, stage by stage, counted by valgrind: the same on a busy machine as on a quiet one. Each stage
 * runs with all rows and with half of them, and the difference counts, so that neither start nor compilation does. Work in the kernel is not
 * counted: for the stage that sends it comes on top.
 */
export async function benchInstructions(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, table: name = 'narrow', say } = options;
  await using stack = await openStack({ mysql: true, kafka: 1 }, say);
  const of = DECODE_TABLES.find((table) => table.name === name) as DecodeTable;
  const recorded = await record(stack.mysql, of, rows);
  const recording = join(stack.folder, 'recording');
  await writeFile(recording, Buffer.concat(recorded.chunks));
  const job = { rows, table: recorded.table, start: recorded.start, recording };
  // Uncounted: the programs are translated from TypeScript once and kept.
  await runWorker(stack, { ...job, rows: 1, stage: 'publish', run: 0 }, []);
  const results: Measurement[][] = [];
  for (let run = 1; run <= runs; run++) {
    const measurements: Measurement[] = [];
    let before = 0;
    for (const stage of Object.keys(STAGES) as Stage[]) {
      say(`run ${run}: ${stage}`);
      const perRow = await countPerRow(stack, { ...job, stage, run });
      const what = `${stage}: ${STAGES[stage]}`;
      const figures = { instructionsPerRow: perRow, ofThisStage: perRow - before };
      measurements.push({ what, rows, separate: true, figures });
      before = perRow;
    }
    results.push(measurements);
  }
  return results;
}

type Job = Omit<StageJob, 'target'> & { readonly run: number };

async function countPerRow(stack: CountStack, job: Job): Promise<number> {
  const fewer = Math.ceil(job.rows * WARM_UP_SHARE);
  const few = await countInstructions(stack, { ...job, rows: fewer });
  const all = await countInstructions(stack, job);
  return (all - few) / (job.rows - fewer);
}

async function countInstructions(stack: CountStack, job: Job): Promise<number> {
  const output = await runWorker(stack, job, VALGRIND);
  const count = /I\s+refs:\s+([\d,]+)/.exec(output)?.[1];
  if (count === undefined) throw new Error(`valgrind counted nothing:\n${output.slice(-2000)}`);
  return Number(count.replaceAll(',', ''));
}

/** @returns what the worker, and what it runs `under`, have printed. */
async function runWorker(stack: CountStack, { run, ...job }: Job, under: readonly string[]): Promise<string> {
  const name = `${job.stage}-${job.rows}-${run}`;
  const file = join(stack.folder, `${name}.json`);
  const target = { brokers: stack.kafka.address.brokers, topic: `instructions-${name}` };
  await writeFile(file, JSON.stringify({ ...job, target } satisfies StageJob));
  const [command, ...args] = [...under, process.execPath, ...NODE_FLAGS, WORKER, file];
  const env = { ...process.env, NODE_COMPILE_CACHE: join(stack.folder, 'compile-cache') };
  return await outputOf(command, args, env);
}

/** @throws with the end of its output when it fails. */
async function outputOf(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString();
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error(`${command} is not there: apt-get install ${command}`) : error),
    );
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${command} ended with code ${code}:\n${output.slice(-2000)}`);
  return output;
}
