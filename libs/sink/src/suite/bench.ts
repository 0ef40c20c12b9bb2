import type { Change, Row } from '@tapline/envelope';
import type { Sink } from '../contract.ts';

/** What a sink's own test gives to the contract suite: one empty place in a real store, and a way to look into it past the sink. */
export interface SinkBench {
  /** Opens one more sink on the place. Every sink that a case opens is disposed of by the case. */
  open(): Promise<Sink>;
  /** What the store shows for a key, in the form of `expected`; undefined when the row is not there. */
  read(key: Row): Promise<unknown>;
  /** How a row that was applied looks through `read`, without the version that the sink may keep beside it. */
  expected(row: Row): unknown;
  /** The version that the store holds for a row, also for a deleted one; undefined when it holds none. */
  version(key: Row): Promise<bigint | undefined>;
  /** Puts something in the key's place that makes every write to it fail for good. Absent: the store knows no such thing. */
  spoil?(key: Row): Promise<void>;
  /** Takes away what `spoil` put there. */
  mend?(key: Row): Promise<void>;
  /** Makes the store refuse every write, as when it is full or read-only, until disposed of. */
  refuseWrites?(): Promise<AsyncDisposable>;
}

export interface ContractCase {
  /** The promise that the case keeps, as a sentence. */
  readonly name: string;
  /** Rejects (AssertionError) when the sink breaks the promise. `bench` is a fresh place each time. */
  run(bench: SinkBench): Promise<void>;
  /** The capability the case needs; without it the case does not apply. */
  readonly needs?: 'spoil' | 'refuseWrites';
}

const TOPIC = 'suite.shop.item';
const SOURCE: NonNullable<Change['source']> = {
  name: 'suite',
  db: 'shop',
  table: 'item',
  ts_ms: 0,
  gtid: null,
  file: '',
  pos: 0,
  row: 0,
  snapshot: 'false',
};

/** A change of the suite's table. `row` undefined: a delete. */
export function change(version: number | bigint, key: Row, row?: Row, op?: Change['op']): Change {
  return {
    topic: TOPIC,
    key,
    op: op ?? (row === undefined ? 'd' : 'u'),
    before: row === undefined ? key : null,
    after: row ?? null,
    source: SOURCE,
    version: BigInt(version),
    absent: null,
    tombstone: false,
  };
}

/** The null-value record that follows a delete, or stands alone after compaction. */
export function tombstone(version: number | bigint, key: Row): Change {
  return {
    topic: TOPIC,
    key,
    op: 'd',
    before: null,
    after: null,
    source: null,
    version: BigInt(version),
    absent: null,
    tombstone: true,
  };
}

export function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
