import { crc32 } from 'node:zlib';
import { type Kafka, readHeader } from '@tapline/kafka';
import type { OffsetRange } from '../progress/snapshot-progress.ts';

/** Changes of a partition that a replay must give again, and where they stand. */
export interface ReplayedRange extends OffsetRange {
  readonly changes: number;
}

const READ_TOGETHER = 16;
/** Records of all partitions together that are remembered; of longer tails the newest ones. */
const MOST_RECORDS = 2_000_000;
const LEAST_OF_A_PARTITION = 1000;

/** The records of a range, as numbers and prints of their keys: there may be many. */
export class TailRecords {
  readonly offsets: BigInt64Array;
  readonly versions: BigInt64Array;
  readonly keys: Uint32Array;
  length = 0;

  constructor(capacity: number) {
    this.offsets = new BigInt64Array(capacity);
    this.versions = new BigInt64Array(capacity);
    this.keys = new Uint32Array(capacity);
  }

  push(offset: bigint, key: Uint8Array | null, version: bigint): void {
    this.offsets[this.length] = offset;
    this.keys[this.length] = printOf(key);
    this.versions[this.length++] = version;
  }
}

/**
 * The records that a replay on another server must give again, by version and key. What compaction took away is not there to be compared: as many changes
 * as records are missing may be others, at most. So the first change that the new server has in place of one that it never got is told from it, whatever
 * its clock says; in a partition with holes, at the latest when all changes are counted and a record was not met.
 */
export class PublishedTail {
  readonly #partitions = new Map<string, Map<number, PartitionTail>>();

  add(range: ReplayedRange, records: TailRecords): void {
    const ofTopic = this.#partitions.get(range.topic) ?? new Map<number, PartitionTail>();
    this.#partitions.set(range.topic, ofTopic.set(range.partition, new PartitionTail(range, records)));
  }

  /** Whether a change that is skipped by count is what stands in the partition. */
  meets(topic: string, partition: number, key: Uint8Array | null, version: bigint): boolean {
    return this.#partitions.get(topic)?.get(partition)?.meets(key, version) ?? true;
  }

  /** What was published and not met. */
  lost(): OffsetRange[] {
    return [...this.#partitions.values()].flatMap((ofTopic) => [...ofTopic.values()].flatMap((tail) => tail.lost()));
  }
}

class PartitionTail {
  readonly #range: ReplayedRange;
  readonly #records: TailRecords;
  /** Records in front of this one were met. */
  #met = 0;
  /** Changes still to come. */
  #left: number;
  /** How many of them may have no record. */
  #missing: number;

  constructor(range: ReplayedRange, records: TailRecords) {
    this.#range = range;
    this.#records = records;
    this.#left = range.changes;
    this.#missing = range.changes - records.length;
  }

  meets(key: Uint8Array | null, version: bigint): boolean {
    this.#left--;
    const { versions, keys, length } = this.#records;
    const isNext = this.#met < length && version === versions[this.#met] && printOf(key) === keys[this.#met];
    if (isNext) this.#met++;
    else if (--this.#missing < 0) return false;
    return this.#left > 0 || this.#met === length;
  }

  lost(): OffsetRange[] {
    const { topic, partition, to } = this.#range;
    if (this.#met === this.#records.length) return [];
    return [{ topic, partition, from: this.#records.offsets[this.#met] as bigint, to }];
  }
}

function printOf(key: Uint8Array | null): number {
  return key === null ? 0 : crc32(key);
}

/** `above`: records up to this version stand in front of the anchor. */
export async function readPublishedTail(
  ranges: readonly ReplayedRange[],
  parts: { readonly reader: Kafka['reader']; readonly above: bigint; readonly signal: AbortSignal },
): Promise<PublishedTail> {
  const tail = new PublishedTail();
  const most = Math.max(LEAST_OF_A_PARTITION, Math.floor(MOST_RECORDS / Math.max(1, ranges.length)));
  for (let at = 0; at < ranges.length; at += READ_TOGETHER) {
    const some = ranges.slice(at, at + READ_TOGETHER);
    await Promise.all(some.map(async (range) => tail.add(range, await readRange(range, most, parts))));
  }
  return tail;
}

/** Those that are not read are taken for missing, like those that compaction took away. */
async function readRange(
  { topic, partition, from, to }: ReplayedRange,
  most: number,
  { reader, above, signal }: Parameters<typeof readPublishedTail>[1],
): Promise<TailRecords> {
  const start = to - from > BigInt(most) ? to - BigInt(most) : from;
  const found = new TailRecords(Number(to - start));
  for await (const records of reader.read({ topic, partition, from: start, to, signal })) {
    for (const { offset, key, headers } of records) {
      const version = readHeader(headers, 'v');
      if (version?.length !== 8) continue;
      const number = version.readBigInt64BE(0);
      if (number > above) found.push(offset, key, number);
    }
  }
  return found;
}
