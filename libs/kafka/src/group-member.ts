import { isRetryable, TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import type { Address } from './config.ts';
import type { CommitOffset, TopicPartition } from './consumer.ts';
import { BROKER_ERROR, isRetryableBrokerError } from './error-table.ts';
import {
  type Encoded,
  type FetchedOffset,
  FIND_COORDINATOR,
  findCoordinatorRequest,
  HEARTBEAT,
  heartbeatRequest,
  JOIN_GROUP,
  type Joined,
  joinGroupRequest,
  LEAVE_GROUP,
  leaveGroupRequest,
  type Membership,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  offsetCommitRequest,
  offsetFetchRequest,
  readErrorCode,
  readFindCoordinator,
  readJoinGroup,
  readOffsetCommit,
  readOffsetFetch,
  readSyncGroup,
  SYNC_GROUP,
  syncGroupRequest,
} from './group-protocol.ts';

export interface GroupOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/** The codes that say: your membership is over or about to change, join again. */
const REJOIN: ReadonlySet<number> = new Set([
  BROKER_ERROR.illegalGeneration,
  BROKER_ERROR.unknownMemberId,
  BROKER_ERROR.rebalanceInProgress,
]);

const PROTOCOL = 'roundrobin';

/** One member of a consumer group, towards its coordinator (Kafka's classic group protocol). */
export class GroupMember {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  readonly #signal: AbortSignal;
  #coordinator: Address | undefined;
  #membership: Membership;

  constructor(cluster: Cluster, options: GroupOptions, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#options = options;
    this.#signal = signal;
    this.#membership = { group: options.group, generation: -1, memberId: '' };
  }

  /** Joins the group, and takes part in sharing out the partitions. Resolves with this member's share; waits for the others. */
  async join(): Promise<TopicPartition[]> {
    return this.#persist('joining the consumer group', async () => {
      const joined = await this.#joinOnce();
      this.#membership = { ...this.#membership, generation: joined.generation, memberId: joined.memberId };
      const assignments =
        joined.leader === joined.memberId ? await this.#share(joined) : new Map<string, TopicPartition[]>();
      const body = await this.#ask(
        SYNC_GROUP,
        syncGroupRequest(this.#membership, assignments),
        this.#options.rebalanceTimeoutMs,
      );
      const { errorCode, partitions } = readSyncGroup(body);
      this.#check(errorCode, 'SyncGroup');
      return partitions;
    });
  }

  async #joinOnce(): Promise<Joined> {
    const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    for (;;) {
      const { memberId } = this.#membership;
      const request = joinGroupRequest({
        group,
        memberId,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        protocol: PROTOCOL,
        topics,
      });
      // The answer comes when all members have joined: at most a rebalance timeout later.
      const joined = readJoinGroup(await this.#ask(JOIN_GROUP, request, rebalanceTimeoutMs));
      if (joined.errorCode === BROKER_ERROR.memberIdRequired) {
        this.#membership = { ...this.#membership, memberId: joined.memberId };
        continue;
      }
      this.#check(joined.errorCode, 'JoinGroup');
      return joined;
    }
  }

  /** The leader's work: partitions go round the members that want their topic, so that each gets its share of every topic. */
  async #share(joined: Joined): Promise<Map<string, TopicPartition[]>> {
    const members = joined.members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const shares = new Map(members.map(({ memberId }) => [memberId, [] as TopicPartition[]]));
    let turn = 0;
    for (const topic of [...new Set(members.flatMap(({ topics }) => topics))].toSorted()) {
      const takers = members.filter(({ topics }) => topics.includes(topic));
      for (const { partition } of (await this.#cluster.topic(topic)).partitions) {
        const taker = takers[turn++ % takers.length] as (typeof takers)[number];
        (shares.get(taker.memberId) as TopicPartition[]).push({ topic, partition });
      }
    }
    return shares;
  }

  /** False when the member must join again. @throws TaplineError when the coordinator cannot be asked (retryable), or refuses for good. */
  async heartbeat(): Promise<boolean> {
    const code = readErrorCode(await this.#ask(HEARTBEAT, heartbeatRequest(this.#membership)));
    if (REJOIN.has(code)) {
      this.#forgetIfUnknown(code);
      return false;
    }
    this.#check(code, 'Heartbeat');
    return true;
  }

  /** False when the group has moved on without this member: then nothing was stored, and others read on from the offsets before. */
  async commit(offsets: readonly CommitOffset[]): Promise<boolean> {
    return this.#persist('committing offsets', async () => {
      const body = await this.#ask(OFFSET_COMMIT, offsetCommitRequest(this.#membership, offsets));
      const codes = new Set(readOffsetCommit(body).map(({ errorCode }) => errorCode));
      codes.delete(BROKER_ERROR.none);
      for (const code of codes) {
        if (REJOIN.has(code)) return false;
        this.#check(code, 'OffsetCommit');
      }
      return true;
    });
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly FetchedOffset[]> {
    return this.#persist('asking for committed offsets', async () => {
      const body = await this.#ask(OFFSET_FETCH, offsetFetchRequest(this.#options.group, partitions));
      const { errorCode, offsets } = readOffsetFetch(body);
      this.#check(errorCode, 'OffsetFetch');
      for (const offset of offsets) this.#check(offset.errorCode, 'OffsetFetch');
      return offsets;
    });
  }

  /** Lets the others have the partitions at once. Failing to say so is no harm: the session ends by itself. */
  async leave(): Promise<void> {
    if (this.#membership.memberId === '' || this.#coordinator === undefined) return;
    try {
      const connection = await this.#cluster.connectTo(this.#coordinator, this.#line);
      await connection.request({ ...LEAVE_GROUP, ...leaveGroupRequest(this.#membership), timeoutMs: 5_000 });
    } catch (error) {
      this.#cluster.logger.debug('Kafka: leaving the consumer group failed', { error, group: this.#options.group });
    }
    this.#membership = { ...this.#membership, memberId: '' };
  }

  get #line(): `group ${string}` {
    return `group ${this.#options.group}`;
  }

  #check(code: number, what: string): void {
    if (code === BROKER_ERROR.none) return;
    if (isRetryableBrokerError(code)) this.#coordinator = undefined;
    this.#forgetIfUnknown(code);
    const place = { topic: this.#options.topics.join(',') };
    if (REJOIN.has(code)) {
      // Only while joining: the group is in motion, the next attempt joins what it has become.
      throw new TaplineError('KAFKA_NOT_READY', {
        message: `The consumer group ${this.#options.group} is rebalancing.`,
        place,
      });
    }
    throw brokerError(code, `${what} for consumer group ${this.#options.group}`, place);
  }

  #forgetIfUnknown(code: number): void {
    if (code === BROKER_ERROR.unknownMemberId) this.#membership = { ...this.#membership, memberId: '', generation: -1 };
  }

  /** Sends to the coordinator, which is looked up when it is not known. */
  async #ask(api: { apiKey: number; apiVersion: number }, request: Encoded, extraMs = 0): Promise<Buffer> {
    try {
      this.#coordinator ??= await this.#findCoordinator();
      const connection = await this.#cluster.connectTo(this.#coordinator, this.#line);
      const timeoutMs = (this.#cluster.config.requestTimeoutMs ?? 20_000) + extraMs;
      return await connection.request({ ...api, ...request, timeoutMs });
    } catch (error) {
      if (isRetryable(error)) this.#coordinator = undefined;
      throw error;
    }
  }

  async #findCoordinator(): Promise<Address> {
    const body = await this.#cluster.anyBroker({ ...FIND_COORDINATOR, ...findCoordinatorRequest(this.#options.group) });
    const { errorCode, address } = readFindCoordinator(body);
    if (errorCode !== 0)
      throw brokerError(errorCode, `finding the coordinator of consumer group ${this.#options.group}`);
    return address;
  }

  #persist<T>(what: string, operation: () => Promise<T>): Promise<T> {
    return this.#cluster.persist(what, operation, { signal: this.#signal });
  }
}
