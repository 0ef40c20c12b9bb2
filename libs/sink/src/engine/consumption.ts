import type { CommitOffset, ConsumedBatch, ConsumeOptions, ConsumerLoop, Kafka, TopicPartition } from '@tapline/kafka';
import { anySignal, isAbort, type Logger, orAbort, sleep, TaplineError } from '@tapline/kernel';

/** How long a rebalance waits for changes of partitions that go away: what is not settled by then is applied again by their next member. */
const REVOKE_MS = 10_000;

/** Fetched of one partition at a time: what is fetched is decoded as a whole, and changes are far larger in memory than their bytes. */
const PARTITION_BYTES = 262_144;

/** What takes the records of a group's member. */
export interface Taking {
  /** Rejects once, with what ends it for good. */
  readonly stopped: Promise<never>;
  /** Resolves when there is room for the partition's next batch. */
  accept(batch: ConsumedBatch): Promise<void>;
  /** These partitions are ours from now on. */
  assign(partitions: readonly TopicPartition[]): Promise<void>;
  /** They are not any more. */
  revoke(partitions: readonly TopicPartition[]): void;
  /** Resolves when what is in hand is settled, as far as it can be. */
  idle(): Promise<void>;
  /** Takes nothing more, and settles what is in hand. */
  drain(): Promise<void>;
  /** Offsets below which everything is settled and that were not committed yet. */
  uncommitted(): CommitOffset[];
  committed(offsets: readonly CommitOffset[]): void;
}

export interface ConsumptionOptions {
  readonly kafka: Pick<Kafka, 'consume'>;
  readonly engine: Taking;
  readonly consume: Omit<ConsumeOptions, 'onBatch' | 'onAssigned' | 'onRevoked' | 'partitionBytes' | 'fetchBytes'> & {
    readonly bufferBytes: number;
  };
  /** How often offsets of settled changes are committed. */
  readonly commitMs: number;
  readonly log: Logger;
}

/**
 * A member of a consumer group whose records go to an engine. Hand-over of partitions: nothing more is accepted, what is in hand is settled, the offsets are
 * committed, and only then does the member let the others have them. Where the sink does not settle in time, the engine forgets what waits.
 */
export class Consumption {
  readonly #options: ConsumptionOptions;
  #consumer: ConsumerLoop | undefined;
  #committing: Promise<void> = Promise.resolve();

  constructor(options: ConsumptionOptions) {
    this.#options = options;
  }

  get assigned(): readonly TopicPartition[] {
    return this.#consumer?.assigned ?? [];
  }

  /**
   * Consumes until `stop`: then what is in hand is settled and committed, and the group is left; `abort` ends that too. Resolves with what ended it
   * before: undefined when it was asked to stop.
   */
  async run(stop: AbortSignal, abort: AbortSignal): Promise<Error | undefined> {
    const { engine, consume, log } = this.#options;
    const consumer = await orAbort(this.#consume(), stop);
    this.#consumer = consumer;
    log.info('consuming', { group: consume.group, topics: consume.topics });
    const over = new AbortController();
    const commits = this.#commitPeriodically(anySignal(stop, over.signal));
    const failure = await this.#untilOver(consumer, stop);
    over.abort();
    await commits;
    await orAbort(engine.drain(), abort);
    await this.#commit();
    await consumer[Symbol.asyncDispose]();
    return failure;
  }

  #consume(): Promise<ConsumerLoop> {
    const { kafka, engine, consume } = this.#options;
    return kafka.consume({
      ...consume,
      partitionBytes: Math.min(PARTITION_BYTES, consume.bufferBytes),
      fetchBytes: 2 * consume.bufferBytes,
      onBatch: (batch) => engine.accept(batch),
      onAssigned: (partitions) => engine.assign(partitions),
      onRevoked: async (partitions) => {
        const late = new AbortController();
        await Promise.race([engine.idle(), sleep(REVOKE_MS, late.signal).catch(() => undefined)]);
        late.abort();
        await this.#commit();
        engine.revoke(partitions);
      },
    });
  }

  async #untilOver(consumer: ConsumerLoop, stop: AbortSignal): Promise<Error | undefined> {
    try {
      await orAbort(Promise.race([consumer.failed, this.#options.engine.stopped]), stop);
      return undefined;
    } catch (error) {
      if (isAbort(error, stop)) return undefined;
      return error instanceof Error
        ? error
        : new TaplineError('INTERNAL', { message: 'Consuming failed.', cause: error });
    }
  }

  async #commitPeriodically(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#options.commitMs, signal).catch(() => undefined);
      if (!signal.aborted) await this.#commit();
    }
  }

  /** A commit that fails is only a longer replay: it is tried again with the next one. */
  #commit(): Promise<void> {
    const mine = this.#committing.then(async () => {
      const { engine, log } = this.#options;
      const consumer = this.#consumer;
      const offsets = engine.uncommitted();
      if (offsets.length === 0 || consumer === undefined) return;
      try {
        await consumer.commit(offsets);
        engine.committed(offsets);
      } catch (error) {
        log.warn('offsets were not committed; they will be again', { error });
      }
    });
    this.#committing = mine;
    return mine;
  }
}
