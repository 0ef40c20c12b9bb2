import { type Kafka, readHeader, type Tail } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { Origin } from '../failover/lost.ts';
import type { Gaps } from '../fencing/fences.ts';
import type { Life } from '../fencing/life.ts';
import type { ProgressRecord } from '../progress/record.ts';
import type { OffsetRange } from '../progress/snapshot-progress.ts';
import type { TailEnd } from '../publish/topic-lanes.ts';

/** What a partition holds beyond a progress record. */
export interface TailRange extends OffsetRange {
  /** So many offsets of the range are records; the others are markers. */
  readonly records: number;
}

/** What stands in the topics beyond a progress record. */
export interface Tails {
  /** The end of each partition, by topic. */
  readonly ends: ReadonlyMap<string, readonly bigint[]>;
  /** Those that hold records. */
  readonly ranges: readonly TailRange[];
  /** The last record of each range, where compaction has left it, by topic and partition; none while the record says "publishing". */
  readonly last: ReadonlyMap<string, ReadonlyMap<number, TailEnd>>;
  /** Offsets beyond the record's that hold markers, by topic. */
  readonly gaps: ReadonlyMap<string, Gaps>;
}

/** The part of the Kafka client that is needed here. */
export type TopicReader = Pick<Kafka, 'reader' | 'topics'>;

interface TailParts {
  readonly kafka: TopicReader;
  readonly life: Pick<Life, 'shutsOut' | 'hasShutOut'>;
  /** Where a record's value comes from. */
  readonly originOf: (value: Buffer, topic: string) => Promise<Origin | undefined>;
  readonly signal: AbortSignal;
}

/** Compares the progress record with the ends of its topics. @throws TaplineError TOPIC_MISSING, TOPIC_PARTITIONS, KAFKA_LOG_TRUNCATED. */
export async function readTails(record: ProgressRecord, parts: TailParts): Promise<Tails> {
  const { kafka, life, signal } = parts;
  const topics = [...record.offsets.keys()];
  // Of a life that cannot be shut out something may be under way still.
  const ends = life.shutsOut(record)
    ? await kafka.reader.writtenEndsOf(topics, signal)
    : await kafka.reader.settledEndsOf(topics, signal);
  // Of tables that are gone the binlog may have rows still.
  await kafka.topics.learnLimits(topics, signal);
  const beyond: OffsetRange[] = [];
  for (const [topic, next] of record.offsets) {
    const found = ends.get(topic) as bigint[];
    checkEnds(topic, next, found);
    beyond.push(...rangesOf(topic, next, found));
  }
  const { gaps, read } = await findMarkers(record, beyond, parts);
  const ranges = beyond
    .map((range) => ({ ...range, records: Number(range.to - range.from) - gapsOf(gaps, range).length }))
    .filter(({ records }) => records > 0);
  return { ends, ranges, gaps, last: record.snapshot.publishing ? new Map() : await lastOf(read, parts) };
}

/** Where the markers of the lives are that began after the record was written: at the ends of partitions, as nobody but the last of them can write. */
async function findMarkers(
  record: ProgressRecord,
  beyond: readonly OffsetRange[],
  { kafka, life, signal }: TailParts,
): Promise<{ gaps: Map<string, Map<number, readonly bigint[]>>; read: readonly (readonly [OffsetRange, Tail])[] }> {
  const gaps = new Map<string, Map<number, readonly bigint[]>>();
  const add = ({ topic, partition }: OffsetRange, offsets: readonly bigint[]): void => {
    if (offsets.length > 0) gaps.set(topic, (gaps.get(topic) ?? new Map()).set(partition, offsets));
  };
  const open: OffsetRange[] = [];
  for (const range of beyond) {
    const known = gapsOf(record.fences?.gaps, range);
    const rest = range.to - range.from - BigInt(known.length);
    // One more than is known, where this life has put its marker: that is the marker.
    if (rest === 1n && life.hasShutOut(range.topic)) add(range, [...known, range.to - 1n]);
    else if (rest === 0n) add(range, known);
    else open.push(range);
  }
  const tails = await kafka.reader.tails(open, signal);
  const read = open.map((range, i) => [range, tails[i] as Tail] as const);
  for (const [range, { markers }] of read) {
    const known = gapsOf(record.fences?.gaps, range);
    add(range, [...known, ...markers.filter((offset) => !known.includes(offset))].toSorted(ascending));
  }
  return { gaps, read };
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : 1);

/** Those of the gaps that lie in the range. */
function gapsOf(gaps: ReadonlyMap<string, Gaps> | undefined, { topic, partition, from, to }: OffsetRange): bigint[] {
  return (
    gaps
      ?.get(topic)
      ?.get(partition)
      ?.filter((offset) => offset >= from && offset < to) ?? []
  );
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

function rangesOf(topic: string, next: readonly bigint[], ends: readonly bigint[]): OffsetRange[] {
  return ends
    .map((to, partition) => ({ topic, partition, from: next[partition] as bigint, to }))
    .filter(({ from, to }) => to > from);
}

async function lastOf(
  read: readonly (readonly [OffsetRange, Tail])[],
  { originOf }: TailParts,
): Promise<Map<string, Map<number, TailEnd>>> {
  const ends = new Map<string, Map<number, TailEnd>>();
  for (const [{ topic, partition, to }, { last, markers }] of read) {
    const record = last.at(-1);
    const version = record && readHeader(record.headers, 'v');
    // Where compaction has taken the last one away, there is nothing to compare with.
    if (record === undefined || version?.length !== 8 || record.offset !== to - BigInt(markers.length) - 1n) continue;
    // A tombstone says nothing of its transaction, but stands behind its delete.
    const value = last.findLast((candidate) => candidate.value !== null)?.value;
    // An event of an outbox has it in a header.
    const header = readHeader(record.headers, 'gtid')?.toString();
    const gtid = header ?? (value ? (await originOf(value, topic))?.gtid : undefined);
    const end = { key: record.key && Buffer.from(record.key), version: version.readBigInt64BE(0) };
    const ofTopic = ends.get(topic) ?? new Map<number, TailEnd>();
    ends.set(topic, ofTopic.set(partition, gtid === undefined || gtid === '' ? end : { ...end, gtid }));
  }
  return ends;
}
