import type { Kafka, TopicPartition } from '@tapline/kafka';

/** What is replayed of a partition: the records of [from, to). */
export interface Range extends TopicPartition {
  readonly from: bigint;
  readonly to: bigint;
  /** Everything before it is settled: `from` at the beginning. */
  readonly position: bigint;
}

/** Records in a range, at most: compaction has taken out those that have a newer one of their key, and markers of transactions count too. */
export function recordsAtMost({ position, to }: Pick<Range, 'position' | 'to'>): number {
  return Number(to > position ? to - position : 0n);
}

/** Partitions looked at side by side. */
const LOOKS = 16;
/** The last of so many offsets that has a record is taken for the last of the range. */
const TAIL_OFFSETS = 50n;

/** A range with the times at which its first and last records were published; undefined where it has none. */
export interface TimedRange extends Range {
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
}

export async function timed(
  ranges: readonly Range[],
  { reader }: Pick<Kafka, 'reader'>,
  signal: AbortSignal,
): Promise<TimedRange[]> {
  const found: TimedRange[] = [];
  const left = [...ranges.entries()];
  const look = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, range] = next;
      const tail = range.to - TAIL_OFFSETS > range.position ? range.to - TAIL_OFFSETS : range.position;
      const firstMs = await timeIn(reader, { ...range, from: range.position }, 'first', signal);
      const lastMs = await timeIn(reader, { ...range, from: tail }, 'last', signal);
      found[index] = { ...range, firstMs, lastMs: lastMs ?? firstMs };
    }
  };
  await Promise.all(Array.from({ length: LOOKS }, look));
  return found;
}

async function timeIn(
  reader: Kafka['reader'],
  { topic, partition, from, to }: Pick<Range, 'topic' | 'partition' | 'from' | 'to'>,
  which: 'first' | 'last',
  signal: AbortSignal,
): Promise<number | undefined> {
  if (from >= to) return undefined;
  let last: number | undefined;
  for await (const records of reader.read({ topic, partition, from, to, fetchBytes: 65_536, signal })) {
    if (which === 'first') return records[0]?.timestampMs;
    last = records.at(-1)?.timestampMs;
  }
  return last;
}
