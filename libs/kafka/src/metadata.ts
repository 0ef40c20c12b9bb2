import type { Address } from './config.ts';
import { RequestWriter, ResponseReader } from './protocol.ts';

export interface PartitionMetadata {
  readonly partition: number;
  /** Broker id; -1 while there is none. */
  readonly leader: number;
}

export interface TopicMetadata {
  readonly topic: string;
  /** Kafka's error code for the topic, 0 when it is well. */
  readonly errorCode: number;
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly brokers: ReadonlyMap<number, Address>;
  readonly controllerId: number;
  readonly topics: ReadonlyMap<string, TopicMetadata>;
}

export const METADATA = { apiKey: 3, apiVersion: 5 } as const;

/** Metadata Request (Version: 5) => [topics] allow_auto_topic_creation · topics => name STRING. Null: all topics. None is ever created so. */
export function metadataRequest(topics: readonly string[] | null): { parts: readonly Buffer[]; bytes: number } {
  const writer = new RequestWriter();
  if (topics === null) writer.int32(-1);
  else writer.array(topics, (topic) => writer.string(topic));
  writer.int8(0);
  return writer.finish();
}

/**
 * Metadata Response (Version: 5) => throttle_time_ms [brokers] cluster_id controller_id [topics]
 *   brokers => node_id host port rack
 *   topics => error_code name is_internal [partitions]
 *   partitions => error_code partition_index leader_id [replica_nodes] [isr_nodes] [offline_replicas]
 */
export function readMetadata(body: Buffer): ClusterMetadata & { readonly topics: Map<string, TopicMetadata> } {
  const reader = new ResponseReader(body);
  reader.int32();
  const brokers = new Map<number, Address>();
  reader.array(() => {
    const id = reader.int32();
    brokers.set(id, { host: reader.string(), port: reader.int32() });
    reader.nullableString();
  });
  reader.nullableString();
  const controllerId = reader.int32();
  const topics = new Map<string, TopicMetadata>();
  reader.array(() => {
    const errorCode = reader.int16();
    const topic = reader.string();
    reader.int8();
    const partitions = reader.array(readPartition);
    topics.set(topic, { topic, errorCode, partitions: partitions.toSorted((a, b) => a.partition - b.partition) });
  });
  return { brokers, controllerId, topics };
}

/** Replicas, those in sync, those offline: nobody here asks for them. */
const BROKER_LISTS = 3;

function readPartition(reader: ResponseReader): PartitionMetadata {
  const error = reader.int16();
  const partition = reader.int32();
  const leader = reader.int32();
  for (let list = 0; list < BROKER_LISTS; list++) reader.array((r) => r.int32());
  // 9 REPLICA_NOT_AVAILABLE is only about replicas: the leader is there.
  return { partition, leader: error === 0 || error === 9 ? leader : -1 };
}
