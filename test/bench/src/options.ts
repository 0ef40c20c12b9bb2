import type { ApplyStoreName } from './apply/index.ts';
import type { FormatName } from './services.ts';
import type { ShapeName } from './shapes/shapes.ts';

export interface BenchOptions {
  /** Whether figures mean something: servers then take the time to make their best code. */
  readonly forSpeed: boolean;
  readonly rows: number;
  readonly runs: number;
  readonly peer?: 'debezium';
  /** catchup, apply: what the reader writes; Avro without it. */
  readonly format?: FormatName;
  /** shapes: this one only; profile: of this one. */
  readonly shape?: ShapeName;
  /** apply: into this store. */
  readonly sink?: ApplyStoreName;
  /** decode: this table only. */
  readonly table?: string;
  /** profile: the file for the flame graph. */
  readonly svg?: string;
  /** memory: the transaction is compressed in the binlog. */
  readonly compressed?: boolean;
  /** memory: Kafka takes no more than this a second; none: as much as it can. */
  readonly throttleMib?: number;
  /** latency: rows a second. */
  readonly rate?: number;
  /** latency: half of the rate that the whole chain sustains. */
  readonly half?: boolean;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}
