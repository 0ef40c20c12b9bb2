import type { Change } from '@tapline/envelope';
import type { CommitOffset, ConsumedBatch, KafkaRecord, TopicPartition } from '@tapline/kafka';
import { type Deferred, deferred, isAbort, type Logger, type Metrics, retry, TaplineError } from '@tapline/kernel';
import type { Sink } from '../contract.ts';
import { ByteBudget } from './budget.ts';
import { claimedBytes } from './claims.ts';
import type { Entry } from './entry.ts';
import { Lane, type LaneFailure } from './lane.ts';
import { PartitionLedger } from './ledger.ts';
import { StateKeeper } from './state.ts';
import { committedAt, Tally } from './tally.ts';

/**
 * The change of a record; a promise while its schema is fetched.
 *
 * @throws TaplineError poison: the record is not a change, or damaged; retryable: the schema registry is away.
 */
export type Decode = (batch: TopicPartition, record: KafkaRecord) => Change | Promise<Change>;

/** Gives the change to apply, or undefined when it is not to be applied. */
export type Transform = (change: Change) => Change | undefined;

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
  readonly transform: Transform;
  /** Absent: a record that cannot be applied stops the writer. */
  readonly parking: Parking | undefined;
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
  readonly #lanes: readonly Lane[];
  readonly #ledgers = new Map<string, PartitionLedger>();
  readonly #keeper: StateKeeper;
  readonly #tally: Tally;
  readonly #abort = new AbortController();
  readonly #stopped: Deferred<never> = deferred<never>();
  readonly #retrying = new Map<Lane, LaneFailure>();
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.stopped = this.#stopped.promise;
    this.#budget = new ByteBudget(options.bufferBytes);
    this.#keeper = new StateKeeper(options.log);
    this.#tally = new Tally(options.metrics);
    const events = {
      settled: (entries: readonly Entry[], stale: number) => this.#settled(entries, stale),
      poisoned: (entry: Entry, error: TaplineError, attempts: number) => this.#poisoned(entry, error, attempts),
      retrying: (lane: Lane, failure: LaneFailure | undefined) => this.#laneRetrying(lane, failure),
      failed: (error: unknown) => this.#stop(error),
    };
    const lane = (): Lane => new Lane(options.sink, options, events, this.#abort.signal);
    this.#lanes = Array.from({ length: options.lanes }, lane);
    this.#sampleGauges();
  }

  /** Takes a batch over. Resolves when there is room for the next one: that is the back-pressure. Batches of different partitions take turns. */
  accept(batch: ConsumedBatch): Promise<void> {
    const mine = this.#turn.then(() => this.#accept(batch));
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Offsets below which everything is applied and that were not committed yet. */
  uncommitted(): CommitOffset[] {
    const offsets: CommitOffset[] = [];
    for (const { topic, partition, toCommit } of this.#ledgers.values()) {
      if (toCommit !== undefined) offsets.push({ topic, partition, offset: BigInt(toCommit) });
    }
    return offsets;
  }

  committed(offsets: readonly CommitOffset[]): void {
    for (const { topic, partition, offset } of offsets)
      this.#ledgers.get(nameOf(topic, partition))?.committed(Number(offset));
  }

  /** Partitions went to other members, or come again from their committed offsets: what is known of them is dropped. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#ledgers.delete(nameOf(topic, partition));
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
    this.#closed = true;
    this.#budget.open();
    if (this.#keeper.state === 'retrying') this.#giveUp();
    if (this.#keeper.state !== 'stopped') this.#keeper.enter('draining');
    await this.#turn;
    await this.idle();
  }

  /** Ends everything at once. */
  abort(): void {
    this.#closed = true;
    this.#budget.open();
    this.#giveUp();
  }

  get ready(): boolean {
    return this.#keeper.state === 'consuming';
  }

  /** For /state. */
  describe(): Readonly<Record<string, unknown>> {
    const partitions = [...this.#ledgers.values()].map((ledger) => ({
      topic: ledger.topic,
      partition: ledger.partition,
      appliedBelow: ledger.unbroken,
      receivedBelow: ledger.nextOffset,
      lagRecords: ledger.lagRecords,
      underWay: ledger.open,
    }));
    return { ...this.#keeper.describe(), ...this.#retryState(), counts: this.#tally.describe(), partitions };
  }

  async #accept(batch: ConsumedBatch): Promise<void> {
    await this.#budget.room();
    if (this.#closed) return;
    try {
      await this.#take(batch);
    } catch (error) {
      if (!isAbort(error, this.#abort.signal)) this.#stop(error);
    }
    for (const lane of this.#lanes) lane.kick();
    await this.#budget.room();
  }

  async #take(batch: ConsumedBatch): Promise<void> {
    const ledger = this.#ledger(batch);
    ledger.endOffset = Number(batch.highWatermark);
    let bytes = 0;
    let filtered = 0;
    let untilKick = KICK_RECORDS;
    for (const record of batch.records) {
      const offset = Number(record.offset);
      if (offset < ledger.nextOffset) continue;
      const claimed = claimedBytes(record);
      if (claimed > 0) {
        await this.#roomForClaim();
        if (this.#closed) return;
        this.#tally.claimed(claimed);
      }
      const ticket = ledger.add(offset);
      const size = (record.key?.length ?? 0) + (claimed || (record.value?.length ?? 0));
      bytes += size;
      const decoded = this.#decode(batch, record);
      const change = decoded instanceof Promise ? await decoded : decoded;
      if (change instanceof TaplineError) {
        await this.#undecodable(change, { ledger, ticket, offset, record });
        continue;
      }
      const wanted = this.#options.transform(change);
      if (wanted === undefined) {
        ledger.done(ticket);
        filtered++;
        continue;
      }
      this.#enqueue(wanted, record, { ledger, ticket, offset, bytes: size });
      if (--untilKick === 0) {
        untilKick = KICK_RECORDS;
        for (const lane of this.#lanes) lane.kick();
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

  #enqueue(change: Change, record: KafkaRecord, place: Pick<Entry, 'ledger' | 'ticket' | 'offset' | 'bytes'>): void {
    const kept = this.#options.parking === undefined ? undefined : copyOf(record);
    const entry: Entry = { ...place, change, record: kept };
    this.#budget.take(place.bytes);
    place.ledger.waiting(committedAt(entry));
    const lane = this.#lanes[record.key === null ? 0 : hashOf(record.key) % this.#lanes.length] as Lane;
    lane.push(entry);
  }

  #decode(batch: ConsumedBatch, record: KafkaRecord): Change | TaplineError | Promise<Change | TaplineError> {
    try {
      const change = this.#options.decode(batch, record);
      return change instanceof Promise ? this.#decodeLater(change, batch, record) : change;
    } catch (error) {
      return poisonOrThrow(error);
    }
  }

  /** A schema that is new is asked for, and asked for again while the registry is away: a reason to wait like a sink that is. */
  async #decodeLater(
    first: Promise<Change>,
    batch: ConsumedBatch,
    record: KafkaRecord,
  ): Promise<Change | TaplineError> {
    let waited = false;
    const onRetry = ({ error }: { error: unknown }): void => {
      waited = true;
      if (!this.#closed) this.#keeper.enter('retrying', error);
    };
    try {
      const attempt = async (count: number): Promise<Change> =>
        count === 1 ? first : this.#options.decode(batch, record);
      const change = await retry(attempt, { signal: this.#abort.signal, maxDelayMs: 5000, onRetry });
      if (waited && !this.#closed && this.#retrying.size === 0) this.#keeper.enter('consuming');
      return change;
    } catch (error) {
      return poisonOrThrow(error);
    }
  }

  #ledger({ topic, partition, records, nextOffset }: ConsumedBatch): PartitionLedger {
    const name = nameOf(topic, partition);
    let ledger = this.#ledgers.get(name);
    if (ledger === undefined) {
      // Without records, what lies before the next offset is control records: there is that to commit.
      ledger = new PartitionLedger(topic, partition, Number(records[0]?.offset ?? nextOffset - 1n));
      this.#ledgers.set(name, ledger);
    }
    return ledger;
  }

  #settled(entries: readonly Entry[], stale: number): void {
    let bytes = 0;
    for (const entry of entries) {
      entry.ledger.settled(committedAt(entry));
      entry.ledger.done(entry.ticket);
      bytes += entry.bytes;
    }
    this.#tally.settled(entries, stale);
    this.#budget.give(bytes);
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

  async #undecodable(
    error: TaplineError,
    at: { ledger: PartitionLedger; ticket: number; offset: number; record: KafkaRecord },
  ): Promise<void> {
    const placed = placedAt(error, at.ledger, at.offset);
    if (this.#options.parking === undefined) throw placed;
    await this.#options.parking.park(at.ledger, at.record, { error: placed, attempts: 1 });
    this.#tally.parked();
    at.ledger.done(at.ticket);
  }

  #laneRetrying(lane: Lane, failure: LaneFailure | undefined): void {
    if (failure === undefined) this.#retrying.delete(lane);
    else {
      this.#retrying.set(lane, failure);
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
    this.#closed = true;
    this.#budget.open();
    if (this.#keeper.state === 'stopped') return;
    this.#keeper.enter('stopped', error);
    this.#stopped.reject(error);
    if (this.#retrying.size > 0) this.#giveUp();
  }

  #giveUp(): void {
    this.#abort.abort();
  }

  #sampleGauges(): void {
    const { metrics } = this.#options;
    const ledgers = (): PartitionLedger[] => [...this.#ledgers.values()];
    const { lagSeconds, lagRecords, bufferedBytes, retrying, stopped } = this.#tally.metrics;
    metrics.sample(lagSeconds, () => Math.max(0, ...ledgers().map((ledger) => ledger.lagMs(Date.now()))) / 1000);
    metrics.sample(lagRecords, () => ledgers().reduce((sum, ledger) => sum + ledger.lagRecords, 0));
    metrics.sample(bufferedBytes, () => this.#budget.used);
    metrics.sample(retrying, () => (this.#keeper.state === 'retrying' ? 1 : 0));
    metrics.sample(stopped, () => (this.#keeper.state === 'stopped' ? 1 : 0));
  }
}

function poisonOrThrow(error: unknown): TaplineError {
  if (error instanceof TaplineError && error.disposition === 'poison') return error;
  throw error;
}

function nameOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

/** The error again, with the place of the record that it is about. */
function placedAt(error: TaplineError, { topic, partition }: PartitionLedger, offset: number): TaplineError {
  return new TaplineError(error.code, {
    message: error.message,
    place: { ...error.place, topic, partition, offset: String(offset) },
    remedy: error.remedy,
    disposition: error.disposition,
    cause: error.cause,
  });
}

function copyOf({ offset, timestampMs, key, value, headers }: KafkaRecord): KafkaRecord {
  const copy = (bytes: Buffer | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
  return { offset, timestampMs, key: copy(key), value: copy(value), headers: Buffer.from(headers) };
}

/** FNV-1a. Not Kafka's murmur2: by that the keys of a partition are alike already. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193);
  return hash >>> 0;
}
