import type { Kafka } from '@tapline/kafka';
import { type Logger, silentLogger } from '@tapline/kernel';
import { ConfluentRegistry } from './confluent.ts';
import { TopicRegistry } from './topic.ts';

/** Gives schemas the ids that stand in front of every key and value (0x00, id as int32, Avro bytes). */
export interface Registry extends AsyncDisposable {
  /**
   * The id of the schema, registered under the subject when it is new. The same text always has the same id, whoever asks.
   * @throws TaplineError SCHEMA_INCOMPATIBLE, REGISTRY_*, and KAFKA_* for the one kept in a topic.
   */
  idFor(subject: string, schemaJson: string, signal?: AbortSignal): Promise<number>;
  /** The schema with that id. @throws TaplineError REGISTRY_UNKNOWN_ID, REGISTRY_*, KAFKA_*. */
  schema(id: number, signal?: AbortSignal): Promise<string>;
}

export interface TopicRegistryConfig {
  readonly type: 'topic';
  /** Default `_tapline.schemas`. */
  readonly topic?: string | undefined;
  /** Of the topic, when it is made. Default -1: the brokers' own. */
  readonly replicationFactor?: number | undefined;
}

export interface ConfluentRegistryConfig {
  readonly type: 'confluent';
  /** Of a Confluent-compatible registry: Confluent, Karapace, Redpanda, or Apicurio's /apis/ccompat/v7. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Longest wait for one answer. Default 10,000. */
  readonly timeoutMs?: number | undefined;
}

export type RegistryConfig = TopicRegistryConfig | ConfluentRegistryConfig;

export interface OpenRegistryOptions {
  /** Where the topic of a topic-backed registry is. */
  readonly kafka: Kafka;
  readonly logger?: Logger | undefined;
  /** How long retryable failures are retried before they are thrown. Default: until the signal aborts. (Topic: as the given Kafka does.) */
  readonly patienceMs?: number | undefined;
}

export async function openRegistry(
  config: RegistryConfig,
  options: OpenRegistryOptions,
  signal?: AbortSignal,
): Promise<Registry> {
  const logger = options.logger ?? silentLogger;
  if (config.type === 'confluent') return new ConfluentRegistry(config, { logger, patienceMs: options.patienceMs });
  return TopicRegistry.open(config, options.kafka, signal);
}
