import type { GroupField, Logger, ValueOf } from '@tapline/kernel';
import type { Sink } from './contract.ts';

/** What the writer gives to a sink when it opens it. */
export interface SinkContext {
  readonly log: Logger;
  /** Ends the opening. */
  readonly signal: AbortSignal;
}

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
  /** What the declaration alone cannot say: values that do not go together. Pure. @throws TaplineError CONFIG_INVALID. */
  check?(config: ValueOf<G>): void;
  /** Connects, and rejects with a TaplineError when the store is not there or the configuration cannot work on it. */
  open(config: ValueOf<G>, context: SinkContext): Promise<Sink>;
}
