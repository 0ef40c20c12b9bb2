import { type CommitOffset, type ConsumedBatch, type Kafka, partitionName, type TopicPartition } from '@tapline/kafka';
import { type Deferred, deferred, isAbort, type Logger, type Metrics, retry, TaplineError } from '@tapline/kernel';
import {
  type AppliedPlace,
  committedAt,
  type Parking,
  StateKeeper,
  type Taking,
  Tally,
  type TransactionSink,
} from '@tapline/sink';
import type { Pipeline } from '../pipeline.ts';
import { Gatherer } from './gatherer.ts';
import { Intake } from './intake.ts';
import { Life } from './life.ts';
import type { PartitionQueue } from './queue.ts';
import { TablesElsewhere } from './tables-elsewhere.ts';
import { ProgressFollower } from './watermark.ts';

export interface TransactionEngineOptions {
  readonly sink: TransactionSink;
  readonly pipeline: Pipeline;
  /** Absent: a record that cannot be applied stops the writer. */
  readonly parking: Parking | undefined;
  readonly kafka: Kafka;
  /** The writer's consumer group. */
  readonly group: string;
  /** Name of the source. */
  readonly source: string;
  /** Its transaction topic. */
  readonly topic: string;
  readonly batchChanges: number;
  readonly batchBytes: number;
  readonly bufferBytes: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Of the transaction topic, so many records are read ahead: what they name is in other topics. */
const NOTES_AHEAD = 20_000;
/** A partition has room for so much, also where there are very many. */
const LEAST_PARTITION_BYTES = 16_384;

/**
 * Takes the records of all of a writer's topics and gives whole transactions to a sink, in the order of their commits. Where each partition goes on is noted in the target, in the
 * transaction that applies what is before it; the offsets committed in Kafka follow it, and are for people, lag and statements.
 */
export class TransactionEngine implements Taking {
  readonly stopped: Promise<never>;
  readonly #options: TransactionEngineOptions;
  readonly #keeper: StateKeeper;
  readonly #tally: Tally;
  readonly #stopped: Deferred<never> = deferred<never>();
  readonly #abort = new AbortController();
  #taken: AppliedPlace | undefined;
  #starts: ReadonlyMap<string, number> = new Map();
  #life:
    | { readonly life: Life; readonly intake: Intake; readonly queues: ReadonlyMap<string, PartitionQueue> }
    | undefined;
  #partitionBytes = LEAST_PARTITION_BYTES;
  #committed = new Map<string, number>();
  #closed = false;
  /** Resolves when nothing of a life that was broken off touches the sink any more. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: TransactionEngineOptions) {
    this.#options = options;
    this.stopped = this.#stopped.promise;
    this.#keeper = new StateKeeper(options.log);
    this.#tally = new Tally(options.metrics);
    this.#sampleGauges();
  }

  /** The transaction topic. */
  get topic(): string {
    return this.#options.topic;
  }

  /** Takes the writer's place in the target over, and gives where the partitions go on there. */
  async places(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, bigint>> {
    const { sink, kafka, group } = this.#options;
    const { signal } = this.#abort;
    await this.#ended;
    this.#taken = await retry(() => sink.takeOver(signal), {
      signal,
      maxDelayMs: 5000,
      onRetry: ({ error }) => this.#enter('retrying', error),
    });
    this.#enter('consuming');
    const stored = new Map((await kafka.offsets(group).stored(signal)).map((at) => [partitionName(at), at.offset]));
    const starts = new Map<string, bigint>();
    for (const topic of new Set(partitions.map((place) => place.topic))) {
      const firsts = await kafka.reader.startOffsets(topic, signal);
      for (const place of partitions.filter((own) => own.topic === topic)) {
        const name = partitionName(place);
        const held = this.#taken?.places.get(name);
        starts.set(name, held === undefined ? (stored.get(name) ?? (firsts[place.partition] as bigint)) : BigInt(held));
      }
    }
    this.#starts = new Map([...starts].map(([name, start]) => [name, Number(start)]));
    return starts;
  }

  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#end();
    if (partitions.length === 0 || this.#closed) return;
    try {
      await this.#begin(partitions);
    } catch (error) {
      if (!isAbort(error, this.#abort.signal)) this.#stop(error);
    }
  }

  async #begin(partitions: readonly TopicPartition[]): Promise<void> {
    const { sink, pipeline, kafka, group, source, topic, parking, batchChanges, batchBytes, bufferBytes } =
      this.#options;
    const { signal } = this.#abort;
    const data = partitions.filter((place) => place.topic !== topic);
    if (data.length === partitions.length) {
      throw new TaplineError('WRITER_TRANSACTIONS', {
        message: `Another member of ${group} has partitions: it does not apply whole transactions.`,
        remedy: 'Give all members of a writer one configuration, or this one another `name`.',
      });
    }
    const read = new Set(data.map((place) => place.topic));
    const elsewhere = await TablesElsewhere.find(kafka.topics, source, read, signal);
    const notes = { topic, partition: 0 };
    const gatherer = new Gatherer({
      notes: { ...notes, position: this.#starts.get(partitionName(notes)) ?? 0 },
      applied: this.#taken?.version ?? 0n,
      isElsewhere: (table) => elsewhere.has(table),
    });
    const queues = new Map(
      data.map((place) => {
        const name = partitionName(place);
        return [name, gatherer.open(place, this.#starts.get(name) ?? 0)];
      }),
    );
    this.#partitionBytes = Math.max(LEAST_PARTITION_BYTES, Math.floor(bufferBytes / Math.max(1, data.length)));
    sink.assigned(data);
    const life = new Life(
      {
        gatherer,
        sink,
        pipeline,
        kafka,
        progress: new ProgressFollower(kafka.reader, source),
        parking,
        enter: (state, error) => this.#enter(state, error),
        tally: this.#tally,
        limits: { changes: batchChanges, bytes: batchBytes, partitionBytes: this.#partitionBytes },
        retries: (code) => this.#tally.metrics.retries.inc({ code }),
      },
      (error) => this.#stop(error),
    );
    const intake = new Intake({
      pipeline,
      source,
      keepsRecords: parking !== undefined,
      unreadable: async (error, place, record) => {
        if (parking === undefined) throw error;
        await parking.park(place, record, { error, attempts: 1 });
        this.#tally.parked();
      },
      retrying: (error) => this.#enter('retrying', error),
      recovered: () => this.#enter('consuming'),
      claimed: (bytes) => this.#tally.claimed(bytes),
      signal: AbortSignal.any([life.signal, signal]),
    });
    this.#committed = new Map();
    this.#life = { life, intake, queues };
  }

  async accept(batch: ConsumedBatch): Promise<void> {
    const current = this.#life;
    if (current === undefined || this.#closed) return;
    const { life, intake, queues } = current;
    try {
      if (batch.topic === this.#options.topic) {
        intake.notes(batch, life.gatherer);
        life.wake();
        await life.until(() => life.gatherer.notes < NOTES_AHEAD);
        return;
      }
      const queue = queues.get(partitionName(batch));
      if (queue === undefined) return;
      const filtered = await intake.changes(batch, queue, life.gatherer);
      this.#tally.received(bytesOf(batch), filtered);
      life.wake();
      await life.until(() => queue.bytes < this.#partitionBytes);
    } catch (error) {
      if (!isAbort(error, life.signal)) this.#stop(error);
    }
  }

  /** Ends behind what is in hand: the partitions go as a whole, and come as a whole. */
  idle(): Promise<void> {
    return this.#end();
  }

  revoke(): void {
    const life = this.#life?.life;
    this.#life = undefined;
    life?.abort();
    this.#ended = life?.end() ?? this.#ended;
  }

  uncommitted(): CommitOffset[] {
    const offsets: CommitOffset[] = [];
    for (const [name, place] of this.#life?.life.places ?? []) {
      if (this.#committed.get(name) === place) continue;
      const slash = name.lastIndexOf('/');
      offsets.push({ topic: name.slice(0, slash), partition: Number(name.slice(slash + 1)), offset: BigInt(place) });
    }
    return offsets;
  }

  committed(offsets: readonly CommitOffset[]): void {
    for (const offset of offsets) this.#committed.set(partitionName(offset), Number(offset.offset));
  }

  async drain(): Promise<void> {
    this.#closed = true;
    if (this.#keeper.state !== 'stopped') this.#keeper.enter('draining');
    await this.#end();
  }

  /** Ends everything at once. */
  abort(): void {
    this.#closed = true;
    this.#abort.abort();
    this.#life?.life.abort();
  }

  get ready(): boolean {
    return this.#keeper.state === 'consuming';
  }

  /** Changes with each step that is done with; undefined where none is in hand. */
  get sign(): string | undefined {
    if (!this.ready || this.#life?.life.isBusy !== true) return undefined;
    return Object.values(this.#tally.describe()).join(' ');
  }

  /** For /state. */
  describe(): Readonly<Record<string, unknown>> {
    const gatherer = this.#life?.life.gatherer;
    const partitions = this.#queues.map((queue) => ({
      topic: queue.topic,
      partition: queue.partition,
      appliedBelow: queue.place,
      receivedBelow: queue.position,
      lagRecords: queue.end - queue.place,
      underWay: queue.length,
    }));
    return {
      ...this.#keeper.describe(),
      order: 'transaction',
      ...(gatherer === undefined ? {} : { appliedVersion: gatherer.applied.toString(), notesWaiting: gatherer.notes }),
      counts: this.#tally.describe(),
      partitions,
    };
  }

  get #queues(): readonly PartitionQueue[] {
    return [...(this.#life?.queues.values() ?? [])];
  }

  async #end(): Promise<void> {
    await this.#life?.life.end();
  }

  #enter(state: 'consuming' | 'retrying', error?: unknown): void {
    if (!this.#closed && this.#keeper.state !== 'stopped') this.#keeper.enter(state, error);
  }

  #stop(error: unknown): void {
    this.#closed = true;
    if (this.#keeper.state === 'stopped') return;
    this.#keeper.enter('stopped', error);
    this.#stopped.reject(error);
    this.#life?.life.abort();
  }

  #sampleGauges(): void {
    const { metrics } = this.#options;
    const { lagSeconds, lagRecords, bufferedBytes, retrying, stopped } = this.#tally.metrics;
    metrics.sample(lagSeconds, () => lagMs(this.#queues) / 1000);
    metrics.sample(lagRecords, () => this.#queues.reduce((sum, queue) => sum + queue.end - queue.place, 0));
    metrics.sample(bufferedBytes, () => this.#queues.reduce((sum, { bytes }) => sum + bytes, 0));
    metrics.sample(retrying, () => (this.#keeper.state === 'retrying' ? 1 : 0));
    metrics.sample(stopped, () => (this.#keeper.state === 'stopped' ? 1 : 0));
  }
}

function lagMs(queues: readonly PartitionQueue[]): number {
  const oldest = queues.flatMap(({ head }) => (head === undefined ? [] : [committedAt(head)])).filter((ms) => ms > 0);
  return oldest.length === 0 ? 0 : Math.max(0, Date.now() - Math.min(...oldest));
}

function bytesOf({ records }: ConsumedBatch): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
}
