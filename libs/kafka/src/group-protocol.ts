import type { Address } from './config.ts';
import type { CommitOffset, TopicPartition } from './consumer.ts';
import { RequestWriter, ResponseReader } from './protocol.ts';

/** The requests of a consumer group's member (kafka.apache.org/protocol), in their last non-flexible versions. */
export const FIND_COORDINATOR = { apiKey: 10, apiVersion: 1 } as const;
export const JOIN_GROUP = { apiKey: 11, apiVersion: 5 } as const;
export const SYNC_GROUP = { apiKey: 14, apiVersion: 3 } as const;
export const HEARTBEAT = { apiKey: 12, apiVersion: 3 } as const;
export const LEAVE_GROUP = { apiKey: 13, apiVersion: 1 } as const;
export const OFFSET_COMMIT = { apiKey: 8, apiVersion: 7 } as const;
export const OFFSET_FETCH = { apiKey: 9, apiVersion: 5 } as const;

export interface Encoded {
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

export interface Membership {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
}

/** FindCoordinator Request (Version: 1) => key key_type (0: group) */
export function findCoordinatorRequest(group: string): Encoded {
  return new RequestWriter().string(group).int8(0).finish();
}

/** FindCoordinator Response (Version: 1) => throttle_time_ms error_code error_message node_id host port */
export function readFindCoordinator(body: Buffer): { errorCode: number; address: Address } {
  const reader = new ResponseReader(body);
  reader.int32();
  const errorCode = reader.int16();
  reader.nullableString();
  reader.int32();
  return { errorCode, address: { host: reader.string(), port: reader.int32() } };
}

export interface JoinOptions {
  readonly group: string;
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocol: string;
  readonly topics: readonly string[];
}

/**
 * JoinGroup Request (Version: 5) => group_id session_timeout_ms rebalance_timeout_ms member_id group_instance_id protocol_type [protocols]
 *   protocols => name metadata · metadata (consumer protocol, version 0) => version [topics] user_data
 */
export function joinGroupRequest(options: JoinOptions): Encoded {
  const metadata = blob(new RequestWriter().int16(0), (writer) => {
    writer.array(options.topics, (topic) => writer.string(topic)).int32(-1);
  });
  const writer = new RequestWriter();
  writer.string(options.group).int32(options.sessionTimeoutMs).int32(options.rebalanceTimeoutMs);
  writer.string(options.memberId).string(null).string('consumer').int32(1).string(options.protocol).bytes(metadata);
  return writer.finish();
}

export interface Joined {
  readonly errorCode: number;
  readonly generation: number;
  readonly leader: string;
  readonly memberId: string;
  /** Only the leader sees them. */
  readonly members: readonly { readonly memberId: string; readonly topics: readonly string[] }[];
}

/**
 * JoinGroup Response (Version: 5) => throttle_time_ms error_code generation_id protocol_name leader member_id [members]
 *   members => member_id group_instance_id metadata
 */
export function readJoinGroup(body: Buffer): Joined {
  const reader = new ResponseReader(body);
  reader.int32();
  const errorCode = reader.int16();
  const generation = reader.int32();
  reader.nullableString();
  const leader = reader.string();
  const memberId = reader.string();
  const members = reader.array(() => {
    const id = reader.string();
    reader.nullableString();
    const metadata = new ResponseReader(reader.bytes());
    metadata.int16();
    return { memberId: id, topics: metadata.array((r) => r.string()) };
  });
  return { errorCode, generation, leader, memberId, members };
}

/**
 * SyncGroup Request (Version: 3) => group_id generation_id member_id group_instance_id [assignments]
 *   assignments => member_id assignment · assignment (consumer protocol, version 0) => version [topic [partitions]] user_data
 */
export function syncGroupRequest(
  membership: Membership,
  assignments: ReadonlyMap<string, readonly TopicPartition[]>,
): Encoded {
  const writer = member(membership);
  writer.array([...assignments], ([memberId, partitions]) => {
    const assignment = blob(new RequestWriter().int16(0), (into) => {
      byTopic(into, partitions, ({ partition }) => into.int32(partition));
      into.int32(-1);
    });
    writer.string(memberId).bytes(assignment);
  });
  return writer.finish();
}

/** SyncGroup Response (Version: 3) => throttle_time_ms error_code assignment */
export function readSyncGroup(body: Buffer): { errorCode: number; partitions: TopicPartition[] } {
  const reader = new ResponseReader(body);
  reader.int32();
  const errorCode = reader.int16();
  const assignment = reader.bytes();
  if (errorCode !== 0 || assignment.length === 0) return { errorCode, partitions: [] };
  const inner = new ResponseReader(assignment);
  inner.int16();
  const partitions = inner.array(() => {
    const topic = inner.string();
    return inner.array((r) => ({ topic, partition: r.int32() }));
  });
  return { errorCode, partitions: partitions.flat() };
}

/** Heartbeat Request (Version: 3) => group_id generation_id member_id group_instance_id */
export function heartbeatRequest(membership: Membership): Encoded {
  return member(membership).finish();
}

/** LeaveGroup Request (Version: 1) => group_id member_id */
export function leaveGroupRequest({ group, memberId }: Membership): Encoded {
  return new RequestWriter().string(group).string(memberId).finish();
}

/** Heartbeat Response (Version: 3), LeaveGroup Response (Version: 1) => throttle_time_ms error_code */
export function readErrorCode(body: Buffer): number {
  const reader = new ResponseReader(body);
  reader.int32();
  return reader.int16();
}

/**
 * OffsetCommit Request (Version: 7) => group_id generation_id member_id group_instance_id [topics]
 *   topics => name [partitions] · partitions => partition_index committed_offset committed_leader_epoch committed_metadata
 */
export function offsetCommitRequest(membership: Membership, offsets: readonly CommitOffset[]): Encoded {
  const writer = member(membership);
  byTopic(writer, offsets, ({ partition, offset }) => writer.int32(partition).int64(offset).int32(-1).string(null));
  return writer.finish();
}

/** OffsetCommit Response (Version: 7) => throttle_time_ms [topics] · topics => name [partitions] · partitions => partition_index error_code */
export function readOffsetCommit(body: Buffer): (TopicPartition & { readonly errorCode: number })[] {
  const reader = new ResponseReader(body);
  reader.int32();
  const topics = reader.array(() => {
    const topic = reader.string();
    return reader.array((r) => ({ topic, partition: r.int32(), errorCode: r.int16() }));
  });
  return topics.flat();
}

/** OffsetFetch Request (Version: 5) => group_id [topics] · topics => name [partition_indexes] */
export function offsetFetchRequest(group: string, partitions: readonly TopicPartition[]): Encoded {
  const writer = new RequestWriter().string(group);
  byTopic(writer, partitions, ({ partition }) => writer.int32(partition));
  return writer.finish();
}

export interface FetchedOffset extends TopicPartition {
  /** -1: none committed. */
  readonly offset: bigint;
  readonly errorCode: number;
}

/**
 * OffsetFetch Response (Version: 5) => throttle_time_ms [topics] error_code
 *   topics => name [partitions] · partitions => partition_index committed_offset committed_leader_epoch metadata error_code
 */
export function readOffsetFetch(body: Buffer): { errorCode: number; offsets: FetchedOffset[] } {
  const reader = new ResponseReader(body);
  reader.int32();
  const topics = reader.array(() => {
    const topic = reader.string();
    return reader.array(() => {
      const partition = reader.int32();
      const offset = reader.int64();
      reader.int32();
      reader.nullableString();
      return { topic, partition, offset, errorCode: reader.int16() };
    });
  });
  return { errorCode: reader.int16(), offsets: topics.flat() };
}

function member({ group, generation, memberId }: Membership): RequestWriter {
  return new RequestWriter().string(group).int32(generation).string(memberId).string(null);
}

function blob(writer: RequestWriter, write: (writer: RequestWriter) => void): Buffer {
  write(writer);
  return Buffer.concat(writer.finish().parts);
}

function byTopic<T extends TopicPartition>(writer: RequestWriter, items: readonly T[], write: (item: T) => void): void {
  writer.array([...Map.groupBy(items, ({ topic }) => topic)], ([topic, group]) => {
    writer.string(topic).array(group, write);
  });
}
