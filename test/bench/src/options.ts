import type { ShapeName } from './shapes/shapes.ts';

export interface BenchOptions {
  readonly rows: number;
  readonly runs: number;
  readonly peer?: 'debezium';
  /** shapes: this one only; profile: of this one. */
  readonly shape?: ShapeName;
  /** decode: this table only. */
  readonly table?: string;
  /** profile: the file for the flame graph. */
  readonly svg?: string;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}
