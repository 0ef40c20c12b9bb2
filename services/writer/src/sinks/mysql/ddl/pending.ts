import type { DdlRecord } from '@tapline/schema';
import type { Place } from '@tapline/sink';

/** A statement with its place in the topics. */
export type PlacedStatement = DdlRecord & Required<Pick<DdlRecord, 'barrier' | 'captured'>>;

export function isPlaced(record: DdlRecord): record is PlacedStatement {
  return record.barrier !== undefined && record.captured !== undefined;
}

/** Offsets at and above which the changes of a topic wait, by partition; a partition without one waits as a whole. */
export type Limits = ReadonlyMap<string, readonly number[]>;

export function isHeld(limits: Limits, place: Place | undefined): boolean {
  const own = place && limits.get(place.topic);
  return own !== undefined && place !== undefined && place.offset >= (own[place.partition] ?? 0);
}

/** The statements of one source that have places, and how far each topic has come with them. */
export class PendingStatements {
  readonly #statements: PlacedStatement[] = [];
  #done: ReadonlyMap<string, number> = new Map();
  /** The newest version that was taken. */
  newest = 0;

  add(records: readonly DdlRecord[]): void {
    for (const record of records) {
      this.newest = Math.max(this.newest, record.version);
      if (isPlaced(record)) this.#statements.push(record);
    }
  }

  /** Whether that is news. */
  noteDone(done: ReadonlyMap<string, number>): boolean {
    const isNew = [...done].some(([topic, version]) => version > (this.#done.get(topic) ?? 0));
    this.#done = done;
    return isNew;
  }

  isDone({ barrier, version }: PlacedStatement, consumes: (topic: string) => boolean): boolean {
    return Object.keys(barrier).every((topic) => !consumes(topic) || this.#doneOf(topic) >= version);
  }

  /** The next statement of a topic; undefined when there is none. */
  next(topic: string): PlacedStatement | undefined {
    const done = this.#doneOf(topic);
    return this.#statements.find(({ barrier, version }) => version > done && barrier[topic] !== undefined);
  }

  /**
   * The statements that may be carried out now, in their order: all consumed partitions of all their topics have come to them, and no earlier statement of any of these
   * topics is left.
   */
  reached(settled: ReadonlyMap<string, readonly number[]>, consumes: (topic: string) => boolean): PlacedStatement[] {
    const blocked = new Set<string>();
    return this.#statements.filter((statement) => {
      const own = Object.entries(statement.barrier).filter(([topic]) => consumes(topic));
      if (own.length === 0 || this.isDone(statement, consumes)) return false;
      const isReached = own.every(
        ([topic, offsets]) =>
          !blocked.has(topic) && offsets.every((offset, partition) => (settled.get(topic)?.[partition] ?? 0) >= offset),
      );
      if (!isReached) for (const [topic] of own) blocked.add(topic);
      return isReached;
    });
  }

  /** Forgets what every topic has behind it. */
  trim(consumes: (topic: string) => boolean): void {
    const left = this.#statements.filter((statement) => !this.isDone(statement, consumes));
    this.#statements.splice(0, this.#statements.length, ...left);
  }

  get isEmpty(): boolean {
    return this.#statements.length === 0;
  }

  #doneOf(topic: string): number {
    return this.#done.get(topic) ?? 0;
  }
}
