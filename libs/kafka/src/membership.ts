import { TaplineError } from '@tapline/kernel';
import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import { Coordinator } from './coordinator.ts';
import { BROKER_ERROR, isRetryableBrokerError } from './error-table.ts';
import {
  type GroupPeer,
  HEARTBEAT,
  heartbeatRequest,
  JOIN_GROUP,
  type Joined,
  joinGroupRequest,
  LEAVE_GROUP,
  leaveGroupRequest,
  type Membership,
  readErrorCode,
  readJoinGroup,
  readSyncGroup,
  SYNC_GROUP,
  syncGroupRequest,
} from './group-protocol.ts';
import type { Encoded } from './protocol.ts';

export interface MembershipOptions {
  readonly group: string;
  readonly protocolType: string;
  readonly protocol: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** What this member says of itself when it joins. */
  metadata(): Buffer;
  /** The work of the member that Kafka has chosen for it: what each of the members gets. */
  share(peers: readonly GroupPeer[]): Promise<ReadonlyMap<string, Buffer>> | ReadonlyMap<string, Buffer>;
}

/** The codes that say: your membership is over or about to change, join again. */
const REJOIN: ReadonlySet<number> = new Set([
  BROKER_ERROR.illegalGeneration,
  BROKER_ERROR.unknownMemberId,
  BROKER_ERROR.rebalanceInProgress,
]);

const LEAVE_MS = 5_000;

/** One member of a group, towards its coordinator (Kafka's classic group protocol), whatever the group shares out. */
export class GroupMembership {
  readonly #cluster: Cluster;
  readonly #options: MembershipOptions;
  readonly #signal: AbortSignal;
  readonly #coordinator: Coordinator;
  #membership: Membership;

  constructor(cluster: Cluster, options: MembershipOptions, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#options = options;
    this.#signal = signal;
    this.#coordinator = new Coordinator(cluster, 'group', options.group);
    this.#membership = { group: options.group, generation: -1, memberId: '' };
  }

  /** As of the last join. The member id is '' when the coordinator does not know this member, or not any more. */
  get current(): Membership {
    return this.#membership;
  }

  /** Joins the group and takes part in the sharing out. Resolves with what this member gets; waits for the other members. */
  async join(): Promise<Buffer> {
    return this.persist('joining the group', async () => {
      const joined = await this.#joinOnce();
      this.#membership = { ...this.#membership, generation: joined.generation, memberId: joined.memberId };
      const shares =
        joined.leader === joined.memberId ? await this.#options.share(joined.members) : new Map<string, Buffer>();
      const body = await this.ask(
        SYNC_GROUP,
        syncGroupRequest(this.#membership, shares),
        this.#options.rebalanceTimeoutMs,
      );
      const { errorCode, assignment } = readSyncGroup(body);
      this.check(errorCode, 'SyncGroup');
      return assignment;
    });
  }

  async #joinOnce(): Promise<Joined> {
    const { group, protocolType, protocol, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    for (;;) {
      const metadata = this.#options.metadata();
      const { memberId } = this.#membership;
      const timeouts = { sessionTimeoutMs, rebalanceTimeoutMs };
      const request = joinGroupRequest({ group, memberId, ...timeouts, protocolType, protocol, metadata });
      // The answer comes when all members have joined: at most a rebalance timeout later.
      const joined = readJoinGroup(await this.ask(JOIN_GROUP, request, rebalanceTimeoutMs));
      if (joined.errorCode === BROKER_ERROR.memberIdRequired) {
        this.#membership = { ...this.#membership, memberId: joined.memberId };
        continue;
      }
      this.check(joined.errorCode, 'JoinGroup');
      return joined;
    }
  }

  /** False when the member must join again. @throws TaplineError when the coordinator cannot be asked (retryable), or refuses for good. */
  async heartbeat(): Promise<boolean> {
    const code = readErrorCode(await this.ask(HEARTBEAT, heartbeatRequest(this.#membership)));
    if (this.endsMembership(code)) {
      this.#forgetIfUnknown(code);
      return false;
    }
    this.check(code, 'Heartbeat');
    return true;
  }

  /** Lets the others share out anew at once. Failing to say so is no harm: the session ends by itself. */
  async leave(): Promise<void> {
    if (this.#membership.memberId === '' || !this.#coordinator.known) return;
    try {
      await this.#coordinator.ask(LEAVE_GROUP, leaveGroupRequest(this.#membership), LEAVE_MS);
    } catch (error) {
      this.#cluster.logger.debug('Kafka: leaving the group failed', { error, group: this.#options.group });
    }
    this.#membership = { ...this.#membership, memberId: '' };
  }

  /** Whether the code says: join again. */
  endsMembership(code: number): boolean {
    return REJOIN.has(code);
  }

  /** @throws TaplineError for every code but 0; retryable while the group or its coordinator is in motion. */
  check(code: number, what: string): void {
    if (code === BROKER_ERROR.none) return;
    if (isRetryableBrokerError(code)) this.#coordinator.forget();
    this.#forgetIfUnknown(code);
    const { group } = this.#options;
    if (REJOIN.has(code)) {
      // Only while joining: the group is in motion, the next attempt joins what it has become.
      throw new TaplineError('KAFKA_NOT_READY', { message: `The group ${group} is rebalancing.` });
    }
    throw brokerError(code, `${what} for group ${group}`);
  }

  ask(
    api: { readonly apiKey: number; readonly apiVersion: number },
    request: Encoded,
    extraMs: number = 0,
  ): Promise<Buffer> {
    return this.#coordinator.ask(api, request, (this.#cluster.config.requestTimeoutMs ?? 20_000) + extraMs);
  }

  persist<T>(what: string, operation: () => Promise<T>): Promise<T> {
    return this.#cluster.persist(`${what} ${this.#options.group}`, operation, { signal: this.#signal });
  }

  #forgetIfUnknown(code: number): void {
    if (code === BROKER_ERROR.unknownMemberId) this.#membership = { ...this.#membership, memberId: '', generation: -1 };
  }
}
