import type { TransactionNote } from '@tapline/envelope';
import { partitionName, type TopicPartition } from '@tapline/kafka';
import { Counts } from './counts.ts';
import { PartitionQueue, type Waiting } from './queue.ts';

/** A record of the transaction topic. */
export interface PlacedNote extends TransactionNote {
  /** Of the change published last in front of it. */
  readonly version: bigint;
  readonly offset: number;
}

/** Everything up to a version stands below these offsets, as a progress record of the reader says. */
export interface Watermark {
  readonly version: bigint;
  offset(place: TopicPartition): number;
}

/** Changes to be applied now. */
export interface Step {
  /**
   * - `apart`: of no transaction that anybody noted: rows of a load, and what was published before there were notes.
   * - `whole`: whole transactions.
   * - `piece`: a part of one that memory does not hold; the rest is to come before anybody may see it.
   */
  readonly kind: 'apart' | 'whole' | 'piece';
  /** In the order of the source; of a piece and of what is apart in the order of each partition. */
  readonly changes: readonly Waiting[];
  /** Whole transactions among them. */
  readonly transactions: number;
}

export interface StepLimits {
  readonly changes: number;
  readonly bytes: number;
  /** Whole transactions at most. */
  readonly transactions: number;
  /** A partition that waits with so many bytes is full: a transaction that fills it is taken in pieces. */
  readonly partitionBytes: number;
  /** What may not be taken yet. */
  readonly isHeld: (waiting: Waiting) => boolean;
}

export interface GathererOptions {
  /** Where the transaction topic is read. */
  readonly notes: TopicPartition & { readonly position: number };
  /** Everything up to this version is applied. */
  readonly applied: bigint;
  /** Whether changes of the table (`db.table`) come by a topic that is not read. */
  readonly isElsewhere: (table: string) => boolean;
}

/**
 * Puts transactions together again from the partitions that their changes were published to.
 *
 * The transaction topic gives their order and, at each END, the changes of every table. The versions of a source grow with every change it publishes, over all partitions, so a
 * note's version parts what comes before it from what comes behind it. A transaction is whole when
 *
 * - as many changes of it have come as its END says, of each table that is read; or
 * - every partition is known to hold nothing more up to its version: because a newer change has come by it, or by a progress record, below whose offsets everything
 *   up to its version stands. So it is where compaction took changes away.
 *
 * Pure: knows nothing of Kafka's and the sink's doings.
 */
export class Gatherer {
  readonly #queues = new Map<string, PartitionQueue>();
  readonly #noted: TopicPartition;
  readonly #counts: Counts;
  readonly #isElsewhere: GathererOptions['isElsewhere'];
  #notes: PlacedNote[] = [];
  #notePosition: number;
  #applied: bigint;
  #watermark: Watermark | undefined;

  constructor({ notes, applied, isElsewhere }: GathererOptions) {
    this.#noted = notes;
    this.#notePosition = notes.position;
    this.#applied = applied;
    this.#isElsewhere = isElsewhere;
    this.#counts = new Counts();
  }

  /** Everything up to this version is applied, or in hand to be. */
  get applied(): bigint {
    return this.#applied;
  }

  get queues(): Iterable<PartitionQueue> {
    return this.#queues.values();
  }

  /** Notes that wait. */
  get notes(): number {
    return this.#notes.length;
  }

  /** Changes, or notes, wait for what has not come. */
  get isWaiting(): boolean {
    return this.#notes.length > 0 || [...this.#queues.values()].some(({ length }) => length > 0);
  }

  open(place: TopicPartition, position: number): PartitionQueue {
    const queue = new PartitionQueue(place, position);
    this.#queues.set(partitionName(place), queue);
    return queue;
  }

  /** A change was read, also one that is not to be applied. */
  read(queue: PartitionQueue, waiting: Pick<Waiting, 'change' | 'transaction' | 'offset'>): void {
    queue.position = waiting.offset + 1;
    queue.seen = waiting.change.version;
    if (waiting.transaction !== undefined && !waiting.change.tombstone)
      this.#counts.add(waiting.transaction, waiting.change);
  }

  note(note: PlacedNote): void {
    this.#notes.push(note);
    this.#notePosition = note.offset + 1;
  }

  /** The transaction topic is read up to there. */
  notesReadTo(position: number): void {
    this.#notePosition = Math.max(this.#notePosition, position);
  }

  passed(watermark: Watermark): void {
    this.#watermark = watermark;
  }

  /** Where each partition, and the transaction topic, goes on once everything taken is applied. */
  places(): Map<string, number> {
    const places = new Map([...this.#queues].map(([name, queue]) => [name, queue.place]));
    places.set(partitionName(this.#noted), this.#notes[0]?.offset ?? this.#notePosition);
    return places;
  }

  /** Takes what may be applied now; undefined: something has to come first. */
  take(limits: StepLimits): Step | undefined {
    return this.#takeApart(limits) ?? this.#takeWhole(limits) ?? this.#takePiece(limits);
  }

  /** What nobody noted comes before the transactions behind it, and may be applied by itself. */
  #takeApart({ changes: limit, isHeld }: StepLimits): Step | undefined {
    const unnoted = this.#unnotedUpTo();
    const changes: Waiting[] = [];
    const isApart = (waiting: Waiting): boolean =>
      (waiting.isLoaded || waiting.change.version <= unnoted) && !isHeld(waiting);
    for (const queue of this.#queues.values()) queue.take(isApart, limit, changes);
    for (const { transaction } of changes) if (transaction !== undefined) this.#counts.forget(transaction);
    return changes.length === 0 ? undefined : { kind: 'apart', changes, transactions: 0 };
  }

  /** No transaction up to this version has notes that were not met. */
  #unnotedUpTo(): bigint {
    this.#passNotes();
    const [next] = this.#notes;
    if (next !== undefined) return next.status === 'BEGIN' ? next.version : this.#applied;
    const watermark = this.#watermark;
    const isPassed = watermark !== undefined && this.#notePosition >= watermark.offset(this.#noted);
    return isPassed ? watermark.version : this.#applied;
  }

  #passNotes(): void {
    let passed = 0;
    while (this.#notes[passed]?.status === 'SKIPPED') passed++;
    if (passed > 0) this.#notes = this.#notes.slice(passed);
  }

  #takeWhole(limits: StepLimits): Step | undefined {
    const changes: Waiting[] = [];
    let transactions = 0;
    let bytes = 0;
    let notes = 0;
    while (transactions < limits.transactions && changes.length < limits.changes && bytes < limits.bytes) {
      const end = this.#wholeFrom(notes);
      if (end === undefined) break;
      const note = this.#notes[end] as PlacedNote;
      const own = this.#upTo(note.version, limits.isHeld);
      if (own === undefined) break;
      for (const waiting of own) bytes += waiting.bytes;
      changes.push(...own);
      transactions++;
      notes = end + 1;
      this.#applied = note.version;
      this.#counts.forget(note.id);
    }
    if (transactions === 0) return undefined;
    this.#notes = this.#notes.slice(notes);
    return { kind: 'whole', changes, transactions };
  }

  /** Where the END of the next transaction stands among the notes, if all of it has come, and all that comes before it. */
  #wholeFrom(at: number): number | undefined {
    let next = at;
    while (this.#notes[next]?.status === 'SKIPPED') next++;
    const begin = this.#notes[next];
    if (begin?.status === 'BEGIN') {
      if (begin.version > this.#applied && !this.#isComplete(begin.version)) return undefined;
      next++;
    }
    const end = this.#notes[next];
    if (end?.status !== 'END') return undefined;
    const tables = (end.tables ?? []).filter(([table]) => !this.#isElsewhere(table));
    const hasCome =
      end.tables !== undefined && tables.every(([table, count]) => this.#counts.of(end.id, table) >= count);
    return hasCome || this.#isComplete(end.version) ? next : undefined;
  }

  /** Whether everything up to this version was read. */
  #isComplete(version: bigint): boolean {
    const watermark = this.#watermark;
    const isBelow = watermark !== undefined && watermark.version >= version;
    for (const queue of this.#queues.values()) {
      if (queue.seen > version) continue;
      if (!isBelow || queue.position < watermark.offset(queue)) return false;
    }
    return true;
  }

  /** Takes everything up to the version, in the order of the source; undefined, and nothing is taken, where one of them is held. */
  #upTo(version: bigint, isHeld: StepLimits['isHeld']): Waiting[] | undefined {
    const all: Waiting[] = [];
    for (const queue of this.#queues.values()) {
      const own: Waiting[] = [];
      queue.take(({ change }) => change.version <= version, Number.POSITIVE_INFINITY, own);
      for (const waiting of own) all.push(waiting);
    }
    if (all.some(isHeld)) {
      for (const [queue, own] of Map.groupBy(all, ({ queue }) => queue)) queue.putBack(own);
      return undefined;
    }
    return all.sort(byVersion);
  }

  /** Of the next transaction, when it fills a partition: as much as has come. */
  #takePiece({ changes: limit, partitionBytes, isHeld }: StepLimits): Step | undefined {
    const [first] = this.#notes;
    if (
      first === undefined ||
      (first.status === 'BEGIN' && first.version > this.#applied && !this.#isComplete(first.version))
    )
      return undefined;
    const isOwn = (waiting: Waiting): boolean => waiting.transaction === first.id && !isHeld(waiting);
    const isFull = [...this.#queues.values()].some(
      (queue) => queue.bytes >= partitionBytes && queue.head !== undefined && isOwn(queue.head),
    );
    if (!isFull) return undefined;
    const changes: Waiting[] = [];
    for (const queue of this.#queues.values()) queue.take(isOwn, limit, changes);
    return { kind: 'piece', changes, transactions: 0 };
  }
}

function byVersion(a: Waiting, b: Waiting): number {
  return a.change.version < b.change.version ? -1 : a.change.version > b.change.version ? 1 : 0;
}
