import type { TopicPartition } from './consumer.ts';
import { byTopic } from './partition-lists.ts';
import { RequestWriter, ResponseReader } from './protocol.ts';

/**
 * What consumers say to each other in a group of protocol type `consumer` (org.apache.kafka.clients.consumer: ConsumerProtocol, version 0).
 */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** Subscription => version [topics] user_data */
export function encodeSubscription(topics: readonly string[]): Buffer {
  const writer = new RequestWriter().int16(0);
  return joined(writer.array(topics, (topic) => writer.string(topic)).int32(-1));
}

export function readSubscription(metadata: Buffer): string[] {
  const reader = new ResponseReader(metadata);
  reader.int16();
  return reader.array((r) => r.string());
}

/** Assignment => version [topic [partitions]] user_data */
export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  const writer = new RequestWriter().int16(0);
  byTopic(writer, partitions, ({ partition }) => writer.int32(partition));
  return joined(writer.int32(-1));
}

export function readAssignment(assignment: Buffer): TopicPartition[] {
  if (assignment.length === 0) return [];
  const reader = new ResponseReader(assignment);
  reader.int16();
  const topics = reader.array(() => {
    const topic = reader.string();
    return reader.array((r) => ({ topic, partition: r.int32() }));
  });
  return topics.flat();
}

function joined(writer: RequestWriter): Buffer {
  return Buffer.concat(writer.finish().parts);
}
