import type { CommitOffset } from './consumer.ts';
import { byTopic, readPartitionErrors } from './partition-lists.ts';
import { type Encoded, RequestWriter, ResponseReader } from './protocol.ts';
import type { TopicPartition } from './topic-partition.ts';

/** The requests of a consumer group's member (kafka.apache.org/protocol), in their last non-flexible versions. */
export const JOIN_GROUP = { apiKey: 11, apiVersion: 5 } as const;
export const SYNC_GROUP = { apiKey: 14, apiVersion: 3 } as const;
export const HEARTBEAT = { apiKey: 12, apiVersion: 3 } as const;
export const LEAVE_GROUP = { apiKey: 13, apiVersion: 1 } as const;
export const OFFSET_COMMIT = { apiKey: 8, apiVersion: 7 } as const;
export const OFFSET_FETCH = { apiKey: 9, apiVersion: 5 } as const;
export const DELETE_GROUPS = { apiKey: 42, apiVersion: 1 } as const;

export interface Membership {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
}

export interface JoinOptions {
  readonly group: string;
  readonly memberId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** All members of a group have the same. `consumer` is that of consumers. */
  readonly protocolType: string;
  readonly protocol: string;
  /** What the member says of itself to the one that shares out. */
  readonly metadata: Buffer;
}

/**
 * JoinGroup Request (Version: 5) => group_id session_timeout_ms rebalance_timeout_ms member_id group_instance_id protocol_type [protocols]
 *   protocols => name metadata
 */
export function joinGroupRequest(options: JoinOptions): Encoded {
  const writer = new RequestWriter();
  writer.string(options.group).int32(options.sessionTimeoutMs).int32(options.rebalanceTimeoutMs);
  writer.string(options.memberId).string(null).string(options.protocolType);
  return writer.int32(1).string(options.protocol).bytes(options.metadata).finish();
}

export interface GroupPeer {
  readonly memberId: string;
  readonly metadata: Buffer;
}

export interface Joined {
  readonly errorCode: number;
  readonly generation: number;
  readonly leader: string;
  readonly memberId: string;
  /** Only the leader sees them. */
  readonly members: readonly GroupPeer[];
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
    return { memberId: id, metadata: reader.bytes() };
  });
  return { errorCode, generation, leader, memberId, members };
}

/**
 * SyncGroup Request (Version: 3) => group_id generation_id member_id group_instance_id [assignments]
 *   assignments => member_id assignment
 */
export function syncGroupRequest(membership: Membership, assignments: ReadonlyMap<string, Buffer>): Encoded {
  const writer = member(membership);
  writer.array([...assignments], ([memberId, assignment]) => {
    writer.string(memberId).bytes(assignment);
  });
  return writer.finish();
}

/** SyncGroup Response (Version: 3) => throttle_time_ms error_code assignment */
export function readSyncGroup(body: Buffer): { errorCode: number; assignment: Buffer } {
  const reader = new ResponseReader(body);
  reader.int32();
  return { errorCode: reader.int16(), assignment: reader.bytes() };
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
export function offsetCommitRequest(
  membership: Membership,
  offsets: readonly (CommitOffset & { readonly note?: string })[],
): Encoded {
  const writer = member(membership);
  byTopic(writer, offsets, ({ partition, offset, note = null }) =>
    writer.int32(partition).int64(offset).int32(-1).string(note),
  );
  return writer.finish();
}

/** OffsetCommit Response (Version: 7) => throttle_time_ms [topics] · topics => name [partitions] · partitions => partition_index error_code */
export const readOffsetCommit = readPartitionErrors;

/** OffsetFetch Request (Version: 5) => group_id [topics] · topics => name [partition_indexes]; no topics: all that are stored. */
export function offsetFetchRequest(group: string, partitions: readonly TopicPartition[] | null): Encoded {
  const writer = new RequestWriter().string(group);
  if (partitions === null) return writer.int32(-1).finish();
  byTopic(writer, partitions, ({ partition }) => writer.int32(partition));
  return writer.finish();
}

export interface FetchedOffset extends TopicPartition {
  /** -1: none committed. */
  readonly offset: bigint;
  /** What was stored beside it. */
  readonly note: string;
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
      return { topic, partition, offset, note: reader.string(), errorCode: reader.int16() };
    });
  });
  return { errorCode: reader.int16(), offsets: topics.flat() };
}

/** DeleteGroups Request (Version: 1) => [groups_names] */
export function deleteGroupRequest(group: string): Encoded {
  const writer = new RequestWriter();
  return writer.array([group], (name) => writer.string(name)).finish();
}

/** DeleteGroups Response (Version: 1) => throttle_time_ms [results] · results => group_id error_code. The code of the one group asked for. */
export function readDeletedGroup(body: Buffer): number {
  const reader = new ResponseReader(body);
  reader.int32();
  const codes = reader.array((r) => {
    r.string();
    return r.int16();
  });
  return codes[0] ?? 0;
}

function member({ group, generation, memberId }: Membership): RequestWriter {
  return new RequestWriter().string(group).int32(generation).string(memberId).string(null);
}
