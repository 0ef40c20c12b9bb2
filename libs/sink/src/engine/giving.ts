import { TaplineError } from '@tapline/kernel';
import { type ApplyResult, allRetry, type Place, type Places, type Sink, type Verdict } from '../contract.ts';
import type { Entry } from './entry.ts';
import type { PartitionLedger } from './ledger.ts';

/** What becomes of changes that were given to the sink. */
export interface GivingEvents {
  /** The sink settled these: applied or stale. */
  settled(entries: readonly Entry[], staleCount: number): void;
  /** The sink will never take this one. Resolves when it is dealt with and the lane may go on; rejects to stop the lane. */
  poisoned(entry: Entry, error: TaplineError, attempts: number): Promise<void>;
}

/** What is to be tried again, and why. */
export interface Again {
  readonly entries: readonly Entry[];
  readonly error: TaplineError;
  /** Those of partitions that wait for others. */
  readonly waiting: ReadonlySet<PartitionLedger>;
}

/** Gives changes to a sink and sorts its answer. */
export class Giving {
  readonly #sink: Sink;
  readonly #events: GivingEvents;
  readonly #abort: AbortSignal;

  constructor(sink: Sink, events: GivingEvents, abort: AbortSignal) {
    this.#sink = sink;
    this.#events = events;
    this.#abort = abort;
  }

  /** Gives them for the n-th time. @returns undefined when all are dealt with. @throws what ends the lane: a fatal error, a change that stops it, an abort. */
  async once(entries: readonly Entry[], attempts: number): Promise<Again | undefined> {
    const result = await this.#apply(entries);
    const again = await this.#sort(entries, result, attempts);
    const [first] = again;
    if (first === undefined) return undefined;
    const error = result.errors.get(entries.indexOf(first)) ?? unexplained();
    return { entries: again, error, waiting: waitingIn(entries, result) };
  }

  /** A retryable rejection of the whole call is a `retry` of each change. */
  async #apply(entries: readonly Entry[]): Promise<ApplyResult> {
    try {
      const changes = entries.map((entry) => entry.change);
      const result = await this.#sink.apply(changes, this.#abort, placesOf(entries));
      // Sinks are other teams' code as well, and a change without a verdict must not count as applied.
      if (result.verdicts.length !== changes.length) {
        const message = `The sink gave ${result.verdicts.length} verdicts on ${changes.length} changes.`;
        throw new TaplineError('INTERNAL', { message });
      }
      return result;
    } catch (error) {
      if (error instanceof TaplineError && error.disposition === 'retryable') return allRetry(entries.length, error);
      throw error;
    }
  }

  /** Reports what is settled and gives back what is to be tried again. */
  async #sort(entries: readonly Entry[], { verdicts, errors }: ApplyResult, attempts: number): Promise<Entry[]> {
    if (!verdicts.some(isOpen)) {
      this.#events.settled(entries, staleAmong(verdicts));
      return [];
    }
    const settled: Entry[] = [];
    const again: Entry[] = [];
    const poisoned: [Entry, TaplineError][] = [];
    let stale = 0;
    for (const [index, entry] of entries.entries()) {
      const verdict = verdicts[index];
      if (verdict === 'retry' || verdict === 'wait') again.push(entry);
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

/** Whether something is left to be done about a change. */
function isOpen(verdict: Verdict): boolean {
  return verdict === 'retry' || verdict === 'wait' || verdict === 'poison';
}

function staleAmong(verdicts: readonly Verdict[]): number {
  let stale = 0;
  for (const verdict of verdicts) if (verdict === 'stale') stale++;
  return stale;
}

function placesOf(entries: readonly Entry[]): Places {
  return {
    at(index): Place {
      const { ledger, offset } = entries[index] as Entry;
      return { topic: ledger.topic, partition: ledger.partition, offset };
    },
  };
}

function waitingIn(entries: readonly Entry[], { verdicts }: ApplyResult): ReadonlySet<PartitionLedger> {
  return new Set(entries.filter((_, index) => verdicts[index] === 'wait').map(({ ledger }) => ledger));
}

function unexplained(): TaplineError {
  return new TaplineError('INTERNAL', { message: 'The sink did not say why a change failed.' });
}
