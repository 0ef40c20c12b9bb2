import { byTopic } from './partition-lists.ts';
import { RequestWriter, ResponseReader } from './protocol.ts';
import type { TopicPartition } from './topic-partition.ts';

/**
 * What consumers say to each other in a group of protocol type `consumer` (org.apache.kafka.clients.consumer: ConsumerProtocol, version 0).
 */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** What members say that want all partitions for themselves: so that nobody reads them, or to read them alone. */
const HOLDS = Buffer.from('tapline:holds');
const ALONE = Buffer.from('tapline:alone');

export interface Subscription {
  readonly topics: readonly string[];
  /** The member is to get all that the group shares out. */
  readonly holds: boolean;
  /** One of the members that say so is to get all. */
  readonly alone: boolean;
}

/** Subscription => version [topics] user_data */
export function encodeSubscription({ topics, holds, alone }: Subscription): Buffer {
  const writer = new RequestWriter().int16(0);
  writer.array(topics, (topic) => writer.string(topic));
  if (holds) return joined(writer.bytes(HOLDS));
  return joined(alone ? writer.bytes(ALONE) : writer.int32(-1));
}

export function readSubscription(metadata: Buffer): Subscription {
  const reader = new ResponseReader(metadata);
  reader.int16();
  const topics = reader.array((r) => r.string());
  const word = reader.bytes();
  return { topics, holds: word.equals(HOLDS), alone: word.equals(ALONE) };
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
