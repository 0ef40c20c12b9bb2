import type { Lane } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { Gaps } from '../fencing/fences.ts';

/** The last record that an earlier life of the reader left in a partition beyond the progress record. */
export interface TailEnd {
  readonly key: Buffer | null;
  readonly version: bigint;
  /** Of its transaction; a tombstone has that of the delete in front of it. undefined: not known. */
  readonly gtid?: string;
}

/** Looks at every change that is skipped, beyond the check of the last one. */
export interface SkipWitness {
  /** @throws TaplineError when it cannot be what stands in the topic. */
  skipped(topic: string, partition: number, key: Buffer | null, version: Buffer): void;
}

const NO_TAILS: ReadonlyMap<number, TailEnd> = new Map();

/**
 * The partitions of one topic, with the place of the stream in each.
 *
 * `next[p]` is the offset that the next change of partition p has *by count*: the offset in the progress record plus the changes
 * since. It is the truth that progress records are made of. While `skip[p] > 0` the changes stand in the topic already
 * (published after the progress record by a life that ended before it could write another one): they are counted, and not sent.
 * The binlog replays the same changes in the same order and the partitioner is a pure function of the key, so the
 * n-th change of a partition after the progress record is the n-th record beyond its offset: counting is enough, and holds even where
 * compaction has removed records meanwhile, because offsets stay. Offsets that hold markers are not counted: they are known. The last record skipped is compared by key and version, so that a
 * topic written by somebody else, or a filter changed between two lives, is noticed instead of silently losing changes.
 */
export class TopicLanes {
  readonly topic: string;
  readonly lanes: readonly Lane[];
  readonly next: number[];
  readonly skip: number[];
  readonly #tailEnds: ReadonlyMap<number, TailEnd>;
  readonly #witness: SkipWitness | undefined;
  readonly #first: readonly number[];
  #jumped: number[] = [];
  /** undefined: none are left, as in most topics of thousands. */
  #gaps: Map<number, number[]> | undefined;
  /** How many changes are still to be skipped. */
  skipping: number;

  constructor(options: {
    topic: string;
    lanes: readonly Lane[];
    /** The recorded next offset of each partition. */
    next: readonly bigint[];
    /** The end offset of each partition now. */
    ends: readonly bigint[];
    tailEnds?: ReadonlyMap<number, TailEnd> | undefined;
    /** Offsets between them that hold markers of lives instead of changes (see Life), ascending, by partition. */
    gaps?: Gaps | undefined;
    /** Changes in front of `next` that the replay begins with, by partition. */
    behind?: ReadonlyMap<number, number> | undefined;
    witness?: SkipWitness | undefined;
  }) {
    this.topic = options.topic;
    this.lanes = options.lanes;
    this.next = options.next.map(Number);
    this.skip = options.ends.map((end, p) => Number(end) - (this.next[p] as number));
    for (const [partition, offsets] of options.gaps ?? []) this.#leaveOut(partition, offsets);
    for (const [partition, count] of options.behind ?? []) {
      // The places that these have by count are their own only where nothing but changes stands there; behind them all are right again.
      (this.next[partition] as number) -= count;
      (this.skip[partition] as number) += count;
    }
    this.skipping = this.skip.reduce((sum, n) => sum + n, 0);
    this.#tailEnds = options.tailEnds ?? NO_TAILS;
    this.#witness = options.witness;
    this.#first = [...this.next];
    this.#jumped = this.next.map(() => 0);
  }

  #leaveOut(partition: number, offsets: readonly bigint[]): void {
    const next = this.next[partition] as number;
    const end = next + (this.skip[partition] as number);
    const ahead = offsets.map(Number).filter((offset) => offset >= next && offset < end);
    (this.skip[partition] as number) -= ahead.length;
    this.#gaps ??= new Map();
    this.#gaps.set(partition, ahead);
    this.#passGaps(partition);
  }

  /** Those that are still to be passed: all of them stand in front of the partition's end. */
  get gaps(): Gaps {
    return new Map([...(this.#gaps ?? [])].map(([partition, offsets]) => [partition, offsets.map(BigInt)]));
  }

  /** Changes of each partition since this life began, skipped or sent. */
  counts(): number[] {
    return this.next.map((next, p) => next - (this.#first[p] as number) - (this.#jumped[p] as number));
  }

  lane(partition: number): Lane {
    return this.lanes[partition] as Lane;
  }

  /** Counts a change of `partition`. True: send it. False: it stands in the topic already. `version` is read only for the check. */
  advance(partition: number, key: Buffer | null, version: Buffer): boolean {
    (this.next[partition] as number)++;
    // One look less at memory that is cold where tables are many.
    if (this.skipping === 0) return true;
    const left = this.skip[partition] as number;
    if (left === 0) return true;
    this.skip[partition] = left - 1;
    this.skipping--;
    this.#witness?.skipped(this.topic, partition, key, version);
    if (left === 1) this.#check(partition, key, version);
    if (this.#gaps !== undefined) this.#passGaps(partition);
    return false;
  }

  #passGaps(partition: number): void {
    const gaps = this.#gaps?.get(partition);
    if (gaps === undefined) return;
    while (gaps[0] === this.next[partition]) {
      gaps.shift();
      (this.next[partition] as number)++;
      (this.#jumped[partition] as number)++;
    }
    if (gaps.length === 0) this.#gaps?.delete(partition);
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
