import type { Kafka, OrderedProducer, TopicSpec, Topics } from '@tapline/kafka';
import { killPoint, Turns } from '@tapline/kernel';
import type { ReaderConfig } from '../config.ts';
import type { Checkpointer } from '../progress/checkpointer.ts';
import { topicChoice } from '../shape/topics.ts';
import type { Source } from '../source/open-source.ts';
import type { RouteTopics, TopicOfTable } from './routes.ts';
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
export class TopicOpener implements RouteTopics {
  readonly #options: TopicOpenerOptions;
  /** One call after the other: the stream and the first load must not open a topic twice. */
  readonly #turns = new Turns();

  constructor(options: TopicOpenerOptions) {
    this.#options = options;
  }

  /** @throws TaplineError TOPIC_NOT_COMPACTED, TOPIC_COMPACTED, TOPIC_PARTITIONS, CONFIG_INVALID. */
  async open(wanted: TopicOfTable): Promise<TopicLanes> {
    await this.openAll([wanted]);
    return this.#options.book.get(wanted.topic) as TopicLanes;
  }

  /** Opens what is not open, all together. Throws as `open` does, and then none of the new ones is open. */
  openAll(wanted: readonly TopicOfTable[]): Promise<void> {
    return this.#turns.take(() => this.#openNew(wanted));
  }

  async #openNew(wanted: readonly TopicOfTable[]): Promise<void> {
    const { config, kafka, producer, book, checkpointer, signal } = this.#options;
    for (const claim of wanted) book.claim(claim);
    const specs = new Map<string, TopicSpec>();
    for (const table of wanted) {
      if (book.get(table.topic) === undefined) specs.set(table.topic, topicSpec(config, table));
    }
    if (specs.size === 0) return;
    await kafka.topics.ensure([...specs.values()], signal);
    const found = await kafka.reader.endOffsetsOf([...specs.keys()], signal);
    killPoint('topic-created');
    // Before the first record: a restart could not tell else which records of the topics are this source's.
    await checkpointer.amend((last) => ({ ...last, offsets: new Map([...last.offsets, ...found]) }));
    for (const [topic, ends] of found) {
      const lanes = ends.map((end, partition) => producer.lane(topic, partition, { nextOffset: end }));
      book.add(new TopicLanes({ topic, lanes, next: ends, ends }));
    }
  }
}

/** A broker takes milliseconds for each topic that it makes: more than these are not waited for. */
const WAITED_FOR = 500;

/**
 * Makes the topics of all captured tables, and checks those that are there. Throws as `open` does.
 *
 * @returns those that are still to be made (see TopicMaker): all that are missing, where they are many.
 */
export async function ensureTopics(
  config: ReaderConfig,
  source: Pick<Source, 'tables' | 'keys' | 'shape'>,
  { topics }: { readonly topics: Pick<Topics, 'ensure' | 'existing'> },
  signal: AbortSignal,
): Promise<readonly TopicSpec[]> {
  const specs = topicSpecs(config, source);
  const there = new Set(
    await topics.existing(
      specs.map(({ topic }) => topic),
      signal,
    ),
  );
  const missing = specs.filter(({ topic }) => !there.has(topic));
  const later = missing.length > WAITED_FOR ? missing : [];
  await topics.ensure(later.length === 0 ? specs : specs.filter(({ topic }) => there.has(topic)), signal);
  return later;
}

/** Of these tables, each topic once. */
export function topicSpecs(
  config: ReaderConfig,
  { tables, keys, shape }: Pick<Source, 'tables' | 'keys' | 'shape'>,
): TopicSpec[] {
  const specs = tables.flatMap((table) => {
    const ofTable = shape.destinationOf(table);
    // An outbox names its topics row by row.
    if (ofTable.outbox !== undefined) return [];
    return [
      topicSpec(config, { ...topicChoice(config.name, table, ofTable), append: keys.columnsOf(table) === undefined }),
    ];
  });
  return [...new Map(specs.map((spec) => [spec.topic, spec])).values()];
}

function topicSpec(config: ReaderConfig, wanted: Omit<TopicOfTable, 'table' | 'shared'>): TopicSpec {
  const { topic, append } = wanted;
  const { replicationFactor } = config.topics;
  const partitions = wanted.partitions ?? config.topics.partitions;
  // Kafka refuses records without a key in compacted topics. Where a record holds a part of its row only, the newest one is not the row.
  const keepsAll = append || config.source.rowImage === 'partial';
  const kept: Record<string, string> = keepsAll ? { 'cleanup.policy': 'delete', 'retention.ms': '-1' } : {};
  return { topic, partitions, replicationFactor, config: { ...config.topics.config, ...kept, ...wanted.config } };
}
