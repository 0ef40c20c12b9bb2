import type { TextRow } from '@tapline/envelope';
import { killPoint } from '@tapline/kernel';
import type { OffsetRange, SnapshotProgress, TableLoad } from '../progress/snapshot-progress.ts';
import type { Executed } from '../source/executed.ts';
import { DeleteWindow, KEYS_A_PASS, type ReadTopic, type StaleKeys } from './deletes.ts';
import { ChunkWindow } from './window.ts';

/** A piece of a table in key order. */
export interface Chunk {
  readonly rows: readonly TextRow[];
  /** Memory that the rows take. */
  readonly bytes: number;
  /** The key of the last row, as text literals: where the next chunk starts. Undefined when the table had no more rows. */
  readonly last: readonly string[] | undefined;
  /** No row of the table is beyond this chunk. */
  readonly finished: boolean;
}

/** Chunks of one table or of several small ones, read at some moment not after `high`. */
export interface ChunkGroup {
  readonly parts: readonly { readonly load: TableLoad; readonly chunk: Chunk }[];
  /** What the source had executed after the read: once the stream is past it, every change that raced with the read has been seen. */
  readonly high: Executed;
}

/** `gone`: there is no such table. `keyless`: it has no message key, so it cannot be loaded. */
export type TableKind = 'ready' | 'gone' | 'keyless';

/** Where chunks come from. */
export interface ChunkSource {
  /** Describes the tables that are not open, and opens their topics. To be called before anything of a table is loaded. */
  open(tables: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, TableKind>>;
  /** Forgets what a loaded table took in memory. */
  close(table: string): void;
  /** Resolves when reads see everything that the stream has passed: a transaction is in the binlog a moment before its rows are to be seen. */
  visible(passed: string, signal: AbortSignal): Promise<void>;
  /** A table that is gone has no rows. */
  read(table: string, after: readonly string[] | undefined, limits: ChunkLimits, signal: AbortSignal): Promise<Chunk>;
  /** What is executed now. */
  executed(signal: AbortSignal): Promise<Executed>;
}

export interface ChunkLimits {
  readonly rows: number;
  readonly bytes: number;
}

/** Where rows of a chunk go. */
export interface RowTarget {
  topicOf(table: string): string;
  /** The next offset of each partition by count; undefined: the table has no topic. */
  ends(table: string): readonly bigint[] | undefined;
  /** The key of a row in the form that the stream reports to {@link SnapshotLoader.observe}. */
  keyOf(table: string, row: TextRow): string;
  /** Of `columns` and the key only, when they are given. A promise when the row takes longer than a moment. */
  publish(table: string, row: TextRow, columns: readonly string[] | undefined): Promise<void> | undefined;
  /** A delete and its tombstone; `tombstone`: that alone, as the delete stands in the topic. */
  delete(table: string, key: Buffer, what?: 'tombstone'): void;
  /** The records of the table's topic. */
  records(table: string, to: readonly bigint[], signal: AbortSignal): ReturnType<ReadTopic>;
  /** Resolves when there is room for more rows; undefined when there is room now. */
  room(): Promise<void> | undefined;
  /** Resolves when everything published so far is acknowledged. */
  acknowledged(): Promise<unknown>;
}

/** What earlier lives left of an unfinished chunk. */
export interface Leftovers {
  /** Keys of its rows, by topic. */
  readonly keys: ReadonlyMap<string, ReadonlySet<string>>;
  /** Keys whose delete stands in the topic without its tombstone, by topic. */
  readonly deletes: ReadonlyMap<string, readonly Buffer[]>;
}

export interface LoaderOptions {
  readonly progress: SnapshotProgress;
  readonly source: ChunkSource;
  readonly target: RowTarget;
  readonly leftovers: Leftovers;
  readonly limits: ChunkLimits;
  /** Keys held in memory at a time. */
  readonly keysAtMost?: number;
  /** Waits for every acknowledgement, then makes this progress durable together with the stream's place. */
  checkpoint(progress: SnapshotProgress): Promise<void>;
  on?: {
    chunk?(table: string, rows: number, deletes: number): void;
    finished?(table: string): void;
    keyless?(table: string): void;
  };
  readonly signal: AbortSignal;
}

/** So many small tables go into one group at most. */
const GROUP_TABLES = 64;
/** A group takes no further table when it is so full. */
const FULL_SHARE = 0.5;

/**
 * Loads tables, chunk by chunk in key order, while the stream runs (the watermark method of the DBLog paper, with the GTID set as the watermark, so nothing is
 * written to the source): those that the first start finds, those captured later, and again those whose topic may not be what the table is.
 *
 * Order of one chunk (or of a group of small tables, which is treated as one), and why:
 * 1. From before the SELECT on, the keys of the table's changes in the stream are remembered (the window). The SELECT waits until it sees what the
 *    stream has passed by then: a row that it showed older would be newer in the topic.
 * 2. The SELECT; then `high` := what the source has executed.
 * 3. When the stream has passed `high`, the window holds every key whose row may have changed during the read. Their
 *    changes were published by the stream with the whole row, so these rows of the chunk are dropped: publishing them could undo a change.
 *    Where the stream has parts of rows (`source.rowImage: partial`), the columns that no update carried are as they were read, and only they are published.
 * 4. At a transaction boundary: wait for all acknowledgements and write a progress record that says "publishing".
 * 5. The rows; again all acknowledgements, and a record that says the chunk is done.
 * 6. After the last chunk, where the topic had records before the load: deletes of the keys that are not in the table any more (DeleteWindow), between two
 *    such records each time.
 * The stream stands still during 4 and 5 (some ten milliseconds), so beyond a "publishing" record there is nothing but rows of this
 * chunk, and beyond any other nothing but changes. A restart needs no marks in the records to tell them apart, and never publishes a row twice:
 * what it finds beyond a "publishing" record are the keys to leave out when the chunk is read again.
 *
 * Rejected: rows and changes side by side with one record per second. A restart would then have to tell rows from changes in a tail
 * that compaction may have thinned, and to remember published keys over chunk borders.
 */
export class SnapshotLoader {
  readonly #options: LoaderOptions;
  #queue: readonly TableLoad[];
  #published: readonly OffsetRange[];
  readonly #leftKeys: Map<string, ReadonlySet<string>>;
  readonly #leftDeletes: Map<string, readonly Buffer[]>;
  #window: ChunkWindow | DeleteWindow | undefined;
  /** Tables to be loaded from the start once what is under way has come to its end. */
  readonly #again = new Set<string>();

  constructor(options: LoaderOptions) {
    this.#options = options;
    const { progress, leftovers } = options;
    this.#queue = progress.queue;
    this.#published = progress.published;
    this.#leftKeys = new Map(leftovers.keys);
    this.#leftDeletes = new Map(leftovers.deletes);
  }

  get done(): boolean {
    return this.#queue.length === 0 && this.#again.size === 0;
  }

  /** Tables not loaded to their end. */
  get tablesLeft(): number {
    return this.#queue.length;
  }

  /** What a progress record written now says of the load. */
  get progress(): SnapshotProgress {
    return this.#describe(false);
  }

  /** Whether changes of this table must be observed now. */
  watches(table: string): boolean {
    return this.#window?.watches(table) ?? false;
  }

  /** Remembers that the stream has published a change of this key of a table that is watched, which left out the columns `absent`. */
  observe(table: string, key: string, absent: readonly string[] = []): void {
    this.#window?.observe(table, key, absent);
  }

  /** Resolves when {@link atBoundary} has something new to do although the stream is silent; undefined when it has not. */
  get wake(): Promise<void> | undefined {
    return this.#window?.pending;
  }

  /** Has these tables loaded as they are from now on, whether they are waiting, under way, or were loaded long ago. */
  add(tables: readonly string[]): void {
    if (this.#window === undefined) this.#queue = withFresh(this.#queue, new Set(tables));
    else for (const table of tables) this.#again.add(table);
  }

  /** Called between two transactions, with what the stream has passed. */
  async atBoundary(executed: Executed): Promise<void> {
    const window = this.#window;
    if (window instanceof ChunkWindow) {
      const group = window.take(executed);
      if (group === undefined) return;
      await this.#publish(window, group);
    } else if (window !== undefined) {
      const stale = window.take();
      if (stale === undefined || !(await this.#delete(stale))) return;
    }
    this.#window = undefined;
    this.#queue = this.#queueBehind();
    this.#again.clear();
    await this.#open(executed);
  }

  /** The queue as it is once what is under way has come to its end: what a progress record must say at any time. */
  #queueBehind(): readonly TableLoad[] {
    if (this.#again.size === 0) return this.#queue;
    return withFresh(this.#queue, this.#again);
  }

  async #open(executed: Executed): Promise<void> {
    const { source, signal, on } = this.#options;
    const [first] = this.#queue;
    if (first === undefined) return;
    if (first.deletes !== undefined) return this.#openDeletes(first, first.deletes);
    const end = this.#queue.findIndex((load, i) => i > 0 && (load.deletes ?? load.after) !== undefined);
    const loads = this.#queue.slice(0, Math.min(GROUP_TABLES, end === -1 ? GROUP_TABLES : end));
    const kinds = await source.open(
      loads.map(({ table }) => table),
      signal,
    );
    const keyless = loads.filter(({ table }) => kinds.get(table) === 'keyless');
    for (const { table } of keyless) on?.keyless?.(table);
    this.#queue = this.#queue.filter((load) => !keyless.includes(load));
    // All of this at one boundary: what the stream publishes of these tables from here on is beyond `from`, and observed.
    const begun = loads
      .filter((load) => !keyless.includes(load))
      .map((load) => (load.from === undefined ? this.#begin(load.table) : load));
    if (begun.length === 0) return this.#open(executed);
    const names = begun.map(({ table }) => table);
    this.#window = new ChunkWindow(names, this.#read(begun, executed.toString()));
  }

  /** Whatever was loaded of it before, and left behind, stands below `from` now: it is read once more, or deleted. */
  #begin(table: string): TableLoad {
    this.#forgetLeftovers(table);
    const from = this.#options.target.ends(table);
    return from === undefined ? { table } : { table, from };
  }

  async #read(loads: readonly TableLoad[], passed: string): Promise<ChunkGroup> {
    const { source, limits, signal } = this.#options;
    await source.visible(passed, signal);
    const parts: ChunkGroup['parts'][number][] = [];
    let [rows, bytes] = [0, 0];
    for (const load of loads) {
      const room = { rows: limits.rows - rows, bytes: limits.bytes - bytes };
      const chunk = await source.read(load.table, load.after, room, signal);
      parts.push({ load, chunk });
      rows += chunk.rows.length;
      bytes += chunk.bytes;
      if (!chunk.finished || rows > limits.rows * FULL_SHARE || bytes > limits.bytes * FULL_SHARE) break;
    }
    return { parts, high: await source.executed(signal) };
  }

  async #publish(window: ChunkWindow, { parts }: ChunkGroup): Promise<void> {
    const { on } = this.#options;
    // Empty tables need no records: 10,000 of them must not mean 20,000 waits.
    const isEmpty = parts.every(({ chunk }) => chunk.rows.length === 0);
    const checkpoint = isEmpty ? async () => {} : this.#options.checkpoint;
    this.#replace(parts.map(({ load }) => load));
    await checkpoint(this.#describe(true));
    for (const { load, chunk } of parts) {
      const rows = await this.#publishRows(window, load.table, chunk.rows);
      on?.chunk?.(load.table, rows, 0);
    }
    this.#replace(parts.flatMap(({ load, chunk }) => rest(load, chunk) ?? []));
    this.#finish(parts.filter(({ load, chunk }) => rest(load, chunk) === undefined).map(({ load }) => load));
    await checkpoint(this.#describe(false));
  }

  async #publishRows(window: ChunkWindow, table: string, rows: readonly TextRow[]): Promise<number> {
    const { target } = this.#options;
    const left = this.#leftKeys.get(target.topicOf(table));
    let published = 0;
    for (const row of rows) {
      const key = target.keyOf(table, row);
      const missing = window.missing(table, key);
      if (missing?.length === 0 || left?.has(key) === true) continue;
      const publishing = target.publish(table, row, missing);
      if (publishing !== undefined) await publishing;
      published++;
      killPoint('mid-chunk');
      const room = target.room();
      if (room !== undefined) await room;
    }
    this.#forgetLeftovers(table);
    return published;
  }

  async #openDeletes(load: TableLoad, { done, passes }: NonNullable<TableLoad['deletes']>): Promise<void> {
    const { source, target, limits, signal, keysAtMost = KEYS_A_PASS } = this.#options;
    const { table, from = [] } = load;
    await source.open([table], signal);
    // Everything below the ends must be there to be read.
    await target.acknowledged();
    this.#window = new DeleteWindow({
      table,
      from,
      ends: target.ends(table) ?? from,
      pass: done,
      passes,
      read: (to) => target.records(table, to, signal),
      atATime: limits.rows,
      atMost: keysAtMost,
    });
  }

  /** @returns whether the pass is over. */
  async #delete({ keys, then }: StaleKeys): Promise<boolean> {
    const { target, checkpoint, on } = this.#options;
    const [load] = this.#queue as [TableLoad];
    const { table } = load;
    const left = this.#leftDeletes.get(target.topicOf(table)) ?? [];
    const writes = left.length + keys.length > 0;
    if (writes) {
      await checkpoint(this.#describe(true));
      for (const key of left) target.delete(table, key, 'tombstone');
      for (const { key } of keys) {
        target.delete(table, key);
        killPoint('mid-chunk');
        const room = target.room();
        if (room !== undefined) await room;
      }
      on?.chunk?.(table, 0, keys.length);
    }
    this.#forgetLeftovers(table);
    const { done, passes } = load.deletes ?? { done: 0, passes: 1 };
    if (then === 'crowded') this.#replace([{ ...load, deletes: { done: 0, passes: passes * 2 } }]);
    else if (then === 'over' && done + 1 < passes) this.#replace([{ ...load, deletes: { done: done + 1, passes } }]);
    else if (then === 'over') this.#finish([load]);
    if (writes) await checkpoint(this.#describe(false));
    return then !== 'more';
  }

  #replace(loads: readonly TableLoad[]): void {
    const by = new Map(loads.map((load) => [load.table, load]));
    this.#queue = this.#queue.map((load) => by.get(load.table) ?? load);
  }

  #finish(loads: readonly TableLoad[]): void {
    const names = new Set(loads.map(({ table }) => table));
    this.#queue = this.#queue.filter(({ table }) => !names.has(table));
    for (const table of names) {
      this.#options.source.close(table);
      this.#options.on?.finished?.(table);
    }
  }

  #forgetLeftovers(table: string): void {
    const topic = this.#options.target.topicOf(table);
    this.#leftKeys.delete(topic);
    this.#leftDeletes.delete(topic);
    this.#published = this.#published.filter((range) => range.topic !== topic);
  }

  #describe(publishing: boolean): SnapshotProgress {
    const queue = this.#queueBehind();
    return {
      state: queue.length === 0 ? 'done' : 'running',
      queue,
      publishing,
      published: this.#published,
    };
  }
}

/** The queue with these tables to be loaded from their start: in their place, or at the end. */
function withFresh(queue: readonly TableLoad[], fresh: ReadonlySet<string>): readonly TableLoad[] {
  const known = new Set(queue.map(({ table }) => table));
  const loads = queue.map((load) => (fresh.has(load.table) ? { table: load.table } : load));
  return [...loads, ...[...fresh].filter((table) => !known.has(table)).map((table) => ({ table }))];
}

/** What is left of a load after this chunk; undefined: nothing. */
function rest(load: TableLoad, chunk: Chunk): TableLoad | undefined {
  const { table, from } = load;
  if (!chunk.finished) return chunk.last === undefined ? load : { ...load, after: chunk.last };
  // Where no record stood before the load, there is none of a key that is gone.
  return from?.some((offset) => offset > 0n) === true ? { table, from, deletes: { done: 0, passes: 1 } } : undefined;
}
