import { type ApplyStoreName, benchApply } from './apply/index.ts';
import { benchCatchup } from './catchup.ts';
import { benchDecode } from './decode/decode.ts';
import { benchInstructions } from './instructions/index.ts';
import { benchHalfRate } from './latency/half-rate.ts';
import { benchLatency } from './latency/latency.ts';
import { benchMemory } from './memory.ts';
import type { BenchOptions } from './options.ts';
import { benchProduce } from './produce.ts';
import { benchProfile } from './profile/index.ts';
import { type BenchResult, type Measurement, machine } from './report.ts';
import type { FormatName } from './services.ts';
import { benchShapes, type ShapeName } from './shapes/index.ts';

export { APPLY_STORES, type ApplyStoreName } from './apply/index.ts';
export { DECODE_TABLES } from './decode/tables.ts';
export { type BenchResult, type Measurement, resultJson, resultTable } from './report.ts';
export { FORMATS, type FormatName } from './services.ts';
export { SHAPES, type ShapeName } from './shapes/index.ts';

interface Bench {
  readonly summary: string;
  /** Rows when the caller does not say, and rows of the short form that only shows that the bench works. */
  readonly rows: number;
  readonly shortRows: number;
  readonly run: (options: BenchOptions) => Promise<(readonly Measurement[])[]>;
}

export const BENCHES = {
  catchup: {
    summary: 'rows in the binlog already → acknowledged in Kafka',
    rows: 1_000_000,
    shortRows: 5000,
    run: benchCatchup,
  },
  shapes: {
    summary:
      'the same for wide rows, updates, LOBs, JSON, compressed and small transactions, and 10,000 tables, a line each',
    rows: 1_000_000,
    shortRows: 2000,
    run: benchShapes,
  },
  decode: {
    summary: 'binlog bytes in memory → Avro in memory, for eight kinds of tables; beside it zongji and a plain pass',
    rows: 1_000_000,
    shortRows: 5000,
    run: benchDecode,
  },
  profile: {
    summary: "where the reader's CPU time goes in a catch-up, as percentages and as a flame graph",
    rows: 1_000_000,
    shortRows: 20_000,
    run: benchProfile,
  },
  instructions: {
    summary: 'instructions of the processor for a row, stage by stage, counted by valgrind: for a noisy machine',
    rows: 400_000,
    shortRows: 6000,
    run: benchInstructions,
  },
  latency: {
    summary: 'commit → Kafka consumer and → Redis, at 1,000 rows/s',
    rows: 30_000,
    shortRows: 1000,
    run: (options) => (options.half === true ? benchHalfRate(options) : benchLatency(options)),
  },
  produce: {
    summary: 'records of 250 bytes in memory → acknowledged in Kafka, by the producer alone',
    rows: 1_000_000,
    shortRows: 20_000,
    run: benchProduce,
  },
  apply: {
    summary: 'rows in a topic already → a store (--sink), beside what the store takes by itself',
    rows: 300_000,
    shortRows: 2000,
    run: benchApply,
  },
  memory: {
    summary: 'the reader through one transaction of so many rows',
    rows: 1_000_000,
    shortRows: 20_000,
    run: benchMemory,
  },
} as const satisfies Record<string, Bench>;

export type BenchName = keyof typeof BENCHES;

export interface RunBenchOptions {
  readonly rows?: number;
  readonly runs?: number;
  /** Also runs this beside Tapline; `catchup` and `apply` into MySQL have it. */
  readonly peer?: 'debezium';
  /** `catchup`, `apply`: what the reader writes; Avro without it. */
  readonly format?: FormatName;
  /** Only this one of `shapes`; the one to `profile`. */
  readonly shape?: ShapeName;
  /** Only `latency`: rows a second; or half of the rate that the whole chain sustains. */
  readonly rate?: number;
  readonly half?: boolean;
  /** `apply`: into this store; Redis without it. */
  readonly sink?: ApplyStoreName;
  /** Only this one of the tables of `decode`. */
  readonly table?: string;
  /** The file for the flame graph of `profile`; none without it. */
  readonly svg?: string;
  /** `memory`: with the transaction compressed in the binlog. */
  readonly compressed?: boolean;
  /** `memory`: with Kafka taking no more than so many MiB a second. */
  readonly throttleMib?: number;
  /** A few seconds, figures without meaning. */
  readonly short?: boolean;
  readonly say?: (line: string) => void;
}

/** Runs one bench on servers of its own. */
export async function runBench(name: BenchName, options: RunBenchOptions = {}): Promise<BenchResult> {
  const bench: Bench = BENCHES[name];
  const startedAt = new Date().toISOString();
  const on = machine();
  const { short = false, ...given } = options;
  const runs = await bench.run({
    runs: 1,
    say: () => undefined,
    forSpeed: !short,
    ...given,
    rows: options.rows ?? (short ? bench.shortRows : bench.rows),
  });
  return { bench: name, runs, machine: on, startedAt };
}
