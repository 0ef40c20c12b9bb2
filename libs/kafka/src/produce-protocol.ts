import { type Encoded, RequestWriter, ResponseReader } from './protocol.ts';
import type { ProducerIdentity } from './record-batch.ts';
import type { Shipment, Shipments } from './shipment.ts';

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

/**
 * Produce Request (Version: 7) => transactional_id acks timeout_ms [topic_data]
 *   topic_data => name [partition_data] · partition_data => index records
 * acks = -1: all in-sync replicas. A topic comes once, with all its partitions.
 */
export function produceRequest(shipments: Shipments, timeoutMs: number): Encoded {
  const writer = new RequestWriter(shipments.room());
  writer.string(null).int16(-1).int32(timeoutMs).int32(shipments.byTopic.size);
  for (const [topic, first] of shipments.byTopic) {
    writer.string(topic).int32(lengthOf(first));
    for (let each: Shipment | undefined = first; each !== undefined; each = each.next) {
      writer.int32(each.lane.partition).bytes(each.batch.buffer, each.batch.position);
    }
  }
  return writer.finish();
}

function lengthOf(first: Shipment): number {
  let length = 0;
  for (let each: Shipment | undefined = first; each !== undefined; each = each.next) length++;
  return length;
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
      reader.position += 16;
      onAck({ topic, partition, errorCode, baseOffset });
    });
  });
}
