import type { Kafka, OrderedProducer, TopicSpec } from '@tapline/kafka';
import type { ReaderConfig } from '../config.ts';
import type { Checkpointer } from '../progress/checkpointer.ts';
import type { Source } from '../source/open-source.ts';
import { topicOf } from './routes.ts';
import type { TopicBook } from './topic-book.ts';
import { TopicLanes } from './topic-lanes.ts';

interface TopicOpenerOptions {
  readonly config: ReaderConfig;
  readonly kafka: Kafka;
  readonly producer: OrderedProducer;
  readonly book: TopicBook;
  readonly checkpointer: Checkpointer;
  readonly signal: AbortSignal;
}

/** Opens the topics of tables that the progress record does not know yet: tables made while the reader runs, or captured since. */
export class TopicOpener {
  readonly #options: TopicOpenerOptions;

  constructor(options: TopicOpenerOptions) {
    this.#options = options;
  }

  /** @throws TaplineError TOPIC_NOT_COMPACTED, TOPIC_COMPACTED, TOPIC_PARTITIONS, CONFIG_INVALID. */
  async open(topic: string, of: { readonly table: string; readonly append: boolean }): Promise<TopicLanes> {
    const { config, kafka, producer, book, checkpointer, signal } = this.#options;
    book.claim(topic, of.table);
    const known = book.get(topic);
    if (known !== undefined) return known;
    await kafka.topics.ensure([topicSpec(config, topic, of.append)], signal);
    const ends = await kafka.reader.endOffsets(topic, signal);
    const lanes = ends.map((end, partition) => producer.lane(topic, partition, { nextOffset: end }));
    const added = book.add(new TopicLanes({ topic, lanes, next: ends, ends }));
    // Before the first record: a restart could not tell else which records of the topic are this source's.
    await checkpointer.amend((last) => ({ ...last, offsets: new Map([...last.offsets, [topic, ends]]) }));
    return added;
  }
}

/** Makes the topics of all captured tables in one go, and checks those that are there. Throws as `open` does. */
export async function ensureTopics(
  config: ReaderConfig,
  source: Source,
  kafka: Kafka,
  signal: AbortSignal,
): Promise<void> {
  const specs = source.tables.map((table) =>
    topicSpec(config, topicOf(config.name, table), source.keys.columnsOf(table) === undefined),
  );
  await kafka.topics.ensure(specs, signal);
}

export function topicSpec(config: ReaderConfig, topic: string, append: boolean): TopicSpec {
  const { partitions, replicationFactor } = config.topics;
  // Kafka refuses records without a key in compacted topics.
  const kept: Record<string, string> = append ? { 'cleanup.policy': 'delete', 'retention.ms': '-1' } : {};
  return { topic, partitions, replicationFactor, config: { ...config.topics.config, ...kept } };
}
