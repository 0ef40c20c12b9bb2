import { type Kafka, readHeader } from '@tapline/kafka';
import type { ProgressRecord } from '../progress/record.ts';
import type { OffsetRange } from '../progress/snapshot-progress.ts';
import type { TailEnd } from '../publish/topic-lanes.ts';
import type { Tails } from '../resume/tails.ts';
import type { History } from './history.ts';

/** Published records of transactions that no server has any more, and what stands around them. */
export interface LostRecords {
  /** Their offsets beyond the progress record, by topic and partition: who counts the changes of the replay leaves them out. */
  readonly offsets: ReadonlyMap<string, ReadonlyMap<number, readonly bigint[]>>;
  /** The last record beyond the progress record that is not lost, where there is one. */
  readonly last: ReadonlyMap<string, ReadonlyMap<number, TailEnd>>;
  /** Their transactions, as far as they changed captured tables. */
  readonly gtids: ReadonlySet<string>;
  /** Full names of the tables that they changed. */
  readonly tables: ReadonlySet<string>;
  readonly records: number;
  /** Those of them that are events of outboxes. */
  readonly events: number;
  /** Transactions beyond the progress record that are not lost: the replay meets them again. */
  readonly survivors: ReadonlySet<string>;
  /** The highest version that was given to a lost one. */
  readonly version: bigint;
}

/** Where a published change comes from. */
export interface Origin {
  /** undefined: a row of a load. */
  readonly gtid: string | undefined;
  /** `database.table`; undefined: it is no row's (the topic of transactions). */
  readonly table: string | undefined;
}

interface LostParts {
  readonly record: ProgressRecord;
  readonly tails: Tails;
  /** Of the server that is read from now on. */
  readonly history: History;
  readonly kafka: Pick<Kafka, 'reader'>;
  readonly originOf: (value: Buffer, topic: string) => Promise<Origin | undefined>;
  readonly signal: AbortSignal;
}

/** Offsets looked at in one step on the way back; more where compaction has left nothing. */
const STEP = 1000n;
const LONGEST_STEP = 64n * STEP;

/**
 * Finds what was published of lost transactions. A partition has the order of the binlog, and what is lost is the end of that: so it is all there is behind
 * the last survivor of each partition, beyond the progress record and, where the record itself counts lost transactions, in front of it too.
 */
export async function findLost(parts: LostParts): Promise<LostRecords> {
  const { record, tails, history } = parts;
  const found = new Finding(history);
  const reachesBack = history.lacking(record.gtidSet) !== '';
  for (const [topic, next] of record.offsets) {
    const ends = tails.ends.get(topic) ?? next;
    for (const [partition, from] of next.entries()) {
      const end = ends[partition] ?? from;
      const beyond = end > from ? await readRange({ topic, partition, from, to: end }, parts) : [];
      for (const one of beyond) found.beyond({ topic, partition }, one);
      const survives = beyond.some(({ gtid }) => gtid !== undefined && history.has(gtid));
      if (reachesBack && !survives) await lookBack({ topic, partition, from }, parts, found);
    }
  }
  return found;
}

async function lookBack(
  { topic, partition, from }: { topic: string; partition: number; from: bigint },
  parts: LostParts,
  found: Finding,
): Promise<void> {
  let step = STEP;
  for (let to = from; to > 0n; ) {
    const start = to > step ? to - step : 0n;
    const read = await readRange({ topic, partition, from: start, to }, parts);
    const survivor = read.findLastIndex(({ gtid }) => gtid !== undefined && parts.history.has(gtid));
    for (const one of read.slice(survivor + 1)) found.before(one);
    if (survivor !== -1) return;
    step = read.length > 0 ? STEP : step < LONGEST_STEP ? step * 2n : LONGEST_STEP;
    to = start;
  }
}

interface Seen {
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly version: bigint;
  readonly gtid: string | undefined;
  readonly table: string | undefined;
  readonly isEvent: boolean;
}

async function readRange(range: OffsetRange, { kafka, originOf, signal }: LostParts): Promise<Seen[]> {
  const seen: Seen[] = [];
  let origin: Origin | undefined;
  for await (const records of kafka.reader.read({ ...range, signal })) {
    for (const { offset, key, value, headers } of records) {
      // A tombstone belongs to the delete in front of it.
      if (value !== null) origin = await originOf(value, range.topic);
      // An event of an outbox has it in a header.
      const event = readHeader(headers, 'gtid')?.toString() ?? '';
      const version = readHeader(headers, 'v');
      seen.push({
        offset,
        key: key && Buffer.from(key),
        version: version?.length === 8 ? version.readBigInt64BE(0) : 0n,
        gtid: event || origin?.gtid,
        table: origin?.table,
        isEvent: event !== '',
      });
    }
  }
  return seen;
}

class Finding implements LostRecords {
  readonly offsets = new Map<string, Map<number, bigint[]>>();
  readonly last = new Map<string, Map<number, TailEnd>>();
  readonly gtids = new Set<string>();
  readonly tables = new Set<string>();
  readonly survivors = new Set<string>();
  readonly #history: History;
  records = 0;
  events = 0;
  version = 0n;

  constructor(history: History) {
    this.#history = history;
  }

  beyond({ topic, partition }: { topic: string; partition: number }, one: Seen): void {
    if (this.before(one)) {
      const ofTopic = this.offsets.get(topic) ?? new Map<number, bigint[]>();
      this.offsets.set(topic, ofTopic.set(partition, [...(ofTopic.get(partition) ?? []), one.offset]));
      return;
    }
    if (one.gtid !== undefined) this.survivors.add(one.gtid);
    const ofTopic = this.last.get(topic) ?? new Map<number, TailEnd>();
    const { key, version, gtid } = one;
    this.last.set(topic, ofTopic.set(partition, { key, version, ...(gtid === undefined ? {} : { gtid }) }));
  }

  /** @returns whether the record is lost. */
  before({ gtid, table, version, isEvent }: Seen): boolean {
    if (gtid === undefined || this.#history.has(gtid)) return false;
    this.gtids.add(gtid);
    if (table !== undefined) this.tables.add(table);
    this.records++;
    if (isEvent) this.events++;
    if (version > this.version) this.version = version;
    return true;
  }
}
