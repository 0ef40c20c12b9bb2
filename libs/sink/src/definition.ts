import type { Change } from '@tapline/envelope';
import type { GroupField, Logger, ValueOf } from '@tapline/kernel';
import type { Sink } from './contract.ts';
import type { TableCatalog } from './tables.ts';
import type { TransactionSink } from './transactions.ts';

/** How far a writer is, all of its members together. */
export interface WriterProgress {
  /** Whether the writer takes changes from the topic. */
  consumes(topic: string): boolean;
  /** The offset of each partition, by topic, below which everything is settled, as far as it is committed. Costs a request. @throws TaplineError KAFKA_*. */
  settledBelow(signal: AbortSignal): Promise<ReadonlyMap<string, readonly number[]>>;
}

/** What a writer knows of the order that changes come in. */
export interface PartitionOrder {
  /** How many partitions a topic has: with another number of them keys have moved. @throws TaplineError KAFKA_*. */
  partitionsOf(topic: string, signal: AbortSignal): Promise<number>;
}

/** What the writer gives to a sink when it opens it. */
export interface SinkContext {
  /** Name of the writer: what the store keeps for one writer only goes by it. */
  readonly name: string;
  readonly log: Logger;
  /** Ends the opening. */
  readonly signal: AbortSignal;
  /** What the tables behind the topics are. */
  readonly tables: TableCatalog;
  /** Absent: nobody knows, as the changes come from no consumer group. */
  readonly progress?: WriterProgress;
  /**
   * Present: a change comes with its place, when all in front of it in its partition are settled and none was parked; its version is greater than theirs, and a row
   * comes through one partition as long as the topic has as many as it had. So how far a partition is applied says it of all of its rows.
   */
  readonly order?: PartitionOrder;
}

/** A second target beside the live one, and the exchange of both: what `tapline replay --into` needs of a kind of sink. */
export interface Beside<G extends GroupField = GroupField> {
  /** The configuration that fills the second target. @throws TaplineError CONFIG_INVALID: it cannot have this name; REPLAY_INTO: this configuration cannot have a second one. */
  config(config: ValueOf<G>, name: string): ValueOf<G>;
  /** @throws as the opening of the sink does. */
  open(config: ValueOf<G>, name: string, context: BesideContext): Promise<Exchange>;
}

/** What an exchange is opened with. */
export interface BesideContext {
  /** Name of the writer whose target is exchanged. */
  readonly writer: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Exchanges what is behind the live name in one step of the store: who reads sees the old rows or the new ones, never fewer, never both. */
export interface Exchange extends AsyncDisposable {
  /** What it will do, for people. */
  readonly text: string;
  /**
   * Before anything is written. `begun`: an earlier run of the same replay was here, so that the second target may hold something.
   * @throws TaplineError REPLAY_INTO: it holds something that nobody knows of, or the two cannot be exchanged.
   */
  prepare(begun: boolean, signal: AbortSignal): Promise<'open' | 'exchanged'>;
  /** Called while nobody writes, with all that the live target has in the second one. Gives what is where now, for people. May be called again when it failed. */
  exchange(signal: AbortSignal): Promise<readonly string[]>;
  /** The replay is over: what was left for `prepare` to know that is taken away. */
  settled(signal: AbortSignal): Promise<void>;
}

/** How a kind of sink applies whole transactions of the source. */
export interface Transactions<G extends GroupField = GroupField> {
  /** Whether this configuration asks for it; the transaction topic that it names, or '' for the source's own. undefined: it does not. */
  topic(config: ValueOf<G>): string | undefined;
  /** @throws as the opening of the sink does. */
  open(config: ValueOf<G>, context: SinkContext): Promise<TransactionSink>;
}

/** How the engine treats a kind of sink. */
export interface SinkTraits {
  /**
   * - `key`: `lanes` calls side by side, all changes of a key in one lane.
   * - `partition`: one call at a time, with the changes of each partition in the order of their offsets and nothing left out but what was filtered. For sinks
   *   that make lanes of their own. What they answer with `retry` is given again, in front of what follows.
   */
  readonly order: 'key' | 'partition';
  /** What is given to the sink at once where the configuration does not say (`batchChanges`, `batchBytes`). */
  readonly batch: {
    readonly maxChanges: number;
    readonly maxBytes: number;
    /** Keys and values held on their way to the sink, where `source.bufferBytes` does not say. */
    readonly bufferBytes: number;
  };
}

export const DEFAULT_TRAITS: SinkTraits = {
  order: 'key',
  batch: { maxChanges: 500, maxBytes: 1_048_576, bufferBytes: 1_048_576 },
};

/**
 * A kind of store, as one folder under services/writer/src/sinks declares it. `config` is what stands beside `sink.type` in the writer's
 * configuration: the type of `open`'s first argument, --help and the reference come from it. `open` imports its driver lazily, so that a
 * writer loads only the driver it uses.
 */
export interface SinkDefinition<G extends GroupField = GroupField> {
  /** `redis`: the word in `sink.type`. */
  readonly type: string;
  /** One sentence for --help and the reference. */
  readonly summary: string;
  readonly config: G;
  /** Absent: nothing like that can be done in one step of this store. */
  readonly beside?: Beside<G>;
  /** Default: DEFAULT_TRAITS. */
  readonly traits?: SinkTraits;
  /** Absent: this store has no transactions over all that a writer writes. */
  readonly transactions?: Transactions<G>;
  /** What the declaration alone cannot say: values that do not go together. Pure. @throws TaplineError CONFIG_INVALID. */
  check?(config: ValueOf<G>): void;
  /** For `tapline writer --dry-run`: what would be sent to the store for each change, in the words of its own client. Pure; opens nothing. @throws as `apply` does. */
  preview?(changes: readonly Change[], config: ValueOf<G>): readonly string[];
  /** Connects, and rejects with a TaplineError when the store is not there or the configuration cannot work on it. */
  open(config: ValueOf<G>, context: SinkContext): Promise<Sink>;
}
