import { type Logger, silentLogger } from '@tapline/kernel';
import kafkajs, { type Admin, type KafkaConfig as KafkajsConfig } from 'kafkajs';
import { ClaimReader } from './claims/claim-reader.ts';
import { Cluster } from './cluster.ts';
import { type KafkaConfig, tlsOptions } from './config.ts';
import type { ConsumeOptions, ConsumerLoop } from './consumer.ts';
import { startConsumer } from './consumer-loop.ts';
import { Coordinator } from './coordinator.ts';
import { Fence, type FenceOptions } from './fence/fence.ts';
import { GroupOffsets } from './group-offsets.ts';
import { kafkajsLogCreator } from './kafkajs-logger.ts';
import { Candidate, type CandidateOptions } from './leader/candidate.ts';
import { LogReader } from './log-reader.ts';
import { BatchingProducer, type OrderedProducer, type ProducerOptions } from './producer.ts';
import { type ProgressOptions, type ProgressStore, TopicProgressStore } from './progress.ts';
import { Topics } from './topics.ts';

export interface OpenKafkaOptions {
  readonly logger?: Logger | undefined;
  /** How long retryable failures are retried before they are thrown. Default: without end. Producing always goes on without end. */
  readonly patienceMs?: number | undefined;
}

export interface Kafka extends AsyncDisposable {
  readonly topics: Topics;
  readonly reader: LogReader;
  /** Gets values that were put aside; what fails for half a minute is thrown. */
  readonly claims: ClaimReader;
  producer(options?: ProducerOptions): OrderedProducer;
  progress(options: ProgressOptions, signal?: AbortSignal): Promise<ProgressStore>;
  consume(options: ConsumeOptions): Promise<ConsumerLoop>;
  /** What a consumer group has stored, from outside of it. */
  offsets(group: string): GroupOffsets;
  /** Begins a life as the one writer of some topics. Give it to the producers, and shut earlier lives out before the topics are looked at. */
  fence(options: FenceOptions, signal?: AbortSignal): Promise<Fence>;
  /** Whether a life may begin under this id, as far as that can be told without shutting anybody out. @throws TaplineError KAFKA_NOT_ALLOWED, KAFKA_*. */
  checkTransactionalId(transactionalId: string): Promise<void>;
  /** Joins a group of which one member leads, and stays in it until it is closed. */
  candidate(options: CandidateOptions): Candidate;
  /** Asks a broker for the cluster. @throws TaplineError KAFKA_UNREACHABLE, KAFKA_AUTH, KAFKA_TLS. */
  check(): Promise<{ brokers: readonly string[] }>;
  /** kafkajs' admin client, for what is not wrapped here. Its errors need classifyKafkaError(). */
  admin(): Promise<Admin>;
}

/** As long as a topic may be unknown to the brokers before the producer holds it to be gone. */
const CLAIM_PATIENCE_MS = 30_000;

/** Connects lazily: the first operation finds out whether the brokers answer. @throws TaplineError KAFKA_CONFIG. */
export function openKafka(config: KafkaConfig, options: OpenKafkaOptions = {}): Kafka {
  return new KafkaClient(config, options);
}

class KafkaClient implements Kafka {
  readonly topics: Topics;
  readonly reader: LogReader;
  readonly claims: ClaimReader;
  readonly #cluster: Cluster;
  readonly #kafkajs: kafkajs.Kafka;
  readonly #patienceMs: number | undefined;
  readonly #owned = new Set<AsyncDisposable>();
  #admin: Promise<Admin> | undefined;

  constructor(config: KafkaConfig, options: OpenKafkaOptions) {
    const logger = options.logger ?? silentLogger;
    this.#cluster = new Cluster(config, logger);
    this.#kafkajs = new kafkajs.Kafka(kafkajsConfig(config, logger));
    this.#patienceMs = options.patienceMs;
    this.topics = new Topics(this.#cluster, options.patienceMs);
    this.reader = new LogReader(this.#cluster, options.patienceMs);
    const claimPatienceMs = options.patienceMs ?? CLAIM_PATIENCE_MS;
    this.claims = new ClaimReader(new LogReader(this.#cluster, claimPatienceMs), claimPatienceMs);
  }

  producer(options: ProducerOptions = {}): OrderedProducer {
    // Not held beyond its end: a client outlives many producers.
    const producer: BatchingProducer = new BatchingProducer(this.#cluster, options, () => {
      this.#owned.delete(producer);
    });
    return this.#own(producer);
  }

  async progress(options: ProgressOptions, signal?: AbortSignal): Promise<ProgressStore> {
    const producer = (): OrderedProducer =>
      new BatchingProducer(this.#cluster, { batchBytes: 65_536, bufferBytes: 4_194_304, life: options.fence });
    return this.#own(
      await TopicProgressStore.open(options, { topics: this.topics, reader: this.reader, producer }, signal),
    );
  }

  async consume(options: ConsumeOptions): Promise<ConsumerLoop> {
    return this.#own(await startConsumer(this.#cluster, options));
  }

  offsets(group: string): GroupOffsets {
    return new GroupOffsets(this.#cluster, group, this.#patienceMs);
  }

  async fence(options: FenceOptions, signal?: AbortSignal): Promise<Fence> {
    return this.#own(await Fence.open(this.#cluster, options, signal));
  }

  async checkTransactionalId(transactionalId: string): Promise<void> {
    const coordinator = new Coordinator(this.#cluster, 'transaction', transactionalId);
    const within = this.#patienceMs === undefined ? {} : { patienceMs: this.#patienceMs };
    await this.#cluster.persist(`finding ${transactionalId}`, () => coordinator.locate(), within);
  }

  candidate(options: CandidateOptions): Candidate {
    return this.#own(new Candidate(this.#cluster, options));
  }

  async check(): Promise<{ brokers: readonly string[] }> {
    await this.#cluster.refresh();
    return { brokers: [...this.#cluster.metadata.brokers.values()].map(({ host, port }) => `${host}:${port}`) };
  }

  admin(): Promise<Admin> {
    this.#admin ??= this.#connectAdmin();
    return this.#admin;
  }

  async #connectAdmin(): Promise<Admin> {
    const admin = this.#kafkajs.admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.#admin = undefined;
      throw error;
    }
  }

  #own<T extends AsyncDisposable>(part: T): T {
    this.#owned.add(part);
    return part;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [...this.#owned].toReversed()) await part[Symbol.asyncDispose]();
    this.#owned.clear();
    const admin = await this.#admin?.catch(() => undefined);
    this.#admin = undefined;
    await admin?.disconnect();
    this.#cluster.close();
  }
}

function kafkajsConfig(config: KafkaConfig, logger: Logger): KafkajsConfig {
  const tls = tlsOptions(config.tls);
  return {
    brokers: [...config.brokers],
    clientId: config.clientId ?? 'tapline',
    connectionTimeout: config.connectTimeoutMs ?? 10_000,
    requestTimeout: config.requestTimeoutMs ?? 20_000,
    logCreator: kafkajsLogCreator(logger),
    // Our own retries are around it: kafkajs' are short.
    retry: { retries: 2, initialRetryTime: 100 },
    ...(tls === undefined ? {} : { ssl: tls }),
    ...(config.sasl === undefined ? {} : { sasl: config.sasl }),
  } as KafkajsConfig;
}
