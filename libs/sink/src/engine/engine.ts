import { setImmediate as turnOfEvents } from 'node:timers/promises';
import type { Change } from '@tapline/envelope';
import {
  type CommitOffset,
  type ConsumedBatch,
  FetchedRecord,
  type KafkaRecord,
  type TopicPartition,
} from '@tapline/kafka';
import { type Deferred, deferred, isAbort, type Logger, type Metrics, TaplineError, Turns } from '@tapline/kernel';
import type { Sink } from '../contract.ts';
import type { SinkTraits } from '../definition.ts';
import { ByteBudget } from './budget.ts';
import { claimedBytes } from './claims.ts';
import type { Entry } from './entry.ts';
import { Lane, type LaneFailure } from './lane.ts';
import type { PartitionLedger } from './ledger.ts';
import { type Lag, Partitions } from './partitions.ts';
import { PatientDecoder } from './patient-decoder.ts';
import { copyOf, laneKey, laneKeyOf, placedAt } from './records.ts';
import { StateKeeper } from './state.ts';
import { committedAt, Tally } from './tally.ts';

/** What a record says: one change; several, where a format puts them into one record; undefined when it is not to be applied. */
export type Decoded = Change | readonly Change[] | undefined;

/**
 * The changes of a record, as they are to be applied; a promise while its schema is fetched.
 *
 * @throws TaplineError poison: the record is not a change, damaged, or cannot be transformed; retryable: the schema registry is away.
 */
export type Decode = (batch: TopicPartition, record: KafkaRecord) => Decoded | Promise<Decoded>;

/** Where records go that can never be applied. */
export interface Parking {
  park(
    place: { readonly topic: string; readonly partition: number },
    record: KafkaRecord,
    failure: { error: TaplineError; attempts: number },
  ): Promise<void>;
}

export interface EngineOptions {
  readonly sink: Sink;
  readonly decode: Decode;
  /** Absent: a record that cannot be applied stops the writer. */
  readonly parking: Parking | undefined;
  /** How the sink wants its changes (SinkTraits.order). */
  readonly order: SinkTraits['order'];
  /** Calls side by side, with the order `key`. */
  readonly lanes: number;
  readonly batchChanges: number;
  readonly batchBytes: number;
  readonly bufferBytes: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Lanes begin to work while a large fetch is still being decoded. */
const KICK_RECORDS = 256;

/**
 * From consumed records to the sink. Order:
 *
 * - a partition's records come in offset order, and a key is always in one partition;
 * - a key's changes go through one lane, chosen by the key's bytes, which settles one batch before it takes the next;
 * - the ledger of a partition knows which offsets are settled; only the lowest one that is not is ever committed.
 *
 * So whatever dies, the next member begins at or before the first change that may not be in the sink, and what it replays is `stale` there.
 * Waiting for each batch in `accept` itself would be simpler, but would leave the sink idle between fetches.
 */
export class Engine {
  /** Rejects once, when a change or the sink stops the writer for good. */
  readonly stopped: Promise<never>;
  readonly #options: EngineOptions;
  readonly #budget: ByteBudget;
  readonly #decoder: PatientDecoder;
  readonly #lanes: readonly Lane[];
  readonly #partitions = new Partitions();
  readonly #keeper: StateKeeper;
  readonly #tally: Tally;
  readonly #abort = new AbortController();
  readonly #stopped: Deferred<never> = deferred<never>();
  readonly #retrying = new Map<object, LaneFailure>();
  readonly #turns = new Turns();
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.stopped = this.#stopped.promise;
    this.#budget = new ByteBudget(options.bufferBytes);
    this.#keeper = new StateKeeper(options.log);
    this.#tally = new Tally(options.metrics);
    this.#decoder = new PatientDecoder({
      decode: options.decode,
      signal: this.#abort.signal,
      retrying: (error) => {
        if (!this.#closed) this.#keeper.enter('retrying', error);
      },
      recovered: () => {
        if (!this.#closed && this.#retrying.size === 0) this.#keeper.enter('consuming');
      },
    });
    const events = {
      settled: (entries: readonly Entry[], stale: number) => this.#settled(entries, stale),
      poisoned: (entry: Entry, error: TaplineError, attempts: number) => this.#poisoned(entry, error, attempts),
      retrying: (what: object, failure: LaneFailure | undefined) => this.#laneRetrying(what, failure),
      setAside: (ledger: PartitionLedger, bytes: number) => {
        ledger.hold();
        this.#budget.setAside(bytes);
      },
      takenBack: (ledger: PartitionLedger, bytes: number) => {
        this.#budget.takeBack(bytes);
        ledger.unhold();
      },
      dropped: (entries: readonly Entry[]) => this.#budget.give(bytesOf(entries)),
      failed: (error: unknown) => this.#stop(error),
    };
    const limits = { ...options, apart: options.order === 'key' };
    const lane = (): Lane => new Lane(options.sink, limits, events, this.#abort.signal);
    this.#lanes = Array.from({ length: options.order === 'key' ? options.lanes : 1 }, lane);
    this.#sampleGauges();
  }

  /** These partitions are ours from now on, each from its committed offset on. What is known of them from earlier is dropped. */
  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    this.#partitions.assign(partitions);
    try {
      await this.#options.sink.assigned?.(partitions, this.#abort.signal);
    } catch (error) {
      if (!isAbort(error, this.#abort.signal)) this.#stop(error);
    }
  }

  /**
   * Partitions went to other members: nothing of them is accepted or committed any more, and what waits in lanes is not given to the sink. A call that is
   * under way may still end: it wrote nothing that the next member does not write as well, in the same order, and versions keep it from going back.
   */
  revoke(partitions: readonly TopicPartition[]): void {
    this.#partitions.revoke(partitions);
  }

  /** Nothing more of these partitions is accepted until `resume`; what was accepted goes its way. The others do not wait. */
  pause(partitions: readonly TopicPartition[]): void {
    this.#partitions.pause(partitions);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#partitions.resume(partitions);
  }

  /**
   * Takes a batch over. Resolves when there is room for the next one: that is the back-pressure. Batches of different partitions take turns. One whose
   * turn comes when its partition has gone, or has gone and come again, is dropped: it is handed over anew from the committed offset on.
   */
  async accept(batch: ConsumedBatch): Promise<void> {
    const ledger = this.#partitions.get(batch);
    if (ledger === undefined) return;
    while (ledger.gate !== undefined) await ledger.gate;
    return this.#turns.take(() => this.#accept(batch, ledger));
  }

  /** Offsets below which everything is settled and that were not committed yet. */
  uncommitted(): CommitOffset[] {
    return this.#partitions.uncommitted();
  }

  committed(offsets: readonly CommitOffset[]): void {
    this.#partitions.committed(offsets);
  }

  lag(): Lag {
    return this.#partitions.lag();
  }

  /** Resolves when everything that was accepted is settled. */
  async idle(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.idle()));
  }

  /**
   * Accepts nothing more and resolves when what is in hand is settled. A sink that does not answer is not waited for: its changes stay
   * uncommitted and come again.
   */
  async drain(): Promise<void> {
    this.#close();
    if (this.#keeper.state === 'retrying') this.#giveUp();
    if (this.#keeper.state !== 'stopped') this.#keeper.enter('draining');
    await this.#turns.over();
    await this.idle();
  }

  /** Ends everything at once. */
  abort(): void {
    this.#close();
    this.#giveUp();
  }

  get ready(): boolean {
    return this.#keeper.state === 'consuming';
  }

  /** Changes with each change that is done with; undefined where none waits, or where it is known why they wait. */
  get sign(): string | undefined {
    if (!this.ready || this.#budget.used === 0) return undefined;
    return Object.values(this.#tally.describe()).join(' ');
  }

  /** For /state. */
  describe(): Readonly<Record<string, unknown>> {
    const partitions = this.#partitions.describe();
    return { ...this.#keeper.describe(), ...this.#retryState(), counts: this.#tally.describe(), partitions };
  }

  async #accept(batch: ConsumedBatch, ledger: PartitionLedger): Promise<void> {
    await this.#budget.room();
    if (this.#closed || ledger.revoked) return;
    try {
      await this.#take(batch, ledger);
    } catch (error) {
      if (!isAbort(error, this.#abort.signal)) this.#stop(error);
    }
    for (const lane of this.#lanes) lane.kick();
    await this.#budget.room();
  }

  async #take(batch: ConsumedBatch, ledger: PartitionLedger): Promise<void> {
    // Without records, what lies before the next offset is control records: there is that to commit.
    ledger.begin(Number(batch.records[0]?.offset ?? batch.nextOffset - 1n));
    ledger.endOffset = Number(batch.highWatermark);
    let bytes = 0;
    let filtered = 0;
    let untilKick = KICK_RECORDS;
    for (const given of batch.records) {
      const record = FetchedRecord.of(given);
      const offset = record.offsetNumber;
      if (offset < ledger.nextOffset) continue;
      const claimed = claimedBytes(record);
      if (claimed > 0) {
        await this.#roomForClaim();
        this.#tally.claimed(claimed);
      }
      const size = claimed > 0 ? (record.key?.length ?? 0) + claimed : record.size;
      bytes += size;
      const decoding = this.#decoder.read(batch, record);
      const decoded = decoding instanceof Promise ? await decoding : decoding;
      if (this.#closed || ledger.revoked) return;
      const place = { ledger, offset, record, bytes: size };
      if (decoded instanceof TaplineError) await this.#undecodable(decoded, place);
      else if (decoded === undefined) {
        ledger.done(ledger.add(offset));
        filtered++;
      } else if (Array.isArray(decoded)) this.#enqueueAll(decoded as readonly Change[], place);
      else this.#enqueue(decoded as Change, place, laneKey(record));
      if (--untilKick === 0) {
        untilKick = KICK_RECORDS;
        for (const lane of this.#lanes) lane.kick();
        // The store's answers are not kept waiting for the rest of the fetch.
        await turnOfEvents();
        if (this.#closed || ledger.revoked) return;
      }
    }
    ledger.skipTo(Number(batch.nextOffset));
    this.#tally.received(bytes, filtered);
  }

  /** A value that was put aside is fetched only when there is room for it: in the middle of a fetch, whose records before it must then get out. */
  async #roomForClaim(): Promise<void> {
    for (const lane of this.#lanes) lane.kick();
    await this.#budget.room();
  }

  #enqueue(change: Change, { ledger, offset, record, bytes }: RecordPlace, laneNumber: number): void {
    const kept = this.#options.parking === undefined ? undefined : copyOf(record);
    const entry: Entry = { change, ledger, ticket: ledger.add(offset), bytes, record: kept, offset };
    this.#budget.take(bytes);
    ledger.waiting(committedAt(entry));
    (this.#lanes[laneNumber % this.#lanes.length] as Lane).push(entry);
  }

  /** The record's key says nothing of the rows in it: their own keys choose their lanes. */
  #enqueueAll(changes: readonly Change[], place: RecordPlace): void {
    if (changes.length === 0) place.ledger.done(place.ledger.add(place.offset));
    const bytes = Math.ceil(place.bytes / Math.max(1, changes.length));
    for (const change of changes) this.#enqueue(change, { ...place, bytes }, laneKeyOf(change));
  }

  #settled(entries: readonly Entry[], stale: number): void {
    for (const entry of entries) {
      entry.ledger.settled(committedAt(entry));
      entry.ledger.done(entry.ticket);
    }
    this.#tally.settled(entries, stale);
    this.#budget.give(bytesOf(entries));
  }

  async #poisoned(entry: Entry, error: TaplineError, attempts: number): Promise<void> {
    const { ledger, ticket, offset, record, bytes } = entry;
    const placed = placedAt(error, ledger, offset);
    if (record === undefined || this.#options.parking === undefined) throw placed;
    await this.#options.parking.park(ledger, record, { error: placed, attempts });
    this.#tally.parked();
    ledger.done(ticket);
    this.#budget.give(bytes);
  }

  async #undecodable(error: TaplineError, { ledger, offset, record }: RecordPlace): Promise<void> {
    const ticket = ledger.add(offset);
    const placed = placedAt(error, ledger, offset);
    if (this.#options.parking === undefined) throw placed;
    await this.#options.parking.park(ledger, record, { error: placed, attempts: 1 });
    this.#tally.parked();
    ledger.done(ticket);
  }

  #laneRetrying(what: object, failure: LaneFailure | undefined): void {
    if (failure === undefined) this.#retrying.delete(what);
    else {
      this.#retrying.set(what, failure);
      this.#tally.metrics.retries.inc({ code: failure.error.code });
    }
    if (this.#keeper.state === 'stopped') return;
    if (this.#closed) {
      if (failure !== undefined) this.#giveUp();
    } else if (failure !== undefined) this.#keeper.enter('retrying', failure.error);
    else if (this.#retrying.size === 0) this.#keeper.enter('consuming');
  }

  #retryState(): Readonly<Record<string, unknown>> {
    if (this.#retrying.size === 0) return {};
    const failures = [...this.#retrying.values()];
    return {
      retrying: {
        attempts: Math.max(...failures.map(({ attempts }) => attempts)),
        changes: failures.reduce((sum, { changes }) => sum + changes, 0),
      },
    };
  }

  #stop(error: unknown): void {
    this.#close();
    if (this.#keeper.state === 'stopped') return;
    this.#keeper.enter('stopped', error);
    this.#stopped.reject(error);
    if (this.#retrying.size > 0) this.#giveUp();
  }

  #close(): void {
    this.#closed = true;
    this.#budget.open();
    this.#partitions.openAll();
  }

  #giveUp(): void {
    this.#abort.abort();
  }

  #sampleGauges(): void {
    const { metrics } = this.#options;
    const { lagSeconds, lagRecords, bufferedBytes, retrying, stopped } = this.#tally.metrics;
    metrics.sample(lagSeconds, () => this.lag().seconds);
    metrics.sample(lagRecords, () => this.lag().records);
    metrics.sample(bufferedBytes, () => this.#budget.used);
    metrics.sample(retrying, () => (this.#keeper.state === 'retrying' ? 1 : 0));
    metrics.sample(stopped, () => (this.#keeper.state === 'stopped' ? 1 : 0));
  }
}

/** A record while it is taken in. */
interface RecordPlace extends Pick<Entry, 'ledger' | 'offset' | 'bytes'> {
  readonly record: KafkaRecord;
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}
