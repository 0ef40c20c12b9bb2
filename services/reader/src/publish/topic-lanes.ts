import type { Lane } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

/** The last record that an earlier life of the reader left in a partition beyond the progress record. */
export interface TailEnd {
  readonly key: Buffer | null;
  readonly version: bigint;
  /** Of its transaction; a tombstone has that of the delete in front of it. undefined: not known. */
  readonly gtid?: string;
}

/**
 * The partitions of one topic, with the place of the stream in each.
 *
 * `next[p]` is the offset that the next change of partition p has *by count*: the offset in the progress record plus the changes
 * since. It is the truth that progress records are made of. While `skip[p] > 0` the changes stand in the topic already
 * (published after the progress record by a life that ended before it could write another one): they are counted, and not sent.
 * The binlog replays the same changes in the same order and the partitioner is a pure function of the key, so the
 * n-th change of a partition after the progress record is the n-th record beyond its offset: counting is enough, and holds even where
 * compaction has removed records meanwhile, because offsets stay. The last record skipped is compared by key and version, so that a
 * topic written by somebody else, or a filter changed between two lives, is noticed instead of silently losing changes.
 */
export class TopicLanes {
  readonly topic: string;
  readonly lanes: readonly Lane[];
  readonly next: number[];
  readonly skip: number[];
  readonly #tailEnds: ReadonlyMap<number, TailEnd>;
  /** How many changes are still to be skipped. */
  skipping: number;

  constructor(options: {
    topic: string;
    lanes: readonly Lane[];
    /** The recorded next offset of each partition. */
    next: readonly bigint[];
    /** The end offset of each partition now. */
    ends: readonly bigint[];
    tailEnds?: ReadonlyMap<number, TailEnd>;
  }) {
    this.topic = options.topic;
    this.lanes = options.lanes;
    this.next = options.next.map(Number);
    this.skip = options.ends.map((end, p) => Number(end) - (this.next[p] as number));
    this.skipping = this.skip.reduce((sum, n) => sum + n, 0);
    this.#tailEnds = options.tailEnds ?? new Map();
  }

  lane(partition: number): Lane {
    return this.lanes[partition] as Lane;
  }

  /** Counts a change of `partition`. True: send it. False: it stands in the topic already. `version` is read only for the check. */
  advance(partition: number, key: Buffer | null, version: Buffer): boolean {
    (this.next[partition] as number)++;
    const left = this.skip[partition] as number;
    if (left === 0) return true;
    this.skip[partition] = left - 1;
    this.skipping--;
    if (left === 1) this.#check(partition, key, version);
    return false;
  }

  #check(partition: number, key: Buffer | null, version: Buffer): void {
    const expected = this.#tailEnds.get(partition);
    if (expected === undefined) return;
    const sameKey = key === null ? expected.key === null : expected.key !== null && key.equals(expected.key);
    if (sameKey && version.readBigInt64BE(0) === expected.version) return;
    throw new TaplineError('RESUME_MISMATCH', {
      message: `The replay from the progress record does not meet what the topic holds: at this offset the topic has version ${expected.version}, the binlog gives ${version.readBigInt64BE(0)}${sameKey ? '' : ' with another key'}.`,
      place: { topic: this.topic, partition, offset: String((this.next[partition] as number) - 1) },
    });
  }
}
