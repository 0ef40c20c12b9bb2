import { TaplineError } from '@tapline/kernel';
import type { Cluster } from './cluster.ts';
import type { CommitOffset } from './consumer.ts';
import {
  CONSUMER_PROTOCOL_TYPE,
  encodeAssignment,
  encodeSubscription,
  readAssignment,
  readSubscription,
} from './consumer-protocol.ts';
import { BROKER_ERROR } from './error-table.ts';
import {
  type FetchedOffset,
  type GroupPeer,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  offsetCommitRequest,
  offsetFetchRequest,
  readOffsetCommit,
  readOffsetFetch,
} from './group-protocol.ts';
import { GroupMembership } from './membership.ts';
import type { PartitionMetadata } from './metadata.ts';
import type { TopicPartition } from './topic-partition.ts';

export interface GroupOptions {
  readonly group: string;
  /** What the member wants when it joins. */
  readonly topics: () => readonly string[];
  /** Wants all partitions for itself. */
  readonly holds: boolean;
  /** Wants all partitions for one member. */
  readonly alone: boolean;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** One member of a consumer group: what it shares out are the partitions of topics, and it commits offsets. */
export class GroupMember {
  readonly #cluster: Cluster;
  readonly #group: string;
  readonly #membership: GroupMembership;

  constructor(cluster: Cluster, options: GroupOptions, signal: AbortSignal) {
    const { group, topics, holds, alone, sessionTimeoutMs, rebalanceTimeoutMs } = options;
    this.#cluster = cluster;
    this.#group = group;
    const member = {
      group,
      protocolType: CONSUMER_PROTOCOL_TYPE,
      protocol: 'roundrobin',
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      metadata: () => encodeSubscription({ topics: topics(), holds, alone }),
      share: (peers: readonly GroupPeer[]) => this.#share(peers),
    };
    this.#membership = new GroupMembership(cluster, member, signal);
  }

  /** Joins the group, and takes part in sharing out the partitions. Resolves with this member's share; waits for the others. */
  async join(): Promise<TopicPartition[]> {
    return readAssignment(await this.#membership.join());
  }

  /** Partitions go round the members that want their topic, so that each gets its share of every topic; all of them to one that holds the group, or to one of those that work alone. */
  async #share(peers: readonly GroupPeer[]): Promise<Map<string, Buffer>> {
    const members = peers
      .map(({ memberId, metadata }) => ({ memberId, ...readSubscription(metadata) }))
      .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const shares = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
    const holder = members.find(({ holds }) => holds) ?? members.find(({ alone }) => alone);
    let turn = 0;
    for (const topic of [...new Set(members.flatMap(({ topics }) => topics))].toSorted()) {
      const takers = holder === undefined ? members.filter(({ topics }) => topics.includes(topic)) : [holder];
      for (const { partition } of await this.#partitionsOf(topic)) {
        const taker = takers[turn++ % takers.length] as (typeof takers)[number];
        (shares.get(taker.memberId) as TopicPartition[]).push({ topic, partition });
      }
    }
    return new Map([...shares].map(([memberId, partitions]) => [memberId, encodeAssignment(partitions)]));
  }

  /** None of a topic that has gone meanwhile: its members see that it did, or that it is there again. */
  async #partitionsOf(topic: string): Promise<readonly PartitionMetadata[]> {
    try {
      return (await this.#cluster.topic(topic)).partitions;
    } catch (error) {
      if (error instanceof TaplineError && error.code === 'TOPIC_MISSING') return [];
      throw error;
    }
  }

  /** False when the member must join again. @throws TaplineError when the coordinator cannot be asked (retryable), or refuses for good. */
  heartbeat(): Promise<boolean> {
    return this.#membership.heartbeat();
  }

  /** False when the group has moved on without this member: then nothing was stored, and others read on from the offsets before. */
  async commit(offsets: readonly CommitOffset[]): Promise<boolean> {
    const membership = this.#membership;
    return membership.persist('committing offsets of', async () => {
      const body = await membership.ask(OFFSET_COMMIT, offsetCommitRequest(membership.current, offsets));
      const codes = new Set(readOffsetCommit(body).map(({ errorCode }) => errorCode));
      codes.delete(BROKER_ERROR.none);
      for (const code of codes) {
        if (membership.endsMembership(code)) return false;
        membership.check(code, 'OffsetCommit');
      }
      return true;
    });
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly FetchedOffset[]> {
    const membership = this.#membership;
    return membership.persist('asking for committed offsets of', async () => {
      const body = await membership.ask(OFFSET_FETCH, offsetFetchRequest(this.#group, partitions));
      const { errorCode, offsets } = readOffsetFetch(body);
      membership.check(errorCode, 'OffsetFetch');
      for (const offset of offsets) membership.check(offset.errorCode, 'OffsetFetch');
      return offsets;
    });
  }

  leave(): Promise<void> {
    return this.#membership.leave();
  }
}
