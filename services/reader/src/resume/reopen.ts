import type { OrderedProducer } from '@tapline/kafka';
import type { ChangeCounts } from '../failover/anchor.ts';
import type { ProgressRecord } from '../progress/record.ts';
import type { SnapshotProgress } from '../progress/snapshot-progress.ts';
import { TopicBook } from '../publish/topic-book.ts';
import { type SkipWitness, TopicLanes } from '../publish/topic-lanes.ts';
import type { Tails } from './tails.ts';

/** What a progress record and the topics together say of where to go on. */
export interface Reopened {
  readonly book: TopicBook;
  readonly snapshot: SnapshotProgress;
  /** Rows of the unfinished chunk that stand in the topics: their number, and where. */
  readonly publishedRows: number;
}

/**
 * Opens the lanes of the record's topics.
 *
 * Beyond the record's offsets stand records of a life that ended before it wrote another one: changes, which the replay will meet again
 * and skip by count; or, when the record says "publishing", rows of one chunk of the first load (see SnapshotLoader). `replay`: it begins at an anchor in
 * front of the record's place, and meets the changes between them first.
 */
export function reopen(
  record: ProgressRecord,
  tails: Tails,
  producer: OrderedProducer,
  replay?: { readonly behind: ChangeCounts; readonly witness: SkipWitness },
): Reopened {
  const book = new TopicBook();
  const { publishing } = record.snapshot;
  for (const [topic, recorded] of record.offsets) {
    const ends = tails.ends.get(topic) as bigint[];
    const lanes = ends.map((end, partition) => producer.lane(topic, partition, { nextOffset: end }));
    const next = publishing ? ends : recorded;
    const tailEnds = tails.last.get(topic);
    const gaps = tails.gaps.get(topic);
    const behind = replay?.behind.get(topic);
    book.add(new TopicLanes({ topic, lanes, next, ends, tailEnds, gaps, behind, witness: replay?.witness }));
  }
  const rows = publishing ? tails.ranges : [];
  const published = rows.map(({ topic, partition, from, to }) => ({ topic, partition, from, to }));
  return {
    book,
    snapshot: { ...record.snapshot, publishing: false, published: [...record.snapshot.published, ...published] },
    publishedRows: rows.reduce((sum, { records }) => sum + records, 0),
  };
}
