import type { Fence, Kafka, ProgressStore } from '@tapline/kafka';
import { killPoint, type Logger, type TaplineError } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import { decodeProgress, encodeProgress, type ProgressRecord, progressTopicOf } from '../progress/record.ts';
import type { Fences, Gaps } from './fences.ts';
import { WrittenTopics } from './written-topics.ts';

/**
 * One life of a reader as the only writer of its topics. How it begins, and why in this order:
 *
 *   1. Kafka gives the next epoch.
 *   2. Earlier lives are shut out of the progress topic. What stands there now is the newest record that there will ever be of them, with all topics
 *      that they have declared.
 *   3. They are shut out of those topics. From here on nobody else can append anything anywhere, and the ends of the partitions stand.
 *   4. The first progress record of this life says under which epoch, and which offsets beyond its own hold markers instead of changes.
 *   5. Before this life writes to a topic, it declares it.
 *
 * A life that is stopped takes its declarations back. One that dies after any of these steps leaves markers at the ends of partitions, which the next one finds there.
 */
export class Life implements AsyncDisposable {
  readonly fence: Fence;
  /** The progress topic, in which nobody else writes any more. */
  readonly store: ProgressStore;
  readonly written: WrittenTopics;
  /** The newest progress record of earlier lives. */
  readonly kept: ProgressRecord | undefined;
  readonly #source: string;
  #records = 0;

  private constructor(source: string, parts: Pick<Life, 'fence' | 'store' | 'written'>) {
    this.fence = parts.fence;
    this.store = parts.store;
    this.written = parts.written;
    this.#source = source;
    const kept = parts.store.get(source);
    this.kept = kept && decodeProgress(kept, progressTopicOf(source));
  }

  /** Lives of this source that came to write a progress record, this one included. */
  get epoch(): number {
    return (this.kept?.fences?.epoch ?? 0) + 1;
  }

  /** Whether it has written anything. */
  get used(): boolean {
    return this.#records > 0 || this.written.declarations > 0;
  }

  /** What the progress records of this life say of it. */
  fences(gaps: ReadonlyMap<string, Gaps>): Fences {
    const { id, epoch } = this.fence.identity;
    return { epoch: this.epoch, producerId: id, producerEpoch: epoch, gaps };
  }

  /**
   * Steps 1 to 3. `over`: see FenceOptions.
   * @throws TaplineError KAFKA_FENCED when another life begins meanwhile; KAFKA_NOT_ALLOWED, PROGRESS_UNREADABLE.
   */
  static async begin(
    config: ReaderConfig,
    kafka: Kafka,
    { over, log, signal }: { over?: (() => TaplineError | undefined) | undefined; log: Logger; signal: AbortSignal },
  ): Promise<Life> {
    const { name, topics } = config;
    for (;;) {
      await using opened = new AsyncDisposableStack();
      const fence = opened.use(await kafka.fence({ transactionalId: transactionalIdOf(name), over }, signal));
      const progress = { topic: progressTopicOf(name), replicationFactor: topics.replicationFactor, fence };
      const store = opened.use(await kafka.progress(progress, signal));
      const written = new WrittenTopics(store, name, fence);
      const there = await kafka.topics.existing([...written.earlier], signal);
      await fence.shutOut(there, signal);
      killPoint('fenced');
      if (!fence.spent) {
        const life = new Life(name, { fence, store, written });
        opened.move();
        return life;
      }
      log.info('the producer id has no more epochs, beginning again with another one', { epoch: fence.identity.epoch });
    }
  }

  /** Resolves when the record is durable. */
  async save(record: ProgressRecord, signal: AbortSignal): Promise<void> {
    const stale = this.#records++ === 0 ? [] : this.written.takeStale();
    await this.store.saveAll([...stale, [this.#source, encodeProgress(record)]], signal);
  }

  /**
   * The end of a life that has nothing under way: everything that it sent is acknowledged, and it sends nothing more. `record` is its last one, saved
   * once more with word that nobody needs to be shut out of anything. So a reader that was stopped leaves no work for the next start.
   */
  async finish(record: ProgressRecord): Promise<void> {
    const declared = this.written.takeAll();
    if (declared.length > 0) await this.store.saveAll([...declared, [this.#source, encodeProgress(record)]]);
  }

  /** Whether this life has put a marker into each partition of the topic. */
  hasShutOut(topic: string): boolean {
    return this.written.earlier.has(topic);
  }

  /** Whether the life that wrote the record can be shut out by this one: its epochs are of the same producer id. */
  shutsOut({ fences }: ProgressRecord): boolean {
    return fences !== undefined && fences.producerId === this.fence.identity.id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    await this.fence[Symbol.asyncDispose]();
  }
}

/** What an ACL must allow: Write and Describe on this transactional id. */
export function transactionalIdOf(source: string): string {
  return `tapline.${source}`;
}
