/**
 * Places in the work where it matters whether a process dies before or after. They do nothing but call the listener, if a test has set one; nothing
 * in a running service reads an environment variable or a file to set it. test/chaos loads a module with `node --import` that does.
 */
export const KILL_POINTS = [
  /** Batches are sealed, their request is not written. */
  'before-send',
  /** The request is with the operating system. */
  'after-send',
  /** The broker has answered, and nobody has looked at the answer. */
  'after-ack',
  /** Everything below a progress record is acknowledged, the record is not sent. */
  'before-progress',
  /** The progress record is durable. */
  'after-progress',
  /** A new life has shut the earlier ones out of their topics, and no progress record says so. */
  'fenced',
  /** Between two rows events of a transaction. */
  'mid-transaction',
  /** A statement has altered tables, and no record of the schema history says so. */
  'before-schema',
  /** The record is acknowledged, and no row behind the statement is published. */
  'after-schema',
  /** The topics of new tables are made, and no progress record knows of them. */
  'topic-created',
  /** Between two rows of a chunk of the first load or a reload. */
  'mid-chunk',
  /** The source has committed an anchor, and the stream has not passed it. */
  'after-anchor',
] as const;

export type KillPoint = (typeof KILL_POINTS)[number];

let listener: ((point: KillPoint) => void) | undefined;

/** Marks the point. Not on paths of single rows of the stream. */
export function killPoint(point: KillPoint): void {
  listener?.(point);
}

/** Only for tests: `hit` is called at every passage of a point. */
export function onKillPoint(hit: (point: KillPoint) => void): void {
  listener = hit;
}
