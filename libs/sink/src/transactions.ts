import type { Change } from '@tapline/envelope';
import type { TopicPartition } from '@tapline/kafka';
import type { ApplyResult, Place, Places } from './contract.ts';

/** How far a writer is, as its store has it. */
export interface AppliedPlace {
  /** Every transaction of the source up to this version is applied. */
  readonly version: bigint;
  /** Where partitions go on, by partitionName. */
  readonly places: ReadonlyMap<string, number>;
}

/**
 * A store that takes whole transactions of the source, each in one transaction of its own, with how far the writer is in it. One call at a time.
 *
 * Errors: what may be mended by waiting is retryable, and then nothing of the open transaction is applied; its caller rolls back and begins it again. Changes that were
 * applied already, as after a COMMIT whose answer was lost, are `stale`.
 */
export interface TransactionSink extends AsyncDisposable {
  /** From now on an earlier holder of the writer's name can commit nothing any more. undefined: nothing was ever applied. */
  takeOver(signal: AbortSignal): Promise<AppliedPlace | undefined>;
  /** The partitions are this member's from now on. */
  assigned(partitions: readonly TopicPartition[]): void;
  /** Which changes of the topics of these must wait for something in front of them that is no change; undefined: none. */
  holds(changes: readonly Change[], signal: AbortSignal): Promise<((place: Place) => boolean) | undefined>;
  /** Writes changes within the open transaction, or begins it with them. Verdicts: applied, stale, and poison for one that left nothing behind. */
  write(changes: readonly Change[], places: Places, signal: AbortSignal): Promise<ApplyResult>;
  /** Notes how far the writer is, and ends the open transaction, if there is one. */
  commit(applied: AppliedPlace, signal: AbortSignal): Promise<void>;
  /** Takes back what was written since the last commit. */
  rollBack(): Promise<void>;
}
