import { GtidSet, MariadbPosition } from '@tapline/binlog';
import { type Kafka, type KafkaRecord, progressJson } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';

type Parts = Pick<Kafka, 'topics' | 'reader'>;

/** What a replay reads of a progress record: everything of `gtidSet` is below `offsets`, nothing else is. */
interface Progress {
  readonly by?: 'gtid' | 'file';
  readonly gtidSet: string;
  readonly offsets: Readonly<Record<string, readonly string[]>>;
}

const SUFFIX = '.progress';

/**
 * By topic, offsets below which nothing of these transactions is: those of the newest progress record that does not have them all. A topic that the record does
 * not know was made later, and is to be read from its start.
 *
 * A GTID set is meant as a state of the source: what it had executed at a time. So records that lack something of it were written before, and lack nothing that is outside of it.
 *
 * @throws TaplineError REPLAY_PLACE: no progress topic, or it does not reach back, or not forward, to these transactions.
 */
export async function offsetsByGtid(
  kafka: Parts,
  topics: readonly string[],
  gtid: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly bigint[]>> {
  const has = passing(gtid);
  const found = new Map<string, readonly bigint[]>();
  const open = new Set(topics);
  for (const topic of (await kafka.topics.list(signal)).filter((name) => name.endsWith(SUFFIX))) {
    if (open.size === 0) break;
    const place = await placeIn(kafka, topic, { has, gtid, open }, signal);
    for (const mine of place?.topics ?? []) {
      open.delete(mine);
      const offsets = place?.offsets[mine];
      if (offsets !== undefined) found.set(mine, offsets.map(BigInt));
    }
  }
  if (open.size === 0) return found;
  throw new TaplineError('REPLAY_PLACE', {
    message: `No progress topic says what of the source is in ${[...open].slice(0, 10).join(', ')}, so that the place of a GTID cannot be found there.`,
    place: { topic: [...open][0] ?? '' },
  });
}

interface Place {
  /** Those of the topics that the source publishes to. */
  readonly topics: readonly string[];
  readonly offsets: Progress['offsets'];
}

async function placeIn(
  { reader }: Parts,
  topic: string,
  { has, gtid, open }: { has: (gtidSet: string) => boolean; gtid: string; open: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<Place | undefined> {
  const source = topic.slice(0, -SUFFIX.length);
  let before: Progress | undefined;
  let newest: Progress | undefined;
  for await (const records of reader.read({ topic, partition: 0, signal })) {
    for (const record of records) {
      const progress = progressOf(record, source, topic);
      if (progress === undefined) continue;
      newest = progress;
      if (!has(progress.gtidSet)) before = progress;
    }
  }
  const mine = Object.keys(newest?.offsets ?? {}).filter((name) => open.has(name));
  if (newest === undefined || mine.length === 0) return undefined;
  if (newest.by === 'file') {
    throw unplaced(
      topic,
      `The source ${source} is followed by files and positions: its progress records have no GTIDs.`,
    );
  }
  if (before === undefined) {
    throw unplaced(
      topic,
      `The progress topic of ${source} does not reach back to ${shortened(gtid)}: Kafka has compacted the older records away, the oldest one has that already.`,
    );
  }
  if (before === newest) {
    throw unplaced(
      topic,
      `The reader of ${source} has not published ${shortened(gtid)}: its newest progress record has ${shortened(newest.gtidSet) || 'nothing'}.`,
    );
  }
  return { topics: mine, offsets: before.offsets };
}

/** undefined: not the place of the source, or one that was taken back. */
function progressOf({ key, value }: KafkaRecord, source: string, topic: string): Progress | undefined {
  if (key?.toString() !== source || value === null) return undefined;
  try {
    const progress = progressJson(value) as Progress;
    if (typeof progress.gtidSet === 'string' && typeof progress.offsets === 'object') return progress;
    throw new Error('it has no GTID set or no offsets');
  } catch (cause) {
    throw new TaplineError('PROGRESS_UNREADABLE', {
      message: `A progress record cannot be read: ${(cause as Error).message}`,
      place: { topic },
      cause,
    });
  }
}

/** Whether a progress record has all of these transactions. */
function passing(gtid: string): (gtidSet: string) => boolean {
  if (gtid.includes(':')) {
    const wanted = GtidSet.parse(gtid);
    return (gtidSet) => !isMariadb(gtidSet) && GtidSet.parse(gtidSet).includes(wanted);
  }
  const wanted = MariadbPosition.parse(gtid);
  // In doubt, as after a failover to a server that counts by itself, it is not passed: then more is replayed.
  return (gtidSet) => isMariadb(gtidSet) && MariadbPosition.parse(gtidSet).includes(wanted);
}

function isMariadb(gtidSet: string): boolean {
  return gtidSet !== '' && !gtidSet.includes(':');
}

function unplaced(topic: string, message: string): TaplineError {
  return new TaplineError('REPLAY_PLACE', { message, place: { topic } });
}

function shortened(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
