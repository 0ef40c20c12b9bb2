import { TaplineError } from '@tapline/kernel';
import type { Admin } from 'kafkajs';
import { classifyKafkaError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { BROKER_ERROR } from './error-table.ts';
import type { TopicMetadata } from './metadata.ts';

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** -1: the brokers' default. */
  readonly replicationFactor: number;
  /** Default true. False for records without a key, which a compacted topic refuses: such a topic keeps everything. */
  readonly compacted?: boolean | undefined;
  /** Topic settings on top of, or instead of, the defaults below. */
  readonly config?: Readonly<Record<string, string>> | undefined;
}

export interface TopicDescription {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** An hour: a writer that restarts still sees every change, not only the newest of each key. */
const MIN_COMPACTION_LAG_MS = 3_600_000;
/** Room for a row of some megabytes twice: before and after. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Topics asked for or made in one request. */
const CHUNK = 200;

/** DescribeConfigs: resource type TOPIC. */
const TOPIC_RESOURCE = 2;

export class Topics {
  readonly #cluster: Cluster;
  readonly #admin: () => Promise<Admin>;
  readonly #patienceMs: number | undefined;

  constructor(cluster: Cluster, admin: () => Promise<Admin>, patienceMs: number | undefined) {
    this.#cluster = cluster;
    this.#admin = admin;
    this.#patienceMs = patienceMs;
  }

  /**
   * Makes the topics that are missing, and checks the others.
   * @throws TaplineError TOPIC_NOT_COMPACTED, TOPIC_COMPACTED, TOPIC_PARTITIONS: an existing topic must not be used as it is.
   */
  async ensure(specs: readonly TopicSpec[], signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < specs.length; at += CHUNK) await this.#ensureSome(specs.slice(at, at + CHUNK), signal);
  }

  async #ensureSome(specs: readonly TopicSpec[], signal: AbortSignal | undefined): Promise<void> {
    const names = specs.map(({ topic }) => topic);
    const before = await this.#metadata(names, signal);
    const missing = specs.filter(({ topic }) => isMissing(before.get(topic)));
    if (missing.length > 0) await this.#create(missing, signal);
    const there = specs.filter((spec) => !missing.includes(spec));
    if (there.length > 0) await this.#check(there, before, signal);
  }

  /** Names of all topics, Kafka's own excluded. */
  async list(signal?: AbortSignal): Promise<string[]> {
    const names = await this.#run('listing topics', (admin) => admin.listTopics(), signal);
    return names.filter((name) => !name.startsWith('__')).toSorted();
  }

  /** Undefined when the topic does not exist. */
  async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
    const found = (await this.#metadata([topic], signal)).get(topic);
    if (found === undefined || isMissing(found)) return undefined;
    const config = (await this.#configs([topic], signal)).get(topic) ?? {};
    return { topic, partitions: found.partitions.length, config };
  }

  /** Deletes the topics that exist. For tests and for an explicit command only. */
  async delete(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    const known = await this.#metadata(topics, signal);
    const there = topics.filter((topic) => !isMissing(known.get(topic)));
    if (there.length > 0) await this.#run('deleting topics', (admin) => admin.deleteTopics({ topics: there }), signal);
  }

  async #create(specs: readonly TopicSpec[], signal: AbortSignal | undefined): Promise<void> {
    const topics = specs.map((spec) => ({
      topic: spec.topic,
      numPartitions: spec.partitions,
      replicationFactor: spec.replicationFactor,
      configEntries: Object.entries(settings(spec)).map(([name, value]) => ({ name, value })),
    }));
    // False: somebody made one of them first; then it is checked like any other.
    const made = await this.#run(
      'creating topics',
      (admin) => admin.createTopics({ topics, waitForLeaders: false }),
      signal,
    );
    const known = await this.#metadata(
      specs.map(({ topic }) => topic),
      signal,
      true,
    );
    if (!made) await this.#check(specs, known, signal);
  }

  async #check(
    specs: readonly TopicSpec[],
    known: ReadonlyMap<string, TopicMetadata>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const configs = await this.#configs(
      specs.map(({ topic }) => topic),
      signal,
    );
    for (const spec of specs) {
      const found = known.get(spec.topic)?.partitions.length ?? 0;
      if (found !== spec.partitions) throw wrongPartitions(spec, found);
      const policy = configs.get(spec.topic)?.['cleanup.policy'] ?? '';
      const wantedPolicy = settings(spec)['cleanup.policy'];
      if (policy !== wantedPolicy) {
        throw wantedPolicy === 'compact' ? this.#notCompacted(spec.topic, policy) : this.#compacted(spec.topic, policy);
      }
    }
  }

  /** `complete`: waits until every topic and a leader for each partition is known. */
  async #metadata(
    topics: readonly string[],
    signal: AbortSignal | undefined,
    complete = false,
  ): Promise<ReadonlyMap<string, TopicMetadata>> {
    const ask = async (): Promise<ReadonlyMap<string, TopicMetadata>> => {
      await this.#cluster.refresh(topics);
      const known = this.#cluster.metadata.topics;
      const late = topics.find((topic) => {
        const found = known.get(topic);
        return found === undefined || found.errorCode !== 0 || found.partitions.some(({ leader }) => leader < 0);
      });
      if (complete && late !== undefined) {
        throw new TaplineError('KAFKA_NOT_READY', {
          message: `Topic ${late} has no leaders yet.`,
          place: { topic: late },
        });
      }
      return known;
    };
    return this.#cluster.persist('asking for topics', ask, this.#patience(signal));
  }

  async #configs(
    topics: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Map<string, Record<string, string>>> {
    const resources = topics.map((name) => ({ type: TOPIC_RESOURCE, name }));
    const answer = await this.#run(
      'asking for topic settings',
      (admin) => admin.describeConfigs({ resources, includeSynonyms: false }),
      signal,
    );
    return new Map(
      answer.resources.map(({ resourceName, configEntries }) => [
        resourceName,
        Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    );
  }

  #run<T>(what: string, operation: (admin: Admin) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const attempt = async (): Promise<T> => {
      try {
        return await operation(await this.#admin());
      } catch (error) {
        throw classifyKafkaError(firstOf(error), { address: this.#cluster.addresses });
      }
    };
    return this.#cluster.persist(what, attempt, this.#patience(signal));
  }

  #patience(signal: AbortSignal | undefined): { signal?: AbortSignal; patienceMs?: number } {
    return {
      ...(signal === undefined ? {} : { signal }),
      ...(this.#patienceMs === undefined ? {} : { patienceMs: this.#patienceMs }),
    };
  }

  #notCompacted(topic: string, policy: string): TaplineError {
    return new TaplineError('TOPIC_NOT_COMPACTED', {
      message: `Topic ${topic} exists with cleanup.policy=${policy}: Kafka would delete rows with time.`,
      place: { topic },
      remedy: `${this.#alter(topic)} cleanup.policy=compact`,
    });
  }

  #compacted(topic: string, policy: string): TaplineError {
    return new TaplineError('TOPIC_COMPACTED', {
      message: `Topic ${topic} exists with cleanup.policy=${policy}, but its records have no key: Kafka would refuse them.`,
      place: { topic },
      remedy: `${this.#alter(topic)} cleanup.policy=delete,retention.ms=-1`,
    });
  }

  #alter(topic: string): string {
    return `kafka-configs.sh --bootstrap-server ${this.#cluster.addresses} --alter --entity-type topics --entity-name ${topic} --add-config`;
  }
}

function isMissing(found: TopicMetadata | undefined): boolean {
  return found === undefined || found.errorCode === BROKER_ERROR.unknownTopicOrPartition;
}

function settings(spec: TopicSpec): Record<string, string> {
  return {
    ...((spec.compacted ?? true)
      ? { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': String(MIN_COMPACTION_LAG_MS) }
      : { 'cleanup.policy': 'delete', 'retention.ms': '-1' }),
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
    ...(spec.replicationFactor >= 3 ? { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false' } : {}),
    ...spec.config,
  };
}

function wrongPartitions(spec: TopicSpec, found: number): TaplineError {
  return new TaplineError('TOPIC_PARTITIONS', {
    message: `Topic ${spec.topic} has ${found} partitions, configured are ${spec.partitions}.`,
    place: { topic: spec.topic },
    remedy: `Set topics.partitions: ${found}, or publish under another source name: with another count, keys would move and lose their order.`,
  });
}

/** kafkajs collects the errors of several topics in one. */
function firstOf(error: unknown): unknown {
  const { errors } = error as { errors?: readonly unknown[] };
  return errors?.[0] ?? error;
}
