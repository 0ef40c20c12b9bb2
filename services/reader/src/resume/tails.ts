import { type Kafka, readHeader } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { ProgressRecord } from '../progress/record.ts';
import type { OffsetRange } from '../progress/snapshot-progress.ts';
import type { TailEnd } from '../publish/topic-lanes.ts';

/** What stands in the topics beyond a progress record. */
export interface Tails {
  /** The end of each partition, by topic. */
  readonly ends: ReadonlyMap<string, readonly bigint[]>;
  /** Those that are not empty. */
  readonly ranges: readonly OffsetRange[];
  /** The last record of each range, where compaction has left it, by topic and partition; none while the record says "publishing". */
  readonly last: ReadonlyMap<string, ReadonlyMap<number, TailEnd>>;
}

/** The part of the Kafka client that is needed here. */
export type TopicReader = Pick<Kafka, 'reader' | 'topics'>;

interface TailParts {
  readonly kafka: TopicReader;
  /** The GTID that a record's value names. */
  readonly gtidOf: (value: Buffer) => Promise<string | undefined>;
  readonly signal: AbortSignal;
}

/** Partitions whose tails are read at a time. */
const READ_TOGETHER = 16;

/** Compares the progress record with the ends of its topics. @throws TaplineError TOPIC_MISSING, TOPIC_PARTITIONS, KAFKA_LOG_TRUNCATED. */
export async function readTails(record: ProgressRecord, parts: TailParts): Promise<Tails> {
  const topics = [...record.offsets.keys()];
  const ends = await parts.kafka.reader.settledEndsOf(topics, parts.signal);
  // Of tables that are gone the binlog may have rows still.
  await parts.kafka.topics.learnLimits(topics, parts.signal);
  const ranges: OffsetRange[] = [];
  for (const [topic, next] of record.offsets) {
    const found = ends.get(topic) as bigint[];
    checkEnds(topic, next, found);
    ranges.push(...beyond(topic, next, found));
  }
  return { ends, ranges, last: record.snapshot.publishing ? new Map() : await readLast(ranges, parts) };
}

function checkEnds(topic: string, recorded: readonly bigint[], ends: readonly bigint[]): void {
  if (ends.length !== recorded.length) {
    throw new TaplineError('TOPIC_PARTITIONS', {
      message: `Topic ${topic} has ${ends.length} partitions, the progress record knows ${recorded.length}.`,
      place: { topic },
      remedy:
        'With another count keys move to other partitions and lose their order. Publish under another source name, or delete the topics and the progress topic of this one for a new load.',
    });
  }
  ends.forEach((end, partition) => {
    const next = recorded[partition] as bigint;
    if (end >= next) return;
    throw new TaplineError('KAFKA_LOG_TRUNCATED', {
      message: `The partition ends at offset ${end}, but everything below ${next} had been acknowledged: records are lost, or the topic was made anew.`,
      place: { topic, partition, offset: String(end) },
    });
  });
}

function beyond(topic: string, next: readonly bigint[], ends: readonly bigint[]): OffsetRange[] {
  return ends
    .map((to, partition) => ({ topic, partition, from: next[partition] as bigint, to }))
    .filter(({ from, to }) => to > from);
}

async function readLast(
  ranges: readonly OffsetRange[],
  { kafka, gtidOf, signal }: TailParts,
): Promise<Map<string, Map<number, TailEnd>>> {
  const last = new Map<string, Map<number, TailEnd>>();
  const read = async ({ topic, partition, from, to }: OffsetRange): Promise<void> => {
    // A tombstone says nothing of its transaction, but stands behind its delete.
    const range = { topic, partition, from: to - from > 1n ? to - 2n : from, to, signal };
    let gtid: string | undefined;
    let end: TailEnd | undefined;
    for await (const records of kafka.reader.read(range)) {
      for (const { offset, key, value, headers } of records) {
        if (value !== null) gtid = await gtidOf(value);
        const version = readHeader(headers, 'v');
        if (offset !== to - 1n || version?.length !== 8) continue;
        end = { key: key && Buffer.from(key), version: version.readBigInt64BE(0) };
      }
    }
    if (end === undefined) return;
    const ofTopic = last.get(topic) ?? new Map<number, TailEnd>();
    last.set(topic, ofTopic.set(partition, gtid === undefined ? end : { ...end, gtid }));
  };
  for (let at = 0; at < ranges.length; at += READ_TOGETHER) {
    await Promise.all(ranges.slice(at, at + READ_TOGETHER).map(read));
  }
  return last;
}
