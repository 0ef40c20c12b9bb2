import { backoffMs, isAbort, sleep, TaplineError } from '@tapline/kernel';
import { type ApplyResult, allRetry, type Place, type Places, type Sink } from '../contract.ts';
import type { Entry } from './entry.ts';

/** What a lane tells the engine. */
export interface LaneEvents {
  /** The sink settled these: applied or stale. */
  settled(entries: readonly Entry[], staleCount: number): void;
  /** The sink will never take this one. Resolves when it is dealt with and the lane may go on; rejects to stop the lane. */
  poisoned(entry: Entry, error: TaplineError, attempts: number): Promise<void>;
  /** Not to be applied any more: their partitions went to other members. */
  dropped(entries: readonly Entry[]): void;
  /** The lane waits and tries again; undefined: it goes on. */
  retrying(lane: Lane, failure: LaneFailure | undefined): void;
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
  readonly batchChanges: number;
  readonly batchBytes: number;
}

/**
 * One lane: a queue of changes of some keys, given to the sink batch after batch, one batch at a time. All changes of a key are in one lane, so that a
 * key's next change is given only when the one before is settled; lanes go side by side.
 *
 * What the sink could not apply now is given again, alone and in its order, until it is settled: nothing behind it in the lane can overtake it.
 */
export class Lane {
  readonly #sink: Sink;
  readonly #limits: LaneLimits;
  readonly #events: LaneEvents;
  readonly #abort: AbortSignal;
  #queue: Entry[] = [];
  #head = 0;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(sink: Sink, limits: LaneLimits, events: LaneEvents, abort: AbortSignal) {
    this.#sink = sink;
    this.#limits = limits;
    this.#events = events;
    this.#abort = abort;
  }

  /** Queues a change; `kick` starts the work. */
  push(entry: Entry): void {
    this.#queue.push(entry);
  }

  kick(): void {
    if (this.#running !== undefined || this.#stopped || this.#head === this.#queue.length) return;
    this.#running = this.#run();
  }

  /** Resolves when nothing is queued, or the lane has stopped. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#head < this.#queue.length) await this.#settle(this.#next());
    } catch (error) {
      this.#stopped = true;
      if (!isAbort(error, this.#abort)) this.#events.failed(error);
    } finally {
      this.#running = undefined;
    }
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
      const result = await this.#apply(left);
      const again = await this.#sort(left, result, attempts);
      if (again.length === 0) break;
      const error = result.errors.get(left.indexOf(again[0] as Entry));
      this.#events.retrying(this, { error: error ?? unexplained(), attempts, changes: again.length });
      waited = true;
      await sleep(backoffMs(attempts, { firstDelayMs: 50, maxDelayMs: 5000 }), this.#abort);
      left = this.#alive(again);
    }
    if (waited) this.#events.retrying(this, undefined);
  }

  /** A retryable rejection of the whole call is a `retry` of each change. */
  async #apply(entries: readonly Entry[]): Promise<ApplyResult> {
    try {
      return await this.#sink.apply(
        entries.map((entry) => entry.change),
        this.#abort,
        placesOf(entries),
      );
    } catch (error) {
      if (error instanceof TaplineError && error.disposition === 'retryable') return allRetry(entries.length, error);
      throw error;
    }
  }

  /** Reports what is settled and gives back what is to be tried again. */
  async #sort(entries: readonly Entry[], { verdicts, errors }: ApplyResult, attempts: number): Promise<Entry[]> {
    const settled: Entry[] = [];
    const again: Entry[] = [];
    const poisoned: [Entry, TaplineError][] = [];
    let stale = 0;
    for (const [index, entry] of entries.entries()) {
      const verdict = verdicts[index];
      if (verdict === 'retry') again.push(entry);
      else if (verdict === 'poison') poisoned.push([entry, errors.get(index) ?? unexplained()]);
      else {
        if (verdict === 'stale') stale++;
        settled.push(entry);
      }
    }
    if (settled.length > 0) this.#events.settled(settled, stale);
    for (const [entry, error] of poisoned) await this.#events.poisoned(entry, error, attempts);
    return again;
  }
}

function isRevoked({ ledger }: Entry): boolean {
  return ledger.revoked;
}

function placesOf(entries: readonly Entry[]): Places {
  return {
    at(index): Place {
      const { ledger, offset } = entries[index] as Entry;
      return { topic: ledger.topic, partition: ledger.partition, offset };
    },
  };
}

function unexplained(): TaplineError {
  return new TaplineError('INTERNAL', { message: 'The sink did not say why a change failed.' });
}
