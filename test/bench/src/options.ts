export interface BenchOptions {
  readonly rows: number;
  readonly runs: number;
  readonly peer?: 'debezium';
  /** Progress, for people. */
  readonly say: (line: string) => void;
}
