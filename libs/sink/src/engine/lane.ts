import { backoffMs, isAbort, sleep, type TaplineError } from '@tapline/kernel';
import type { Sink } from '../contract.ts';
import type { Entry } from './entry.ts';
import { Giving, type GivingEvents } from './giving.ts';
import type { PartitionLedger } from './ledger.ts';

/** What a lane tells the engine. */
export interface LaneEvents extends GivingEvents {
  /** Not to be applied any more: their partitions went to other members. */
  dropped(entries: readonly Entry[]): void;
  /** Something waits and is tried again; undefined: it goes on. */
  retrying(what: object, failure: LaneFailure | undefined): void;
  /** Changes of this partition, so many bytes, wait aside while the lane goes on with others. */
  setAside(ledger: PartitionLedger, bytes: number): void;
  /** They are settled, or dropped. */
  takenBack(ledger: PartitionLedger, bytes: number): void;
  /** The lane has stopped for good. */
  failed(error: unknown): void;
}

export interface LaneFailure {
  readonly error: TaplineError;
  /** Tries so far. */
  readonly attempts: number;
  readonly changes: number;
}

export interface LaneLimits {
  /** Whether partitions may pass each other where one fails. */
  readonly apart: boolean;
  readonly batchChanges: number;
  readonly batchBytes: number;
}

/**
 * One lane: a queue of changes of some keys, given to the sink batch after batch, one batch at a time. All changes of a key are in one lane, so that a
 * key's next change is given only when the one before is settled; lanes go side by side.
 *
 * What the sink could not apply now is given again, alone and in its order, until it is settled. When that is of some partitions only (the index of one topic is
 * closed, a quota of one table is used up), these are set aside with all that the lane has of them, and the others go on: keys never span partitions, so no key's order
 * is touched. When all partitions of a call fail the store is down, and the lane waits for it as a whole. Partitions that wait for others are always set aside: what they
 * wait for may be behind them in the queue.
 */
export class Lane {
  readonly #giving: Giving;
  readonly #limits: LaneLimits;
  readonly #events: LaneEvents;
  readonly #abort: AbortSignal;
  /** Of partitions that were set aside: what waits behind the changes that are tried again. */
  readonly #aside = new Map<PartitionLedger, Entry[]>();
  readonly #retries = new Set<Promise<void>>();
  #queue: Entry[] = [];
  #head = 0;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(sink: Sink, limits: LaneLimits, events: LaneEvents, abort: AbortSignal) {
    this.#giving = new Giving(sink, events, abort);
    this.#limits = limits;
    this.#events = events;
    this.#abort = abort;
  }

  /** Queues a change; `kick` starts the work. */
  push(entry: Entry): void {
    const aside = this.#aside.size === 0 ? undefined : this.#aside.get(entry.ledger);
    (aside ?? this.#queue).push(entry);
  }

  kick(): void {
    if (this.#running !== undefined || this.#stopped || this.#head === this.#queue.length) return;
    this.#running = this.#run();
  }

  /** Resolves when nothing is queued, or the lane has stopped. */
  async idle(): Promise<void> {
    while (this.#running !== undefined || this.#retries.size > 0) {
      await this.#running;
      await Promise.all(this.#retries);
    }
  }

  async #run(): Promise<void> {
    try {
      while (this.#head < this.#queue.length) await this.#settle(this.#next());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = undefined;
    }
  }

  #fail(error: unknown): void {
    this.#stopped = true;
    if (!isAbort(error, this.#abort)) this.#events.failed(error);
  }

  #next(): readonly Entry[] {
    const { batchChanges, batchBytes } = this.#limits;
    const start = this.#head;
    let bytes = 0;
    while (this.#head < this.#queue.length && this.#head - start < batchChanges && bytes < batchBytes) {
      bytes += (this.#queue[this.#head++] as Entry).bytes;
    }
    const batch = this.#alive(this.#queue.slice(start, this.#head));
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head > 65_536) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return batch;
  }

  /** Without those whose partitions are gone, which are reported. */
  #alive(entries: readonly Entry[]): readonly Entry[] {
    if (!entries.some(isRevoked)) return entries;
    this.#events.dropped(entries.filter(isRevoked));
    return entries.filter((entry) => !isRevoked(entry));
  }

  async #settle(batch: readonly Entry[]): Promise<void> {
    let left = batch;
    let waited = false;
    for (let attempts = 1; left.length > 0; attempts++) {
      const again = await this.#giving.once(left, attempts);
      if (again === undefined) break;
      const { entries, error, waiting } = again;
      const apart = this.#goesApart(left, entries) ? entries : entries.filter(({ ledger }) => waiting.has(ledger));
      if (apart.length > 0) this.#setAside(apart, { error, attempts });
      const kept = apart.length === entries.length ? [] : entries.filter(({ ledger }) => !waiting.has(ledger));
      if (kept.length === 0) break;
      waited = true;
      left = await this.#pause(this, kept, { error, attempts });
    }
    if (waited) this.#events.retrying(this, undefined);
  }

  /** What is left of the changes after a pause that grows with the attempts. */
  async #pause(what: object, entries: readonly Entry[], why: Failure): Promise<readonly Entry[]> {
    this.#events.retrying(what, { ...why, changes: entries.length });
    await sleep(backoffMs(why.attempts, { firstDelayMs: 50, maxDelayMs: 5000 }), this.#abort);
    return this.#alive(entries);
  }

  /** Whether the failure is of some partitions, as far as one call tells: of those that it had, or of its only one. */
  #goesApart(given: readonly Entry[], failed: readonly Entry[]): boolean {
    if (!this.#limits.apart) return false;
    const ledgers = new Set(failed.map(({ ledger }) => ledger));
    return ledgers.size === 1 || given.some(({ ledger }) => !ledgers.has(ledger));
  }

  /** The queue goes on without the partitions of these. */
  #setAside(failed: readonly Entry[], why: Failure): void {
    const byLedger = Map.groupBy(failed, ({ ledger }) => ledger);
    const queued = Map.groupBy(this.#queue.slice(this.#head), ({ ledger }) => byLedger.has(ledger) && ledger);
    this.#queue = queued.get(false) ?? [];
    this.#head = 0;
    for (const [ledger, entries] of byLedger) {
      const waiting = queued.get(ledger) ?? [];
      this.#aside.set(ledger, waiting);
      const retrying = this.#retryAside(entries, waiting, why).finally(() => this.#retries.delete(retrying));
      this.#retries.add(retrying);
    }
  }

  /** Tries the changes of one partition until they are settled; what waited behind them is then the lane's next work. */
  async #retryAside(failed: readonly Entry[], waiting: Entry[], why: Failure): Promise<void> {
    const { ledger } = failed[0] as Entry;
    const bytes = [...failed, ...waiting].reduce((sum, entry) => sum + entry.bytes, 0);
    this.#events.setAside(ledger, bytes);
    try {
      let { attempts } = why;
      let left = await this.#pause(waiting, failed, why);
      while (left.length > 0) {
        const again = await this.#giving.once(left, ++attempts);
        if (again === undefined) break;
        left = await this.#pause(waiting, again.entries, { error: again.error, attempts });
      }
      this.#events.retrying(waiting, undefined);
      this.#queue = waiting.concat(this.#queue.slice(this.#head));
      this.#head = 0;
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#aside.delete(ledger);
      this.#events.takenBack(ledger, bytes);
    }
    this.kick();
  }
}

type Failure = Omit<LaneFailure, 'changes'>;

function isRevoked({ ledger }: Entry): boolean {
  return ledger.revoked;
}
