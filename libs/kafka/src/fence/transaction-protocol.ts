import { byTopic, readPartitionErrors } from '../partition-lists.ts';
import { type Encoded, RequestWriter, ResponseReader } from '../protocol.ts';
import type { ProducerIdentity } from '../record-batch.ts';
import type { TopicPartition } from '../topic-partition.ts';

/**
 * The requests to a transaction coordinator (kafka.apache.org/protocol), in their last non-flexible versions. From version 5 of EndTxn on the end
 * of a transaction gives the producer another epoch (KIP-890, transaction.version 2): before it, the epoch stays.
 */
export const ADD_PARTITIONS_TO_TXN = { apiKey: 24, apiVersion: 2 } as const;
export const END_TXN = { apiKey: 26, apiVersion: 2 } as const;

/**
 * AddPartitionsToTxn Request (Version: 2) => transactional_id producer_id producer_epoch [topics]
 *   topics => name [partitions]
 */
export function addPartitionsToTxnRequest(
  transactionalId: string,
  identity: ProducerIdentity,
  partitions: readonly TopicPartition[],
): Encoded {
  const writer = header(transactionalId, identity);
  byTopic(writer, partitions, ({ partition }) => writer.int32(partition));
  return writer.finish();
}

/**
 * AddPartitionsToTxn Response (Version: 2) => throttle_time_ms [results]
 *   results => name [partition_results] · partition_results => partition_index error_code
 */
export const readAddPartitionsToTxn = readPartitionErrors;

/** EndTxn Request (Version: 2) => transactional_id producer_id producer_epoch committed (0: abort) */
export function abortTxnRequest(transactionalId: string, identity: ProducerIdentity): Encoded {
  return header(transactionalId, identity).int8(0).finish();
}

/** EndTxn Response (Version: 2) => throttle_time_ms error_code */
export function readEndTxn(body: Buffer): number {
  const reader = new ResponseReader(body);
  reader.int32();
  return reader.int16();
}

function header(transactionalId: string, { id, epoch }: ProducerIdentity): RequestWriter {
  return new RequestWriter().string(transactionalId).int64(id).int16(epoch);
}
