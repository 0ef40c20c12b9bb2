import { brokerError } from './classify.ts';
import type { Cluster } from './cluster.ts';
import type { CommitOffset } from './consumer.ts';
import { Coordinator } from './coordinator.ts';
import { BROKER_ERROR, isRetryableBrokerError } from './error-table.ts';
import {
  DELETE_GROUPS,
  deleteGroupRequest,
  OFFSET_COMMIT,
  OFFSET_FETCH,
  offsetCommitRequest,
  offsetFetchRequest,
  readDeletedGroup,
  readOffsetCommit,
  readOffsetFetch,
} from './group-protocol.ts';
import type { Encoded } from './protocol.ts';

/** What is stored for a partition of a group: where to go on, and a note of up to some 4,000 bytes. */
export interface StoredOffset extends CommitOffset {
  readonly note: string;
}

/**
 * The offsets of a consumer group, from outside of it. They can be stored only while the group has no members: it is then a durable note of how far
 * somebody has come, which the usual tools show. The brokers forget it a week after the last store (`offsets.retention.minutes`).
 */
export class GroupOffsets {
  readonly group: string;
  readonly #cluster: Cluster;
  readonly #coordinator: Coordinator;
  readonly #patienceMs: number | undefined;

  constructor(cluster: Cluster, group: string, patienceMs: number | undefined) {
    this.group = group;
    this.#cluster = cluster;
    this.#coordinator = new Coordinator(cluster, 'group', group);
    this.#patienceMs = patienceMs;
  }

  /** All that the group has; none where there is no such group. */
  async stored(signal?: AbortSignal): Promise<readonly StoredOffset[]> {
    return this.#persist('asking for the offsets of', signal, async () => {
      const { errorCode, offsets } = readOffsetFetch(
        await this.#ask(OFFSET_FETCH, offsetFetchRequest(this.group, null)),
      );
      this.#check(errorCode, 'OffsetFetch');
      for (const offset of offsets) this.#check(offset.errorCode, 'OffsetFetch');
      return offsets
        .filter(({ offset }) => offset >= 0n)
        .map(({ topic, partition, offset, note }) => ({ topic, partition, offset, note }));
    });
  }

  async store(offsets: readonly StoredOffset[], signal?: AbortSignal): Promise<void> {
    if (offsets.length === 0) return;
    // Generation -1 without a member: Kafka takes that of whoever assigns partitions to itself.
    const nobody = { group: this.group, generation: -1, memberId: '' };
    await this.#persist('storing offsets of', signal, async () => {
      const answer = readOffsetCommit(await this.#ask(OFFSET_COMMIT, offsetCommitRequest(nobody, offsets)));
      for (const { errorCode } of answer) this.#check(errorCode, 'OffsetCommit');
    });
  }

  /** Takes the group away. No harm when there is none. */
  async forget(signal?: AbortSignal): Promise<void> {
    await this.#persist('deleting', signal, async () => {
      const code = readDeletedGroup(await this.#ask(DELETE_GROUPS, deleteGroupRequest(this.group)));
      if (code !== BROKER_ERROR.groupIdNotFound) this.#check(code, 'DeleteGroups');
    });
  }

  #ask(api: { readonly apiKey: number; readonly apiVersion: number }, request: Encoded): Promise<Buffer> {
    return this.#coordinator.ask(api, request);
  }

  #check(code: number, what: string): void {
    if (code === BROKER_ERROR.none) return;
    if (isRetryableBrokerError(code)) this.#coordinator.forget();
    throw brokerError(code, `${what} for group ${this.group}`);
  }

  #persist<T>(what: string, signal: AbortSignal | undefined, operation: () => Promise<T>): Promise<T> {
    return this.#cluster.persist(`${what} the group ${this.group}`, operation, {
      ...(signal === undefined ? {} : { signal }),
      ...(this.#patienceMs === undefined ? {} : { patienceMs: this.#patienceMs }),
    });
  }
}
