import { sleep, TaplineError } from '@tapline/kernel';
import {
  CREATE_TOPICS,
  createTopicsRequest,
  DELETE_TOPICS,
  DESCRIBE_CONFIGS,
  deleteTopicsRequest,
  describeTopicConfigsRequest,
  readCreateTopics,
  readDeleteTopics,
  readDescribeConfigs,
  type TopicResult,
} from './admin-protocol.ts';
import { brokerError } from './classify.ts';
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
/** Topics made in one request, and asked for in one. */
const MADE_TOGETHER = 200;
const ASKED_TOGETHER = 1000;
/** Until a broker knows what the controller has decided. */
const AGAIN_MS = 50;
/** Of thousands of topics no other setting matters, and each has some forty. */
const CHECKED_SETTINGS: readonly string[] = ['cleanup.policy', 'max.message.bytes'];

export class Topics {
  readonly #cluster: Cluster;
  readonly #patienceMs: number | undefined;

  constructor(cluster: Cluster, patienceMs: number | undefined) {
    this.#cluster = cluster;
    this.#patienceMs = patienceMs;
  }

  /**
   * Makes the topics that are missing, and checks the others.
   * @throws TaplineError TOPIC_NOT_COMPACTED, TOPIC_COMPACTED, TOPIC_PARTITIONS: an existing topic must not be used as it is.
   */
  async ensure(specs: readonly TopicSpec[], signal?: AbortSignal): Promise<void> {
    // One that is deleted meanwhile is made anew.
    while (specs.length > 0 && !(await this.#ensureAll(specs, signal))) await sleep(AGAIN_MS, signal);
  }

  /** @returns whether all of them are there still. */
  async #ensureAll(specs: readonly TopicSpec[], signal: AbortSignal | undefined): Promise<boolean> {
    const before = await this.#metadata(namesOf(specs), signal);
    const missing = specs.filter(({ topic }) => isMissing(before.get(topic)));
    const there = specs.filter(({ topic }) => !isMissing(before.get(topic)));
    // Leaders are waited for once, when all topics are made: a broker works off thousands of them side by side.
    for (const some of chunksOf(missing, MADE_TOGETHER)) there.push(...(await this.#create(some, signal)));
    const made = missing.length === 0 ? before : await this.#metadata(namesOf(missing), signal, true);
    let allThere = true;
    for (const some of chunksOf(there, ASKED_TOGETHER)) {
      const found = new Map(some.map(({ topic }) => [topic, made.get(topic) ?? before.get(topic)]));
      if (!(await this.#check(some, found, signal))) allThere = false;
    }
    return allThere;
  }

  /** Names of all topics, Kafka's own excluded. */
  async list(signal?: AbortSignal): Promise<string[]> {
    const topics = await this.#persist('listing topics', () => this.#cluster.allTopics(), signal);
    return topics.filter((name) => !name.startsWith('__')).toSorted();
  }

  /** Undefined when the topic does not exist. */
  async describe(topic: string, signal?: AbortSignal): Promise<TopicDescription | undefined> {
    const found = (await this.#metadata([topic], signal)).get(topic);
    if (found === undefined || isMissing(found)) return undefined;
    const config = (await this.#configs([topic], signal)).get(topic) ?? {};
    return { topic, partitions: found.partitions.length, config };
  }

  /** Makes known what topics take that neither ensure() nor describe() has looked at, before lanes of them are opened. They must exist. */
  async learnLimits(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    const unknown = topics.filter((topic) => !this.#cluster.maxMessageBytes.has(topic));
    for (const some of chunksOf(unknown, ASKED_TOGETHER)) await this.#configs(some, signal, { keys: CHECKED_SETTINGS });
  }

  /** Those of the topics that there are. */
  async existing(topics: readonly string[], signal?: AbortSignal): Promise<string[]> {
    if (topics.length === 0) return [];
    const known = await this.#metadata(topics, signal);
    return topics.filter((topic) => !isMissing(known.get(topic)));
  }

  /** Deletes the topics that exist. For tests and for an explicit command only. */
  async delete(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    const there = await this.existing(topics, signal);
    if (there.length === 0) return;
    const attempt = async (): Promise<void> => {
      const body = await this.#cluster.controller({ ...DELETE_TOPICS, ...deleteTopicsRequest(there, this.#timeoutMs) });
      refuse(readDeleteTopics(body), 'deleting topics', BROKER_ERROR.unknownTopicOrPartition);
    };
    await this.#persist('deleting topics', attempt, signal);
  }

  /** Asks for the topics, and returns those that somebody else made first, or an earlier attempt of ours: they are checked like any other. */
  async #create(specs: readonly TopicSpec[], signal: AbortSignal | undefined): Promise<readonly TopicSpec[]> {
    const topics = specs.map((spec) => ({ ...spec, config: settings(spec) }));
    const there = new Set<string>();
    const attempt = async (): Promise<void> => {
      const body = await this.#cluster.controller({
        ...CREATE_TOPICS,
        ...createTopicsRequest(topics, this.#timeoutMs),
      });
      const results = readCreateTopics(body);
      for (const { topic, errorCode } of results) if (errorCode === BROKER_ERROR.topicAlreadyExists) there.add(topic);
      refuse(results, 'creating topics', BROKER_ERROR.topicAlreadyExists);
    };
    await this.#persist('creating topics', attempt, signal);
    for (const { topic, config } of topics) this.#noteLimit(topic, config);
    return specs.filter(({ topic }) => there.has(topic));
  }

  /** @returns whether all of them are there still. */
  async #check(
    specs: readonly TopicSpec[],
    known: ReadonlyMap<string, TopicMetadata | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const configs = await this.#configs(
      specs.map(({ topic }) => topic),
      signal,
      { keys: CHECKED_SETTINGS, mayBeGone: true },
    );
    for (const spec of specs) {
      const config = configs.get(spec.topic);
      if (config === undefined) return false;
      const found = known.get(spec.topic)?.partitions.length ?? 0;
      if (found !== spec.partitions) throw wrongPartitions(spec, found);
      const policy = config['cleanup.policy'] ?? '';
      const wantedPolicy = settings(spec)['cleanup.policy'];
      if (policy !== wantedPolicy) {
        throw wantedPolicy === 'compact' ? this.#notCompacted(spec.topic, policy) : this.#compacted(spec.topic, policy);
      }
    }
    return true;
  }

  /** `complete`: waits until every topic and a leader for each partition is known. */
  async #metadata(
    topics: readonly string[],
    signal: AbortSignal | undefined,
    complete = false,
  ): Promise<ReadonlyMap<string, TopicMetadata>> {
    const ask = async (): Promise<ReadonlyMap<string, TopicMetadata>> => {
      const known = await this.#cluster.learn(topics);
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
    return this.#persist('asking for topics', ask, signal);
  }

  /** Topics that are gone are waited for, or left out. */
  async #configs(
    topics: readonly string[],
    signal: AbortSignal | undefined,
    { keys, mayBeGone = false }: { readonly keys?: readonly string[]; readonly mayBeGone?: boolean } = {},
  ): Promise<Map<string, Readonly<Record<string, string>>>> {
    const attempt = async (): Promise<Map<string, Readonly<Record<string, string>>>> => {
      const body = await this.#cluster.anyBroker({ ...DESCRIBE_CONFIGS, ...describeTopicConfigsRequest(topics, keys) });
      const results = readDescribeConfigs(body);
      const expected = mayBeGone ? BROKER_ERROR.unknownTopicOrPartition : BROKER_ERROR.none;
      refuse(results, 'asking for the settings of topics', expected);
      const there = results.filter(({ errorCode }) => errorCode === BROKER_ERROR.none);
      for (const { topic, config } of there) this.#noteLimit(topic, config);
      return new Map(there.map(({ topic, config }) => [topic, config]));
    };
    return this.#persist('asking for the settings of topics', attempt, signal);
  }

  /** Lanes opened from now on know what the topic takes. */
  #noteLimit(topic: string, config: Readonly<Record<string, string>>): void {
    const limit = Number(config['max.message.bytes']);
    if (limit > 0) this.#cluster.maxMessageBytes.set(topic, limit);
  }

  get #timeoutMs(): number {
    return this.#cluster.config.requestTimeoutMs ?? 20_000;
  }

  #persist<T>(what: string, operation: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return this.#cluster.persist(what, operation, { ...this.#patience(signal), leaderless: true });
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
      message: `Topic ${topic} exists with cleanup.policy=${policy}, but must keep every record: they have no key, or each holds a part of its row only.`,
      place: { topic },
      remedy: `${this.#alter(topic)} cleanup.policy=delete,retention.ms=-1`,
    });
  }

  #alter(topic: string): string {
    return `kafka-configs.sh --bootstrap-server ${this.#cluster.addresses} --alter --entity-type topics --entity-name ${topic} --add-config`;
  }
}

function* chunksOf<T>(items: readonly T[], length: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += length) yield items.slice(at, at + length);
}

const namesOf = (specs: readonly TopicSpec[]): string[] => specs.map(({ topic }) => topic);

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

/** Throws the first error that is not the one expected. */
function refuse(results: readonly TopicResult[], what: string, expected = 0): void {
  const wrong = results.find(({ errorCode }) => errorCode !== 0 && errorCode !== expected);
  if (wrong === undefined) return;
  const { topic, errorCode, message } = wrong;
  throw brokerError(errorCode, message === '' ? what : `${what}: ${message}`, { topic });
}
