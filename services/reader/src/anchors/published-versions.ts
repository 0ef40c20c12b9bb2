import type { Kafka } from '@tapline/kafka';
import { readHeader } from '@tapline/kafka';
import type { OffsetRange } from '../progress/snapshot-progress.ts';

/** Records of a partition that are held against the replay; of longer tails, the newest ones. */
const WITNESSED = 1_000_000;
const READ_TOGETHER = 16;

interface Tail {
  readonly range: OffsetRange;
  /** Growing. */
  readonly versions: BigInt64Array;
  readonly offsets: BigInt64Array;
  /** The first that the replay has not met. */
  met: number;
}

/**
 * The versions of the records that a replay on another server must give again. Versions grow with the binlog, over all partitions, and are made of commit
 * times that replication keeps. So the first change that the new server has, and the old one had not, has a version above one that was published
 * and has not been met: whatever is published and not met by then is lost. Records that compaction took away are not missed.
 */
export class PublishedVersions {
  readonly #tails = new Map<string, Map<number, Tail>>();

  private constructor(tails: readonly Tail[]) {
    for (const tail of tails) {
      const { topic, partition } = tail.range;
      const ofTopic = this.#tails.get(topic) ?? new Map<number, Tail>();
      this.#tails.set(topic, ofTopic.set(partition, tail));
    }
  }

  /** `above`: versions up to it are in front of the anchor. */
  static async read(
    ranges: readonly OffsetRange[],
    parts: { readonly reader: Kafka['reader']; readonly above: bigint; readonly signal: AbortSignal },
  ): Promise<PublishedVersions> {
    const tails: Tail[] = [];
    for (let at = 0; at < ranges.length; at += READ_TOGETHER) {
      tails.push(...(await Promise.all(ranges.slice(at, at + READ_TOGETHER).map((range) => readTail(range, parts)))));
    }
    return new PublishedVersions(tails);
  }

  /** Whether a change that is skipped by count may be what stands in the partition: false when something older there was never met. */
  meets(topic: string, partition: number, version: bigint): boolean {
    const tail = this.#tails.get(topic)?.get(partition);
    if (tail === undefined) return true;
    const next = tail.versions[tail.met];
    if (next === undefined || version < next) return true;
    if (version > next) return false;
    tail.met++;
    return true;
  }

  /** What was published and not met. */
  lost(): OffsetRange[] {
    return [...this.#tails.values()].flatMap((ofTopic) =>
      [...ofTopic.values()].flatMap(({ range, offsets, met }) => {
        const from = offsets[met];
        return from === undefined ? [] : [{ ...range, from }];
      }),
    );
  }
}

async function readTail(
  range: OffsetRange,
  { reader, above, signal }: Parameters<typeof PublishedVersions.read>[1],
): Promise<Tail> {
  const { to } = range;
  const from = to - range.from > BigInt(WITNESSED) ? to - BigInt(WITNESSED) : range.from;
  const versions = new BigInt64Array(Number(to - from));
  const offsets = new BigInt64Array(versions.length);
  let length = 0;
  for await (const records of reader.read({ ...range, from, signal })) {
    for (const { offset, headers } of records) {
      const version = readHeader(headers, 'v');
      if (version?.length !== 8) continue;
      const number = version.readBigInt64BE(0);
      if (number <= above) continue;
      versions[length] = number;
      offsets[length++] = offset;
    }
  }
  return { range, versions: versions.subarray(0, length), offsets: offsets.subarray(0, length), met: 0 };
}
