import { type ConsumerLoop, type Kafka, partitionName, type TopicPartition } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { WriterConfig } from '../config.ts';
import { topicsNow, topicsOf } from '../topics.ts';
import type { Range } from './range.ts';

/** The writer whose topics are replayed, as its consumer group shows it: how far it has come, and a way to let it wait. */
export class LiveWriter {
  readonly #config: WriterConfig;
  readonly #kafka: Kafka;
  readonly #signal: AbortSignal;

  constructor(config: WriterConfig, kafka: Kafka, signal: AbortSignal) {
    this.#config = config;
    this.#kafka = kafka;
    this.#signal = signal;
  }

  /**
   * What it has applied beyond these ranges, partition by partition, those that are new included. Never more than it has applied itself: with this a second target
   * comes to hold just what the live one does. A writer that has never committed is taken for one at the ends of its topics.
   */
  async beyond(ranges: readonly Range[]): Promise<Range[]> {
    const { source, name } = this.#config;
    const { reader } = this.#kafka;
    const stored = await this.#kafka.offsets(name).stored(this.#signal);
    const committed = new Map(stored.map((offset) => [partitionName(offset), offset.offset]));
    const known = new Map(ranges.map((range) => [partitionName(range), range]));
    const found: Range[] = [];
    for (const topic of await topicsNow(this.#kafka, source.topics, this.#signal)) {
      const starts = await reader.startOffsets(topic, this.#signal);
      const ends = committed.size > 0 ? starts : await reader.endOffsets(topic, this.#signal);
      for (const [partition, start] of starts.entries()) {
        const before = known.get(partitionName({ topic, partition }));
        const position = before?.to ?? start;
        const live = committed.get(partitionName({ topic, partition })) ?? (ends[partition] as bigint);
        const to = live > position ? live : position;
        found.push({ topic, partition, from: before?.from ?? start, position, to });
      }
    }
    return found;
  }

  /**
   * Takes all of its partitions: its members settle and commit what they have, and wait until the hold is disposed of, or its process has died for a session.
   *
   * @throws TaplineError REPLAY_INTO: its members do not give these partitions up.
   */
  async hold(partitions: readonly TopicPartition[]): Promise<ConsumerLoop> {
    const { source, name } = this.#config;
    const hold = await this.#kafka.consume({
      group: name,
      ...topicsOf(source.topics),
      sessionTimeoutMs: source.sessionTimeoutMs,
      holds: true,
      onBatch: () => Promise.resolve(),
    });
    const held = new Set(hold.assigned.map(partitionName));
    const missing = partitions.find((partition) => !held.has(partitionName(partition)));
    if (missing === undefined) return hold;
    await hold[Symbol.asyncDispose]();
    throw new TaplineError('REPLAY_INTO', {
      message: `The members of the group ${name} do not give up partition ${missing.partition} of ${missing.topic}.`,
      place: { topic: missing.topic, partition: missing.partition },
      remedy: 'All of them must run this version of Tapline. The second target is filled: `--resume` tries once more.',
    });
  }
}
