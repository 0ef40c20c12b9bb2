import type { Encoded } from './protocol.ts';
import { RequestWriter, ResponseReader } from './protocol.ts';

export const CREATE_TOPICS = { apiKey: 19, apiVersion: 4 } as const;
export const DELETE_TOPICS = { apiKey: 20, apiVersion: 3 } as const;
export const DESCRIBE_CONFIGS = { apiKey: 32, apiVersion: 2 } as const;

export interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/**
 * CreateTopics Request (Version: 4) => [topics] timeout_ms validate_only
 *   topics => name num_partitions replication_factor [assignments] [configs] · configs => name value
 */
export function createTopicsRequest(topics: readonly NewTopic[], timeoutMs: number): Encoded {
  const writer = new RequestWriter();
  writer.array(topics, ({ topic, partitions, replicationFactor, config }) => {
    writer.string(topic).int32(partitions).int16(replicationFactor).int32(0);
    writer.array(Object.entries(config), ([name, value]) => writer.string(name).string(value));
  });
  return writer.int32(timeoutMs).int8(0).finish();
}

export interface TopicResult {
  readonly topic: string;
  readonly errorCode: number;
  readonly message: string;
}

/** CreateTopics Response (Version: 4) => throttle_time_ms [topics] · topics => name error_code error_message */
export function readCreateTopics(body: Buffer): TopicResult[] {
  const reader = new ResponseReader(body);
  reader.int32();
  return reader.array(() => ({
    topic: reader.string(),
    errorCode: reader.int16(),
    message: reader.nullableString() ?? '',
  }));
}

/** DeleteTopics Request (Version: 3) => [topic_names] timeout_ms */
export function deleteTopicsRequest(topics: readonly string[], timeoutMs: number): Encoded {
  const writer = new RequestWriter();
  return writer
    .array(topics, (topic) => writer.string(topic))
    .int32(timeoutMs)
    .finish();
}

/** DeleteTopics Response (Version: 3) => throttle_time_ms [responses] · responses => name error_code */
export function readDeleteTopics(body: Buffer): TopicResult[] {
  const reader = new ResponseReader(body);
  reader.int32();
  return reader.array(() => ({ topic: reader.string(), errorCode: reader.int16(), message: '' }));
}

const TOPIC_RESOURCE = 2;

/** DescribeConfigs Request (Version: 2) => [resources] include_synonyms · resources => resource_type resource_name [configuration_keys], null for all */
export function describeTopicConfigsRequest(topics: readonly string[], keys?: readonly string[]): Encoded {
  const writer = new RequestWriter();
  writer.array(topics, (topic) => {
    writer.int8(TOPIC_RESOURCE).string(topic);
    if (keys === undefined) writer.int32(-1);
    else writer.array(keys, (key) => writer.string(key));
  });
  return writer.int8(0).finish();
}

export interface TopicConfig extends TopicResult {
  readonly config: Readonly<Record<string, string>>;
}

/**
 * DescribeConfigs Response (Version: 2) => throttle_time_ms [results]
 *   results => error_code error_message resource_type resource_name [configs]
 *   configs => name value read_only config_source is_sensitive [synonyms] · synonyms => name value source
 */
export function readDescribeConfigs(body: Buffer): TopicConfig[] {
  const reader = new ResponseReader(body);
  reader.int32();
  return reader.array(() => {
    const errorCode = reader.int16();
    const message = reader.nullableString() ?? '';
    reader.int8();
    const topic = reader.string();
    const configs = reader.array(() => {
      const entry = [reader.string(), reader.nullableString() ?? ''] as const;
      reader.int8();
      reader.int8();
      reader.int8();
      reader.array(() => [reader.string(), reader.nullableString(), reader.int8()]);
      return entry;
    });
    return { topic, errorCode, message, config: Object.fromEntries(configs) };
  });
}
