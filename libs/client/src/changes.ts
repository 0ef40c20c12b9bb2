import type { Change, Place } from '@tapline/sink';

/** Rows by topic: `{ 'shop.shop.orders': Order; 'shop.shop.customers': Customer }`. */
export type Tables<T> = { readonly [Topic in keyof T]: object };

/**
 * One change of a row. The values of `Row` are as ChangeReader gives them: BIGINT a bigint, DECIMAL a text with all its decimals, moments as texts with the column's
 * fraction digits, NULL null. Nothing checks at run time that the topic's rows are what `Row` says.
 */
export interface RowChange<Topic extends string, Row> extends Omit<Change, 'topic' | 'key' | 'before' | 'after'> {
  readonly topic: Topic;
  /** The columns of the message key; null when the table is appended to without a key. */
  readonly key: Partial<Row> | null;
  /** null for an insert, and where the reader leaves it out. */
  readonly before: Partial<Row> | null;
  /** null for a delete and for the tombstone that follows it. Lacks what `absent` names. */
  readonly after: Row | null;
}

/** A change of any of the topics: `change.topic` tells which row it has. */
export type ChangeOf<T extends Tables<T>> = { [Topic in keyof T & string]: RowChange<Topic, T[Topic]> }[keyof T &
  string];

/** What a handler gets beside the change. */
export interface HandlerContext {
  /** Aborted when the subscription is ended without waiting. */
  readonly signal: AbortSignal;
  readonly place: Place;
}

/**
 * Called with one change at a time of a key, in their order, and with up to `concurrency` changes of different keys side by side. When it has resolved, the change
 * is done: its offset may be committed.
 */
export type Handler<T extends Tables<T>> = (change: ChangeOf<T>, context: HandlerContext) => Promise<void> | void;

/**
 * What becomes of a change whose handler failed.
 * - `retry`: it is handled again, with growing pauses and without end; no later change of its key overtakes it.
 * - `stop`: the subscription ends with the error. The change is not committed: who subscribes again begins with it.
 * - `skip`: it counts as handled, and is logged.
 */
export type Failure = 'retry' | 'stop' | 'skip';
