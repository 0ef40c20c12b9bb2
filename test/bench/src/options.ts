import type { ShapeName } from './shapes/shapes.ts';

export interface BenchOptions {
  readonly rows: number;
  readonly runs: number;
  readonly peer?: 'debezium';
  /** shapes: this one only. */
  readonly shape?: ShapeName;
  /** decode: this table only. */
  readonly table?: string;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}
