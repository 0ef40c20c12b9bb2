import { type Kafka, type OrderedProducer, readHeader } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { ProgressRecord } from '../progress/record.ts';
import type { OffsetRange, SnapshotProgress } from '../progress/snapshot-progress.ts';
import { TopicBook } from '../publish/topic-book.ts';
import { type TailEnd, TopicLanes } from '../publish/topic-lanes.ts';

/** What a progress record and the topics together say of where to go on. */
export interface Reopened {
  readonly book: TopicBook;
  readonly snapshot: SnapshotProgress;
  /** Rows of the unfinished chunk that stand in the topics: their number, and where. */
  readonly publishedRows: number;
}

/** Partitions whose tails are read at a time. */
const READ_TOGETHER = 16;

/** The part of the Kafka client that is needed here. */
export type TopicReader = Pick<Kafka, 'reader' | 'topics'>;

/**
 * Compares the progress record with the ends of its topics.
 *
 * Beyond the record's offsets stand records of a life that ended before it wrote another one: changes, which the replay will meet again
 * and skip by count; or, when the record says "publishing", rows of one chunk of the first load (see SnapshotLoader).
 *
 * @throws TaplineError TOPIC_MISSING, KAFKA_LOG_TRUNCATED.
 */
export async function reopen(
  record: ProgressRecord,
  parts: { kafka: TopicReader; producer: OrderedProducer; signal: AbortSignal },
): Promise<Reopened> {
  const book = new TopicBook();
  const topics = [...record.offsets.keys()];
  const found = await parts.kafka.reader.settledEndsOf(topics, parts.signal);
  // Of tables that are gone the binlog may have rows still.
  await parts.kafka.topics.learnLimits(topics, parts.signal);
  const ranges: OffsetRange[] = [];
  for (const [topic, next] of record.offsets) {
    const ends = found.get(topic) as bigint[];
    checkEnds(topic, next, ends);
    ranges.push(...beyond(topic, next, ends));
  }
  const { publishing } = record.snapshot;
  const tailEnds = publishing ? undefined : await readTailEnds(ranges, parts);
  for (const [topic, recorded] of record.offsets) {
    const ends = found.get(topic) as bigint[];
    const lanes = ends.map((end, partition) => parts.producer.lane(topic, partition, { nextOffset: end }));
    const next = publishing ? ends : recorded;
    const tails = tailEnds?.get(topic);
    book.add(new TopicLanes({ topic, lanes, next, ends, ...(tails === undefined ? {} : { tailEnds: tails }) }));
  }
  const rows = publishing ? ranges : [];
  return {
    book,
    snapshot: { ...record.snapshot, publishing: false, published: [...record.snapshot.published, ...rows] },
    publishedRows: rows.reduce((sum, { from, to }) => sum + Number(to - from), 0),
  };
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

/** The last record of each range, where compaction has left it, by topic and partition. */
async function readTailEnds(
  ranges: readonly OffsetRange[],
  parts: { kafka: TopicReader; signal: AbortSignal },
): Promise<Map<string, Map<number, TailEnd>>> {
  const tailEnds = new Map<string, Map<number, TailEnd>>();
  const read = async ({ topic, partition, to }: OffsetRange): Promise<void> => {
    const last = { topic, partition, from: to - 1n, to, signal: parts.signal };
    for await (const records of parts.kafka.reader.read(last)) {
      for (const { key, headers } of records) {
        const version = readHeader(headers, 'v');
        if (version?.length !== 8) continue;
        const ofTopic = tailEnds.get(topic) ?? new Map<number, TailEnd>();
        tailEnds.set(topic, ofTopic);
        ofTopic.set(partition, { key: key && Buffer.from(key), version: version.readBigInt64BE(0) });
      }
    }
  };
  for (let at = 0; at < ranges.length; at += READ_TOGETHER) {
    await Promise.all(ranges.slice(at, at + READ_TOGETHER).map(read));
  }
  return tailEnds;
}
