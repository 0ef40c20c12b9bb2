import { type RequestWriter, ResponseReader } from './protocol.ts';
import type { TopicPartition } from './topic-partition.ts';

export interface PartitionError extends TopicPartition {
  readonly errorCode: number;
}

/** [topics] => name [partitions], with what `write` says of each. */
export function byTopic<T extends TopicPartition>(
  writer: RequestWriter,
  items: readonly T[],
  write: (item: T) => void,
): void {
  writer.array([...Map.groupBy(items, ({ topic }) => topic)], ([topic, group]) => {
    writer.string(topic).array(group, write);
  });
}

/** throttle_time_ms [topics] · topics => name [partitions] · partitions => partition_index error_code: the answer of several requests. */
export function readPartitionErrors(body: Buffer): PartitionError[] {
  const reader = new ResponseReader(body);
  reader.int32();
  const topics = reader.array(() => {
    const topic = reader.string();
    return reader.array((r) => ({ topic, partition: r.int32(), errorCode: r.int16() }));
  });
  return topics.flat();
}
