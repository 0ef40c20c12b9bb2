import { GtidSet, type PreparedEvent } from '@tapline/binlog';
import type { Executed, Tracking } from '../source/executed.ts';

interface Undecided {
  readonly gtid: string;
  readonly sinceMs: number;
}

/**
 * XA transactions that are prepared and undecided: the stream has passed them, and nothing of them is published. No progress record may claim them, or a
 * restart would not get their rows again when they are committed. A GTID set can leave them out, and the server sends just them again. A MariaDB
 * position, or a place in the files, cannot: there no record is written while one of them is open, and the newest one, from before its prepare, stays the place to resume from.
 */
export class UndecidedTransactions {
  readonly #tracking: Tracking;
  /** By XID, the oldest first. */
  readonly #transactions = new Map<string, Undecided>();

  constructor(tracking: Tracking) {
    this.#tracking = tracking;
  }

  get count(): number {
    return this.#transactions.size;
  }

  /** When the oldest one was met, ms since the epoch. */
  get oldestMs(): number | undefined {
    return this.#transactions.values().next().value?.sinceMs;
  }

  /** XIDs, the oldest first. */
  xids(atMost: number): string[] {
    return [...this.#transactions.keys()].slice(0, atMost);
  }

  /** An XID that is there already has been lost by the server in a crash: the new one takes its place. */
  add({ gtid, xid }: Pick<PreparedEvent, 'gtid' | 'xid'>, nowMs: number): void {
    this.#transactions.delete(xid);
    this.#transactions.set(xid, { gtid, sinceMs: nowMs });
  }

  decided(xid: string): void {
    this.#transactions.delete(xid);
  }

  /** No progress record may be written now. */
  get holdsProgress(): boolean {
    return this.#tracking !== 'mysql' && this.#transactions.size > 0;
  }

  /** What of all that the stream has passed a progress record may claim. */
  durable(passed: Executed): string {
    if (this.#tracking !== 'mysql' || this.#transactions.size === 0) return passed.toString();
    const open = new GtidSet();
    for (const { gtid } of this.#transactions.values()) open.add(gtid);
    return GtidSet.parse(passed.toString()).subtract(open).toString();
  }
}
