import { RequestWriter, ResponseReader } from './protocol.ts';
import type { AbortedTransaction } from './record-reader.ts';
import type { TopicPartition } from './topic-partition.ts';

export const FETCH = { apiKey: 1, apiVersion: 11 } as const;
export const LIST_OFFSETS = { apiKey: 2, apiVersion: 2 } as const;

export interface FetchPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly maxBytes: number;
}

export interface FetchOptions {
  readonly partitions: readonly FetchPartition[];
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
}

/**
 * Fetch Request (Version: 11) => replica_id max_wait_ms min_bytes max_bytes isolation_level session_id session_epoch [topics]
 *   [forgotten_topics] rack_id
 *   topics => topic [partitions] · partitions => partition current_leader_epoch fetch_offset log_start_offset partition_max_bytes
 * Read committed; without a fetch session (epoch -1).
 */
export function fetchRequest(options: FetchOptions): { parts: readonly Buffer[]; bytes: number } {
  const writer = new RequestWriter(128 + 64 * options.partitions.length);
  writer.int32(-1).int32(options.maxWaitMs).int32(options.minBytes).int32(options.maxBytes).int8(1).int32(0).int32(-1);
  writeTopics(writer, options.partitions, ({ partition, offset, maxBytes }) => {
    writer.int32(partition).int32(-1).int64(offset).int64(-1n).int32(maxBytes);
  });
  return writer.int32(0).string('').finish();
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly logStartOffset: bigint;
  readonly aborted: readonly AbortedTransaction[];
  readonly data: Buffer;
}

/**
 * Fetch Response (Version: 11) => throttle_time_ms error_code session_id [responses]
 *   responses => topic [partitions]
 *   partitions => partition_index error_code high_watermark last_stable_offset log_start_offset [aborted_transactions]
 *     preferred_read_replica records
 *   aborted_transactions => producer_id first_offset
 */
export function readFetchAnswer(body: Buffer): { errorCode: number; partitions: FetchedPartition[] } {
  const reader = new ResponseReader(body);
  reader.int32();
  const errorCode = reader.int16();
  reader.int32();
  const partitions: FetchedPartition[] = [];
  reader.array(() => {
    const topic = reader.string();
    reader.array(() => partitions.push({ topic, ...readPartition(reader) }));
  });
  return { errorCode, partitions };
}

function readPartition(reader: ResponseReader): Omit<FetchedPartition, 'topic'> {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  reader.int64();
  const logStartOffset = reader.int64();
  const aborted = reader.array((r) => ({ producerId: r.int64(), firstOffset: r.int64() }));
  reader.int32();
  return { partition, errorCode, highWatermark, logStartOffset, aborted, data: reader.bytes() };
}

/** Replica ids of who asks: a consumer is told of what all in-sync replicas have, a debugging replica of all that the leader has. */
const CONSUMER = -1;
const DEBUGGING_REPLICA = -2;

export const EARLIEST = -2n;
export const LATEST = -1n;

/**
 * ListOffsets Request (Version: 2) => replica_id isolation_level [topics] · topics => name [partitions] · partitions => index timestamp
 * Read uncommitted: the end of the log, open transactions or not.
 */
export function listOffsetsRequest(
  partitions: readonly TopicPartition[],
  timestamp: bigint,
  unreplicatedToo = false,
): { parts: readonly Buffer[]; bytes: number } {
  const writer = new RequestWriter(64 + 64 * partitions.length);
  writer.int32(unreplicatedToo ? DEBUGGING_REPLICA : CONSUMER).int8(0);
  writeTopics(writer, partitions, ({ partition }) => writer.int32(partition).int64(timestamp));
  return writer.finish();
}

interface ListedOffset extends TopicPartition {
  readonly errorCode: number;
  readonly offset: bigint;
}

/** ListOffsets Response (Version: 2) => throttle_time_ms [topics] · topics => name [partitions] · partitions => index error_code timestamp offset */
export function readListOffsets(body: Buffer): ListedOffset[] {
  const reader = new ResponseReader(body);
  reader.int32();
  return reader
    .array(() => {
      const topic = reader.string();
      return reader.array(() => {
        const partition = reader.int32();
        const errorCode = reader.int16();
        reader.int64();
        return { topic, partition, errorCode, offset: reader.int64() };
      });
    })
    .flat();
}

function writeTopics<T extends { readonly topic: string }>(
  writer: RequestWriter,
  items: readonly T[],
  write: (item: T) => void,
): void {
  const topics = [...Map.groupBy(items, ({ topic }) => topic)];
  writer.array(topics, ([topic, group]) => {
    writer.string(topic).array(group, write);
  });
}
