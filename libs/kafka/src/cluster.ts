import { isRetryable, type Logger, retry, TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import { type Address, formatAddress, type KafkaConfig, parseAddress } from './config.ts';
import { BROKER_ERROR } from './error-table.ts';
import { BrokerConnection, type BrokerRequest } from './kafkajs-transport.ts';
import { type ClusterMetadata, METADATA, metadataRequest, readMetadata, type TopicMetadata } from './metadata.ts';

/** Brokers answer the requests of one connection one after the other: a waiting fetch must not hold up a produce. */
export type Line = 'control' | 'produce' | `fetch ${string}` | `group ${string}` | `transaction ${string}`;

interface Entry {
  readonly opening: Promise<BrokerConnection>;
  connection: BrokerConnection | undefined;
  failed: boolean;
}

/**
 * What is known of the cluster, and the connections to its brokers: one a broker and purpose, opened when first needed, opened again
 * after it ended.
 */
export class Cluster {
  readonly config: KafkaConfig;
  readonly logger: Logger;
  readonly #bootstrap: readonly Address[];
  readonly #connections = new Map<string, Entry>();
  readonly #topics = new Set<string>();
  /** `max.message.bytes` of the topics that were made, checked or described through `Topics`. */
  readonly maxMessageBytes: Map<string, number> = new Map();
  readonly #closing = new AbortController();
  /** Another object whenever there is news. */
  #metadata: ClusterMetadata & { readonly topics: Map<string, TopicMetadata> } = {
    brokers: new Map(),
    controllerId: -1,
    topics: new Map(),
  };
  #refreshing: Promise<void> | undefined;
  #turn = 0;

  constructor(config: KafkaConfig, logger: Logger) {
    this.config = config;
    this.logger = logger;
    this.#bootstrap = config.brokers.map(parseAddress);
    if (this.#bootstrap.length === 0) throw new TaplineError('KAFKA_CONFIG', { message: 'No broker is configured.' });
  }

  get addresses(): string {
    return this.#bootstrap.map(formatAddress).join(', ');
  }
  get closing(): AbortSignal {
    return this.#closing.signal;
  }
  get metadata(): ClusterMetadata {
    return this.#metadata;
  }

  /** The broker that leads the partition as far as known. */
  leader(topic: string, partition: number): number | undefined {
    const found = this.#metadata.topics.get(topic)?.partitions[partition]?.leader;
    return found === undefined || found < 0 || !this.#metadata.brokers.has(found) ? undefined : found;
  }

  /** Metadata of the topic, asked for when it is not known yet. @throws TaplineError TOPIC_MISSING (retryable), KAFKA_*. */
  async topic(topic: string, signal?: AbortSignal): Promise<TopicMetadata> {
    const known = this.#metadata.topics.get(topic);
    if (known !== undefined && known.errorCode === 0 && known.partitions.every(({ leader }) => leader >= 0))
      return known;
    this.#topics.add(topic);
    await this.refresh();
    signal?.throwIfAborted();
    return this.#checked(topic);
  }

  #checked(topic: string): TopicMetadata {
    const found = this.#metadata.topics.get(topic);
    if (found === undefined || found.errorCode === BROKER_ERROR.unknownTopicOrPartition) {
      throw new TaplineError('TOPIC_MISSING', { message: `Topic ${topic} does not exist.`, place: { topic } });
    }
    if (found.errorCode !== 0) throw brokerError(found.errorCode, 'metadata of a topic', { topic });
    return found;
  }

  /** Asks for the metadata of all topics in use. Calls that overlap share one request. */
  async refresh(topics: readonly string[] = []): Promise<void> {
    if (this.#refreshing !== undefined) {
      await this.#refreshing.catch(() => undefined);
    }
    for (const topic of topics) this.#topics.add(topic);
    this.#refreshing ??= this.#ask().finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  /** Asks for these topics only, and keeps what is known of the others: with thousands in use a question for all of them costs as much as they do. */
  async learn(topics: readonly string[]): Promise<ReadonlyMap<string, TopicMetadata>> {
    for (const topic of topics) this.#topics.add(topic);
    const found = readMetadata(await this.anyBroker({ ...METADATA, ...metadataRequest(topics) }));
    // Added to what is there: thousands are learned of in pieces.
    const { topics: known } = this.#metadata;
    for (const [topic, metadata] of found.topics) known.set(topic, metadata);
    this.#metadata = { ...found, topics: known };
    return found.topics;
  }

  async #ask(): Promise<void> {
    const body = await this.anyBroker({ ...METADATA, ...metadataRequest([...this.#topics]) });
    this.#metadata = readMetadata(body);
  }

  /** Asks who the brokers are and which of them controls, and for no topic. */
  async #askForBrokers(): Promise<void> {
    const found = readMetadata(await this.anyBroker({ ...METADATA, ...metadataRequest([]) }));
    this.#metadata = { ...found, topics: this.#metadata.topics };
  }

  /** Sends to the controller (with KRaft: to a broker that passes it on). @throws as anyBroker(). */
  async controller(request: BrokerRequest): Promise<Buffer> {
    if (!this.#metadata.brokers.has(this.#metadata.controllerId)) await this.refresh();
    return (await this.connection(this.#metadata.controllerId, 'control')).request(request);
  }

  /** Names of all topics there are. */
  async allTopics(): Promise<string[]> {
    const { topics } = readMetadata(await this.anyBroker({ ...METADATA, ...metadataRequest(null) }));
    return [...topics.keys()];
  }

  /** Sends to whichever broker answers. @throws TaplineError KAFKA_UNREACHABLE naming all addresses, KAFKA_AUTH, KAFKA_TLS. */
  async anyBroker(request: BrokerRequest): Promise<Buffer> {
    const known = [...this.#metadata.brokers.values()];
    const all = new Map([...known, ...this.#bootstrap].map((address) => [formatAddress(address), address]));
    const addresses = [...all.values()];
    let last: unknown;
    for (let i = 0; i < addresses.length; i++) {
      const address = addresses[(this.#turn + i) % addresses.length] as Address;
      try {
        const answer = await (await this.#connect(address, 'control')).request(request);
        this.#turn += i;
        return answer;
      } catch (error) {
        if (!isRetryable(error)) throw error;
        last = error;
      }
    }
    throw new TaplineError('KAFKA_UNREACHABLE', {
      message: `No broker answers at ${[...all.keys()].join(', ')}: ${(last as Error).message}`,
      place: { address: [...all.keys()].join(',') },
      cause: last,
    });
  }

  /** The connection to a broker for one purpose. @throws TaplineError KAFKA_UNREACHABLE (retryable), KAFKA_AUTH, KAFKA_TLS. */
  async connection(brokerId: number, line: Line): Promise<BrokerConnection> {
    const address = this.#metadata.brokers.get(brokerId);
    if (address === undefined) {
      throw new TaplineError('KAFKA_NOT_READY', { message: `Broker ${brokerId} is not in the cluster's metadata.` });
    }
    return this.#connect(address, line);
  }

  /** The connection when it is open already: spares a turn of the event loop. */
  openConnection(brokerId: number, line: Line): BrokerConnection | undefined {
    const address = this.#metadata.brokers.get(brokerId);
    if (address === undefined) return undefined;
    const connection = this.#connections.get(`${line} ${formatAddress(address)}`)?.connection;
    return connection === undefined || connection.expired ? undefined : connection;
  }

  /** The same by address (coordinators). */
  async connectTo(address: Address, line: Line): Promise<BrokerConnection> {
    return this.#connect(address, line);
  }

  #connect(address: Address, line: Line): Promise<BrokerConnection> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    const key = `${line} ${formatAddress(address)}`;
    const existing = this.#connections.get(key);
    if (existing !== undefined && !existing.failed && existing.connection?.expired !== true) return existing.opening;
    const opening = BrokerConnection.open(address, this.config, this.logger);
    const entry: Entry = { opening, connection: undefined, failed: false };
    this.#connections.set(key, entry);
    opening.then(
      (connection) => {
        entry.connection = connection;
        if (this.#closing.signal.aborted) connection.close();
      },
      () => {
        entry.failed = true;
      },
    );
    return opening;
  }

  /**
   * Runs an operation until it succeeds: retryable failures are logged, and tried again with fresh metadata. `leaderless`: the operation needs no partition's leader,
   * so topics are not asked for: with thousands in use each try would cost as much as they do.
   */
  async persist<T>(
    what: string,
    operation: () => Promise<T>,
    options: { signal?: AbortSignal; patienceMs?: number; leaderless?: boolean } = {},
  ): Promise<T> {
    const { signal, patienceMs, leaderless = false } = options;
    const stop = signal === undefined ? this.closing : AbortSignal.any([signal, this.closing]);
    return retry(operation, {
      signal: stop,
      firstDelayMs: 50,
      maxDelayMs: 5_000,
      ...(patienceMs === undefined ? {} : { deadlineMs: patienceMs }),
      onRetry: ({ error, attempt, delayMs }) => {
        const say = attempt < 3 ? 'debug' : 'warn';
        this.logger[say](`Kafka: ${what} failed, trying again`, { error, attempt, delayMs });
        const asking = leaderless ? this.#askForBrokers() : this.refresh();
        asking.catch(() => undefined);
      },
    });
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException('Kafka was closed', 'AbortError'));
    for (const { connection } of this.#connections.values()) connection?.close();
    this.#connections.clear();
  }
}
