// The process whose instructions are counted: `node worker.ts FILE` with a StageJob as JSON in FILE.
import { readFile } from 'node:fs/promises';
import type { Table } from '@tapline/schema';
import type { BinlogEnd } from '../rows.ts';
import { runStage, type Stage, type StageTarget } from './stages.ts';

export interface StageJob {
  readonly stage: Stage;
  readonly rows: number;
  readonly table: Table;
  readonly start: BinlogEnd;
  /** The file with the recorded bytes. */
  readonly recording: string;
  readonly target: StageTarget;
}

/** As a socket gives them. */
const CHUNK_BYTES = 64 * 1024;

const job = JSON.parse(await readFile(process.argv[2] as string, 'utf8')) as StageJob;
const bytes = await readFile(job.recording);
const chunks = [];
for (let at = 0; at < bytes.length; at += CHUNK_BYTES) chunks.push(bytes.subarray(at, at + CHUNK_BYTES));
const { rows, table, start } = job;
await runStage(
  job.stage,
  { rows, table, start, bytes: bytes.length, chunks, file: start.file, checksums: true },
  job.target,
);
