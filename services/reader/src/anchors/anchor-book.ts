import type { AnchorId } from './anchor-table.ts';

/** Changes by topic and partition: those partitions that had any. */
export type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** A place of the stream that is known again on another server, with what a resume there needs. */
export interface Anchor extends AnchorId {
  /** The version given last in front of it. */
  readonly version: bigint;
  /** Of the schema history. */
  readonly schemaVersion: number;
  /** Changes that were published behind it, up to the next newer anchor of the list; of the newest one, up to the place of the record it stands in. */
  readonly since: Counts;
}

/** How many anchors of about the same age are kept, a power of two; of twice the age as many again, and so on. */
const KEPT_OF_AN_AGE = 4;
/** Numbers in all anchors of a record together, over what each partition may have once. */
const SPARE_NUMBERS = 4096;

type MutableCounts = Map<string, Map<number, number>>;

interface Kept extends Omit<Anchor, 'since'> {
  /** How many anchors have been passed before it in this life, negative for those of earlier lives. */
  readonly number: number;
  readonly since: MutableCounts;
}

/** The changes counted in each partition since the life began, by topic. */
export type Counted = () => Iterable<readonly [topic: string, counts: readonly number[]]>;

/**
 * The anchors that the stream has passed, and how many changes every partition got behind each of them. With that a reader resumes at an anchor on a
 * server whose files and positions say nothing to it: the first `since` changes of a partition stand in its topic already.
 *
 * Counts of changes, not offsets: offsets also have what no binlog replays (rows of a load, markers of a fence). All counts are relative to the next
 * newer anchor, so that those of partitions at rest cost nothing. The older the anchors, the fewer are kept of them: a replica that is
 * promoted hours behind is found too, by replaying more.
 */
export class AnchorBook {
  readonly #counted: Counted;
  /** The newest first. */
  #kept: Kept[];
  #passed = 0;
  /** What was counted when the newest anchor was passed. */
  #base = new Map<string, readonly number[]>();

  /** `kept`: of the progress record that this life began with, the newest first. */
  constructor(kept: readonly Anchor[], counted: Counted) {
    this.#counted = counted;
    this.#kept = kept.map((anchor, i) => ({ ...anchor, number: -1 - i, since: mutable(anchor.since) }));
  }

  get newest(): AnchorId | undefined {
    return this.#kept[0];
  }

  /** The stream has passed this one just now. */
  pass(anchor: Omit<Anchor, 'since'>): void {
    this.#settle();
    this.#kept.unshift({ ...anchor, number: this.#passed++, since: new Map() });
    this.#thin();
  }

  /** Something was published that no binlog replays in its place: no count from before it says where to go on. */
  clear(): void {
    this.#kept = [];
  }

  /** As of this moment. */
  describe(): Anchor[] {
    this.#settle();
    return this.#kept.map(({ id, token, version, schemaVersion, since }) => ({
      id,
      token,
      version,
      schemaVersion,
      since: plain(since),
    }));
  }

  /** Puts what was counted since the last time to the newest anchor. */
  #settle(): void {
    const newest = this.#kept[0]?.since;
    for (const [topic, counts] of this.#counted()) {
      const before = this.#base.get(topic);
      if (before !== undefined && counts.every((count, p) => count === before[p])) continue;
      if (newest !== undefined) counts.forEach((count, p) => add(newest, topic, p, count - (before?.[p] ?? 0)));
      this.#base.set(topic, [...counts]);
    }
  }

  #thin(): void {
    let spare = SPARE_NUMBERS + [...this.#base.values()].reduce((sum, { length }) => sum + length, 0);
    const kept: Kept[] = [];
    for (const anchor of this.#kept) {
      spare -= size(anchor.since);
      if (spare < 0 && kept.length >= 2) break;
      // Whole multiples of a power of two stay until the next power's turn, so that some of every age are left.
      const power = Math.floor(Math.log2(this.#passed - anchor.number));
      const step = 2 ** power / KEPT_OF_AN_AGE;
      if (step <= 1 || anchor.number % step === 0) kept.push(anchor);
    }
    this.#kept = merge(this.#kept, kept);
  }
}

/** One that goes leaves its changes to the next older one, in front of which it stood. */
function merge(all: readonly Kept[], kept: readonly Kept[]): Kept[] {
  const stay = new Set(kept);
  const oldest = kept.at(-1);
  const result: Kept[] = [];
  let waiting: Kept[] = [];
  for (const anchor of all) {
    if (!stay.has(anchor)) {
      waiting.push(anchor);
      continue;
    }
    for (const { since } of waiting) addAll(anchor.since, since);
    waiting = [];
    result.push(anchor);
    if (anchor === oldest) break;
  }
  return result;
}

/** The changes behind the anchor at this place of the list, by topic and partition. */
export function changesBehind(
  anchors: readonly Anchor[],
  index: number,
): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const sum: MutableCounts = new Map();
  for (const { since } of anchors.slice(0, index + 1)) addAll(sum, mutable(since));
  return sum;
}

function add(counts: MutableCounts, topic: string, partition: number, count: number): void {
  if (count === 0) return;
  const ofTopic = counts.get(topic) ?? new Map<number, number>();
  counts.set(topic, ofTopic);
  ofTopic.set(partition, (ofTopic.get(partition) ?? 0) + count);
}

function addAll(to: MutableCounts, from: MutableCounts): void {
  for (const [topic, counts] of from) for (const [partition, count] of counts) add(to, topic, partition, count);
}

function size(counts: MutableCounts): number {
  let numbers = 0;
  for (const ofTopic of counts.values()) numbers += ofTopic.size;
  return numbers;
}

function mutable(counts: Counts): MutableCounts {
  return new Map(
    Object.entries(counts).map(([topic, ofTopic]) => [
      topic,
      new Map(Object.entries(ofTopic).map(([partition, count]) => [Number(partition), count])),
    ]),
  );
}

function plain(counts: MutableCounts): Counts {
  return Object.fromEntries([...counts].map(([topic, ofTopic]) => [topic, Object.fromEntries(ofTopic)]));
}
