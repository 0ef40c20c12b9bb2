import type { PreparedEvent, XaDecision } from '@tapline/binlog';
import { type Logger, TaplineError } from '@tapline/kernel';
import { type Executed, parseExecuted, type Tracking } from '../source/executed.ts';
import { UndecidedTransactions } from './undecided.ts';

/** A prepared transaction older than this is told of, and told of again after as long a time. */
const OLD_MS = 60_000;
const TOLD_XIDS = 5;

export interface XaFacts {
  /** Prepared transactions whose outcome the binlog has not told yet. */
  readonly undecided: number;
  readonly oldestSeconds: number;
  /** The oldest ones' XIDs. */
  readonly xids: readonly string[];
  /** No progress record is written until they are decided (MariaDB, and servers without GTIDs). */
  readonly holdsProgress: boolean;
}

/** What the reader has to know of XA transactions: which are undecided, and whether the commit of an unknown one can matter. */
export class XaFollower {
  readonly #tracking: Tracking;
  readonly #passed: Executed;
  readonly #log: Logger;
  readonly #undecided: UndecidedTransactions;
  /** As of the progress record. */
  readonly from: string | null;
  #toldMs = 0;

  /** `passed`: what the stream has passed, as it grows. */
  constructor(options: { tracking: Tracking; passed: Executed; from: string | null; log: Logger }) {
    this.#tracking = options.tracking;
    this.#passed = options.passed;
    this.from = options.from;
    this.#log = options.log;
    this.#undecided = new UndecidedTransactions(options.tracking);
  }

  prepared(event: PreparedEvent, nowMs: number): void {
    // One without rows is passed like any other: its commit will be unknown to a later life, which knows that it cannot matter. Unless nobody knows.
    if (event.holdsRows || this.from === null) this.#undecided.add(event, nowMs);
  }

  decided(xid: string): void {
    this.#undecided.decided(xid);
  }

  get holdsProgress(): boolean {
    return this.#undecided.holdsProgress;
  }

  /** The GTID set or position that a progress record may claim. */
  durable(): string {
    return this.#undecided.durable(this.#passed);
  }

  /** @throws TaplineError SOURCE_XA_UNKNOWN: its rows were prepared before this reader began. */
  refuseUnknown({ outcome, preparedGtid, xid }: XaDecision, gtid: string): void {
    if (outcome === 'rollback' || preparedGtid !== undefined || this.#isKnown()) return;
    throw new TaplineError('SOURCE_XA_UNKNOWN', {
      message: `XA COMMIT of ${xid}, which was prepared before the place where this reader began: its rows are not known, nor whether they are of captured tables.`,
      place: { position: gtid },
    });
  }

  #isKnown(): boolean {
    return this.from !== null && this.#passed.includes(parseExecuted(this.#tracking, this.from));
  }

  /** Says so, once in a while, when a prepared transaction has long been undecided. */
  warnOfOld(nowMs: number): void {
    const { oldestMs } = this.#undecided;
    if (oldestMs === undefined || nowMs - Math.max(oldestMs, this.#toldMs) < OLD_MS) return;
    this.#toldMs = nowMs;
    this.#log.warn('prepared XA transactions wait to be committed or rolled back', {
      ...this.facts(nowMs),
      ...(this.holdsProgress ? { meanwhile: 'no progress record is written: a restart replays from before them' } : {}),
    });
  }

  facts(nowMs: number): XaFacts {
    const { count, oldestMs, holdsProgress } = this.#undecided;
    return {
      undecided: count,
      oldestSeconds: oldestMs === undefined ? 0 : (nowMs - oldestMs) / 1000,
      xids: this.#undecided.xids(TOLD_XIDS),
      holdsProgress,
    };
  }
}
