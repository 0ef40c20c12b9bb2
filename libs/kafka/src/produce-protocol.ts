import { copiedBytes, type Encoded, RequestWriter, ResponseReader } from './protocol.ts';
import type { ProducerIdentity } from './record-batch.ts';

export const PRODUCE = { apiKey: 0, apiVersion: 7 } as const;
export const INIT_PRODUCER_ID = { apiKey: 22, apiVersion: 1 } as const;

/**
 * InitProducerId Request (Version: 1) => transactional_id NULLABLE_STRING, transaction_timeout_ms INT32
 * With a transactional id the answer is its producer id under the next epoch; without one, an id that nobody had before.
 */
export function initProducerIdRequest(transactionalId: string | null): Encoded {
  return new RequestWriter(64).string(transactionalId).int32(60_000).finish();
}

/** InitProducerId Response (Version: 1) => throttle_time_ms error_code producer_id producer_epoch */
export function readInitProducerId(body: Buffer): { errorCode: number; identity: ProducerIdentity } {
  const reader = new ResponseReader(body);
  reader.int32();
  const errorCode = reader.int16();
  return { errorCode, identity: { id: reader.int64(), epoch: reader.int16() } };
}

export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
}

/**
 * Produce Request (Version: 7) => transactional_id acks timeout_ms [topic_data]
 *   topic_data => name [partition_data] · partition_data => index records
 * acks = -1: all in-sync replicas. Batches must be grouped by topic.
 */
export function produceRequest(
  batches: readonly PartitionBatch[],
  timeoutMs: number,
): { parts: readonly Buffer[]; bytes: number } {
  // Its whole room at once: of thousands of small batches a buffer that doubles would leave as much garbage as was sent.
  const bytes = batches.reduce(
    (sum, batch) => sum + AROUND_BATCH_BYTES + batch.topic.length + copiedBytes(batch.bytes),
    0,
  );
  const writer = new RequestWriter(512 + bytes);
  const topics = groupByTopic(batches);
  writer.string(null).int16(-1).int32(timeoutMs);
  writer.array([...topics], ([topic, partitions]) => {
    writer.string(topic).array(partitions, ({ partition, bytes }) => writer.int32(partition).bytes(bytes));
  });
  return writer.finish();
}

/** Lengths and numbers of a topic with one batch. */
const AROUND_BATCH_BYTES = 16;

function groupByTopic(batches: readonly PartitionBatch[]): Map<string, PartitionBatch[]> {
  const topics = new Map<string, PartitionBatch[]>();
  for (const batch of batches) {
    const group = topics.get(batch.topic);
    if (group === undefined) topics.set(batch.topic, [batch]);
    else group.push(batch);
  }
  return topics;
}

export interface PartitionAck {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  /** Offset of the batch's first record; -1 with an error. */
  readonly baseOffset: bigint;
}

/**
 * Produce Response (Version: 7) => [responses] throttle_time_ms
 *   responses => name [partition_responses]
 *   partition_responses => index error_code base_offset log_append_time_ms log_start_offset
 */
export function readProduceAnswer(body: Buffer, onAck: (ack: PartitionAck) => void): void {
  const reader = new ResponseReader(body);
  reader.array(() => {
    const topic = reader.string();
    reader.array(() => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      const baseOffset = reader.int64();
      reader.int64();
      reader.int64();
      onAck({ topic, partition, errorCode, baseOffset });
    });
  });
}
