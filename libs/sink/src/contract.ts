import type { Change } from '@tapline/envelope';
import type { TopicPartition } from '@tapline/kafka';
import type { TaplineError } from '@tapline/kernel';

/**
 * What a sink did with one change.
 * - `applied`: the store now shows it.
 * - `stale`: the store already holds this version of the row or a newer one; nothing was written. As good as applied.
 * - `retry`: not applied now, the same change may succeed later (store down, full, read-only).
 * - `wait`: not applied now, and not the store's fault: changes of other partitions must be settled first. The partition is set aside with all that follows it, and
 *   the others go on, whatever order the sink wants.
 * - `poison`: not applied and never will be as it is (the key holds another kind of value, a value the store refuses).
 */
export type Verdict = 'applied' | 'stale' | 'retry' | 'wait' | 'poison';

export interface ApplyResult {
  /** One verdict a change, in the order of the changes given. */
  readonly verdicts: readonly Verdict[];
  /** Why, by index of the change: present for each `retry`, `wait` and `poison`. */
  readonly errors: ReadonlyMap<number, TaplineError>;
}

/** Where a change stands in its topic. */
export interface Place extends TopicPartition {
  readonly offset: number;
}

/** Where the changes of a call come from, made only for who asks. Changes of one record have one place. */
export interface Places {
  at(index: number): Place;
}

/**
 * One open connection (or pool) to a store.
 *
 * Order: `changes` may hold several changes of one key; they are in order and must take effect in that order. One call's changes of a key are
 * settled before the engine hands out the key's next change, but calls for *different* keys may be open at the same time.
 *
 * Versions: a change whose version is not greater than the version the store holds for the row is `stale`, also when the row was deleted (a
 * delete leaves its version behind). The comparison and the write are one atomic step of the store, or the store itself shows the newest version in
 * whatever order they are written, so that two writers, or one writer that replays, can never take a row back, not even for a moment. With that, giving a
 * change again is always safe.
 *
 * Errors: `apply` rejects only for what no single change is to blame for and no waiting mends (wrong password, missing permission): a
 * TaplineError with disposition `fatal`; or with the signal's reason when `signal` is aborted. Changes that were sent by then may or may not be applied.
 */
export interface Sink extends AsyncDisposable {
  apply(changes: readonly Change[], signal: AbortSignal, places?: Places): Promise<ApplyResult>;
  /**
   * The partitions are this member's from now on, and their changes come from the committed offsets on: another member may have written since it had them last.
   * No call is open. What it rejects with stops the writer.
   */
  assigned?(partitions: readonly TopicPartition[], signal: AbortSignal): Promise<void>;
  /** For doctor and the readiness check: resolves when the store answers and may be written to, rejects with a TaplineError otherwise. */
  check?(signal: AbortSignal): Promise<void>;
}

/** The result of a call in which nothing failed; sinks share it to keep the hot path free of allocations per change. */
export function allApplied(count: number): ApplyResult {
  return { verdicts: new Array<Verdict>(count).fill('applied'), errors: NO_ERRORS };
}

/** Every change of a call failed for the same reason, for example because the connection is gone. */
export function allRetry(count: number, error: TaplineError): ApplyResult {
  const errors = new Map<number, TaplineError>();
  for (let index = 0; index < count; index++) errors.set(index, error);
  return { verdicts: new Array<Verdict>(count).fill('retry'), errors };
}

const NO_ERRORS: ReadonlyMap<number, TaplineError> = new Map();
