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
}

/** A store that a writer is measured into, started. */
export interface OpenStore extends AsyncDisposable {
  readonly process: ManagedProcess;
  /** This part of a run's rows is not counted, neither of the writer nor of the limits: the writer's process has just begun, and the place is small. Default: none. */
  readonly uncountedShare?: number;
  /** The limits need nothing of the writer's run: they come first in every other one, and are warmed up too, so that the store's age helps neither side. */
  readonly alternates?: boolean;
  /** The writer's configuration under `sink`, for a place of this run that is empty. */
  sink(run: ApplyRun): Promise<Readonly<Record<string, unknown>>>;
  /** Throws when the store does not hold just the rows. */
  check(run: ApplyRun): Promise<void>;
  /** What the store takes from the simplest client there can be, each into an empty place. */
  limits(run: ApplyRun): Promise<Measurement[]>;
  /** Somebody else's sink on the same topic, into an empty place, where there is one. */
  peer?(run: ApplyRun): Promise<Measurement>;
}

export type OpenApplyStore = (stack: ApplyStack) => Promise<OpenStore>;
