import assert from 'node:assert/strict';
import type { Change, Row } from '@tapline/envelope';
import { sleep, TaplineError } from '@tapline/kernel';
import type { Table } from '@tapline/schema';
import type { Sink, Verdict } from '../contract.ts';
import { SUITE_SOURCE, SUITE_TOPIC, suiteTable } from './tables.ts';

/** What a sink's own test gives to the contract suite: one empty place in a real store, made for the case's table, and a way to look into it past the sink. */
export interface SinkBench {
  /** Opens one more sink on the place, with the case's table in the catalogue (SuiteTables). Every sink that a case opens is disposed of by the case. */
  open(): Promise<Sink>;
  /** What the store shows for a key, in the form of `expected`; undefined when the row is not there. */
  read(key: Row): Promise<unknown>;
  /** How a row that was applied looks through `read`, without the version that the sink may keep beside it. */
  expected(row: Row): unknown;
  /** The version that the store holds for a row, also for a deleted one; undefined when it holds none. */
  version(key: Row): Promise<bigint | undefined>;
  /** The source's table is this from now on: the catalogue says so, and a store with a schema is altered as its sink would alter it. Absent: the store has no schema. */
  alter?(table: Table): Promise<void>;
  /** Puts something in the key's place that makes every write to it fail for good. */
  spoil?(key: Row): Promise<void>;
  /** Takes away what `spoil` put there. */
  mend?(key: Row): Promise<void>;
  /** Makes the store refuse every write, as when it is full or read-only, until disposed of. */
  refuseWrites?(): Promise<AsyncDisposable>;
  /** Takes the store away, connections that are open too, until disposed of (MovingAddress.moveTo). */
  interrupt?(): Promise<AsyncDisposable>;
  /** Holds back what the store answers, until disposed of (MovingAddress.hold). */
  stall?(): Promise<AsyncDisposable>;
  /** Rows that lack columns (binlog_row_image=MINIMAL) are applied to what the store has. */
  readonly partialRows?: boolean;
}

/** What a case needs of a bench beyond what every bench has. */
export type Capability = 'spoil' | 'refuseWrites' | 'interrupt' | 'stall' | 'partialRows';

export interface ContractCase {
  /** The promise that the case keeps, as a sentence. */
  readonly name: string;
  /** The suite's table as the case begins. */
  readonly table: Table;
  /** Rejects (AssertionError) when the sink breaks the promise. `bench` is a fresh place each time. */
  run(bench: SinkBench): Promise<void>;
  readonly needs?: Capability;
}

/** The table of cases that do not care. */
export const ITEM: Table = suiteTable({ id: 'int', name: 'varchar(100)' });

const SOURCE: NonNullable<Change['source']> = {
  name: SUITE_SOURCE,
  db: ITEM.database,
  table: ITEM.name,
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
    topic: SUITE_TOPIC,
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

/** An update of which the event carries only some columns. */
export function partialChange(version: number, key: Row, row: Row, absent: readonly string[]): Change {
  return { ...change(version, key, row), absent: { before: [], after: absent } };
}

/** The null-value record that follows a delete, or stands alone after compaction. */
export function tombstone(version: number | bigint, key: Row): Change {
  return {
    topic: SUITE_TOPIC,
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

/** How long a store may take to be itself again. */
const PATIENCE_MS = 300_000;

/** Gives changes as the engine does: what is to be tried again is given again, alone and in its order. Each change's last verdict. */
export async function settle(sink: Sink, changes: readonly Change[]): Promise<readonly Verdict[]> {
  const last = new Array<Verdict>(changes.length).fill('retry');
  const end = performance.now() + PATIENCE_MS;
  for (let open = [...changes.keys()]; open.length > 0; ) {
    const verdicts = await sink
      .apply(
        open.map((index) => changes[index] as Change),
        neverAborted(),
      )
      .then(
        (result) => result.verdicts,
        (error: unknown): Verdict[] => {
          if (error instanceof TaplineError && error.disposition === 'retryable') return open.map(() => 'retry');
          throw error;
        },
      );
    for (const [at, index] of open.entries()) last[index] = verdicts[at] as Verdict;
    open = open.filter((index) => last[index] === 'retry');
    assert.ok(performance.now() < end, `after ${PATIENCE_MS} ms changes are still to be tried again`);
    if (open.length > 0) await sleep(50);
  }
  return last;
}

/** A capability that the case needs. */
export function required<T>(capability: T | undefined): T {
  assert.ok(capability !== undefined, 'the bench lacks what the case needs');
  return capability;
}
