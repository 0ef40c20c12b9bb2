import type { KafkaCluster, ManagedProcess, RegistryAddress, StackBase } from '@tapline/test-stack';
import type { Measurement } from '../report.ts';

export type ApplyStack = StackBase & { readonly kafka: KafkaCluster };

/** What is measured: these rows of this topic, for the n-th time. */
export interface ApplyRun {
  readonly rows: number;
  readonly topic: string;
  /** From 1 on; 0 is the run before, which warms the store up and whose figures are dropped. */
  readonly run: number;
  /** The server that has the topic's schemas, where that is one. */
  readonly registry: RegistryAddress | undefined;
  /** Somebody else's sink is measured beside, where there is one. */
  readonly peer: 'debezium' | undefined;
}

/** A process that consumes the topic as this group. */
export interface Consumer {
  readonly process: ManagedProcess;
  readonly group: string;
}

/** A store that a writer is measured into, started. */
export interface OpenStore extends AsyncDisposable {
  readonly process: ManagedProcess;
  /** This part of a run's rows is not counted, neither of the writer nor of the limits: the writer's process has just begun, and the place is small. Default: none. */
  readonly uncountedShare?: number;
  /** Of the writer's configuration under `source`, what differs from the default. */
  readonly source?: Readonly<Record<string, unknown>>;
  /** The writer's configuration under `sink`, for a place of this run that is empty. */
  sink(run: ApplyRun): Promise<Readonly<Record<string, unknown>>>;
  /** Throws when the store does not hold just the rows. */
  check(run: ApplyRun): Promise<void>;
  /** What the store takes from the simplest client there can be, each into an empty place. */
  limits(run: ApplyRun): Promise<Measurement[]>;
  /** In place of a counted run's writer and limits: both, by turns. The writer is not launched yet, and stopped at the end. */
  inTurns?(run: ApplyRun, writer: Consumer): Promise<Measurement[]>;
}

export type OpenApplyStore = (stack: ApplyStack) => Promise<OpenStore>;
