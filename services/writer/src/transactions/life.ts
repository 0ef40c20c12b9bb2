import type { Kafka, KafkaRecord } from '@tapline/kafka';
import { backoffMs, type Deferred, deferred, isAbort, sleep, TaplineError } from '@tapline/kernel';
import {
  type Change,
  type Parking,
  type Place,
  type Places,
  placedAt,
  type Tally,
  type TransactionSink,
} from '@tapline/sink';
import { changesOf, type Pipeline } from '../pipeline.ts';
import type { Gatherer, Step, StepLimits } from './gatherer.ts';
import type { PartitionQueue, Waiting } from './queue.ts';
import type { ProgressFollower } from './watermark.ts';

/** How long what is not whole waits for records before the reader's progress is asked. */
const LOOK_MS = 300;

export interface LifeParts {
  readonly gatherer: Gatherer;
  readonly sink: TransactionSink;
  readonly pipeline: Pipeline;
  readonly kafka: Pick<Kafka, 'reader'>;
  readonly progress: Pick<ProgressFollower, 'newest'>;
  readonly parking: Parking | undefined;
  readonly enter: (state: 'consuming' | 'retrying', error?: unknown) => void;
  readonly tally: Tally;
  readonly limits: Pick<StepLimits, 'changes' | 'bytes' | 'partitionBytes'>;
  readonly retries: (code: string) => void;
}

/** Applies what a gatherer gives, step after step, from the time that the partitions come until they go. */
export class Life {
  readonly #parts: LifeParts;
  readonly #abort = new AbortController();
  /** Of the open transaction of the target: what was read of each partition and is not in memory any more, as offsets from … to. */
  readonly #pieces = new Map<PartitionQueue, [number, number]>();
  readonly #running: Promise<void>;
  #ending = false;
  #news: Deferred<void> = deferred();
  #moved: Deferred<void> = deferred();
  /** Where partitions go on, as this life has noted it in the target. */
  #noted: ReadonlyMap<string, number> = new Map();
  #isBusy = false;

  constructor(parts: LifeParts, failed: (error: unknown) => void) {
    this.#parts = parts;
    this.#running = this.#run().catch((error: unknown) => {
      if (!isAbort(error, this.#abort.signal)) failed(error);
    });
  }

  get gatherer(): Gatherer {
    return this.#parts.gatherer;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A step is in hand. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Where partitions go on: below, all is applied. Also before the first step, as the target may be ahead of what the group has committed, and behind what a filter leaves out: a statement
   * waits until the group has committed everything in front of it, and all that is left may wait for the statement.
   */
  get places(): ReadonlyMap<string, number> {
    return this.#isBusy || this.#pieces.size > 0 ? this.#noted : this.gatherer.places();
  }

  /** Something was read. */
  wake(): void {
    this.#news.resolve();
  }

  /** Resolves when it holds, or when nothing is taken any more. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#ending) await this.#moved.promise;
  }

  /** Ends behind the step in hand. What is not whole is taken back. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#news.resolve();
    this.#moved.resolve();
    await this.#running;
    await this.#parts.sink.rollBack();
  }

  /** Ends at once. */
  abort(): void {
    this.#ending = true;
    this.#moved.resolve();
    this.#abort.abort();
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      const step = await this.#look();
      if (step === undefined) continue;
      await this.#apply(step);
      this.#isBusy = false;
      this.#hasMoved();
    }
  }

  /** The next step, or undefined when something came that it may be made of. */
  async #look(): Promise<Step | undefined> {
    const { gatherer, enter } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      try {
        const news = deferred<void>();
        this.#news = news;
        const step = await this.#next();
        const isWaiting = step === undefined && gatherer.isWaiting;
        if (isWaiting) await this.#untilNewsOrProgress(news);
        if (attempt > 1) enter('consuming');
        if (step === undefined && !isWaiting) await news.promise;
        return step;
      } catch (error) {
        await this.#waitFor(error, attempt);
      }
    }
  }

  #hasMoved(): void {
    this.#moved.resolve();
    this.#moved = deferred();
  }

  /** What came while it was asked what has to wait, waits too: nobody asked for it. */
  async #next(): Promise<Step | undefined> {
    const { gatherer, sink, limits } = this.#parts;
    const queues = [...gatherer.queues];
    const heads = queues.flatMap(({ head }) => (head === undefined ? [] : [head.change]));
    const known = new Map(queues.map((queue) => [queue, queue.position]));
    const holds = heads.length === 0 ? undefined : await sink.holds(heads, this.signal);
    const isHeld = ({ queue, offset }: Waiting): boolean =>
      offset >= (known.get(queue) ?? 0) || holds?.({ topic: queue.topic, partition: queue.partition, offset }) === true;
    const step = gatherer.take({ ...limits, transactions: Number.POSITIVE_INFINITY, isHeld });
    this.#isBusy = step !== undefined;
    return step;
  }

  /** Where some records wait for others: until more come, or until the reader may have said that nothing more comes. */
  async #untilNewsOrProgress(news: Deferred<void>): Promise<void> {
    const { gatherer, progress } = this.#parts;
    const over = new AbortController();
    await Promise.race([news.promise, sleep(LOOK_MS, over.signal).catch(() => undefined)]);
    over.abort();
    if (news.settled || this.#ending) return;
    const watermark = await progress.newest(this.signal);
    if (watermark !== undefined) gatherer.passed(watermark);
  }

  /** Applies a step, and again what was rolled back with it, until it is applied. */
  async #apply(step: Step): Promise<void> {
    const { sink, enter } = this.#parts;
    for (let attempt = 1; ; attempt++) {
      try {
        if (attempt > 1) await this.#writePieces();
        await this.#write(step);
        if (attempt > 1) enter('consuming');
        return;
      } catch (error) {
        await sink.rollBack();
        await this.#waitFor(error, attempt);
      }
    }
  }

  /** Waits where that mends it, and throws what it does not mend. */
  async #waitFor(error: unknown, attempt: number): Promise<void> {
    const { enter, retries } = this.#parts;
    if (!(error instanceof TaplineError) || error.disposition !== 'retryable') throw error;
    if (this.#ending) throw this.#aborted();
    retries(error.code);
    enter('retrying', error);
    await sleep(backoffMs(attempt, { firstDelayMs: 50, maxDelayMs: 5000 }), this.signal);
  }

  #aborted(): unknown {
    this.#abort.abort();
    return this.signal.reason;
  }

  async #write({ kind, changes }: Step): Promise<void> {
    const { tally } = this.#parts;
    const stale = await this.#writeAll(changes);
    // What is apart goes with the open transaction, if there is one: it may stand in front of the rest of it.
    if (kind === 'piece' || (kind === 'apart' && this.#pieces.size > 0)) this.#notePieces(changes);
    else await this.#commit();
    tally.settled(changes, stale);
  }

  async #commit(): Promise<void> {
    const { gatherer, sink } = this.#parts;
    const all = gatherer.places();
    const places = new Map([...all].filter(([name, place]) => this.#noted.get(name) !== place));
    await sink.commit({ version: gatherer.applied, places }, this.signal);
    this.#noted = all;
    this.#pieces.clear();
  }

  /** Gives how many were applied already. */
  async #writeAll(changes: readonly Waiting[]): Promise<number> {
    const { limits } = this.#parts;
    let stale = 0;
    for (let at = 0; at < changes.length; at += limits.changes) {
      stale += await this.#writeSome(changes.slice(at, at + limits.changes));
    }
    return stale;
  }

  async #writeSome(changes: readonly Waiting[]): Promise<number> {
    const { verdicts, errors } = await this.#parts.sink.write(
      changes.map(({ change }) => change),
      placesOf(changes),
      this.signal,
    );
    let stale = 0;
    for (const [index, waiting] of changes.entries()) {
      if (verdicts[index] === 'stale') stale++;
      else if (verdicts[index] === 'poison') await this.#park(waiting, errors.get(index));
    }
    return stale;
  }

  async #park({ queue, offset, record }: Waiting, error: TaplineError | undefined): Promise<void> {
    const { parking, tally } = this.#parts;
    const cause = error ?? new TaplineError('INTERNAL', { message: 'The sink did not say why a change failed.' });
    const placed = placedAt(cause, queue, offset);
    if (parking === undefined || record === undefined) throw placed;
    await parking.park(queue, record, { error: placed, attempts: 1 });
    tally.parked();
  }

  #notePieces(changes: readonly Waiting[]): void {
    for (const { queue, offset } of changes) {
      const known = this.#pieces.get(queue);
      this.#pieces.set(queue, [known?.[0] ?? offset, offset + 1]);
    }
  }

  /** Writes once more what was read, written and rolled back: Kafka has it still. */
  async #writePieces(): Promise<void> {
    const { kafka, pipeline, limits } = this.#parts;
    for (const [queue, [from, to]] of this.#pieces) {
      const { topic, partition } = queue;
      const range = {
        topic,
        partition,
        from: BigInt(from),
        to: BigInt(to),
        fetchBytes: 1_048_576,
        signal: this.signal,
      };
      for await (const records of kafka.reader.read(range)) {
        const changes: Waiting[] = [];
        for (const record of records) changes.push(...(await this.#readAgain(pipeline, queue, record)));
        for (let at = 0; at < changes.length; at += limits.changes) {
          await this.#writeSome(changes.slice(at, at + limits.changes));
        }
      }
    }
  }

  async #readAgain(pipeline: Pipeline, queue: PartitionQueue, record: KafkaRecord): Promise<Waiting[]> {
    const decoded = await pipeline.decode(queue, record);
    const shared = { queue, offset: Number(record.offset), bytes: 0, record, transaction: undefined, isLoaded: false };
    return changesOf(decoded).map((change: Change) => ({ ...shared, change }));
  }
}

function placesOf(changes: readonly Waiting[]): Places {
  return {
    at(index): Place {
      const { queue, offset } = changes[index] as Waiting;
      return { topic: queue.topic, partition: queue.partition, offset };
    },
  };
}
