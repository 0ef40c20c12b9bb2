import type { TextRow } from '@tapline/envelope';
import { killPoint } from '@tapline/kernel';
import type { OffsetRange, SnapshotProgress } from '../progress/record.ts';
import type { Executed } from '../source/executed.ts';
import { ChunkWindow } from './window.ts';

/** A piece of a table in key order, read at some moment not after `high`. */
export interface Chunk {
  readonly rows: readonly TextRow[];
  /** The key of the last row, as text literals: where the next chunk starts. Undefined when the table had no more rows. */
  readonly last: readonly string[] | undefined;
  /** No row of the table is beyond this chunk. */
  readonly finished: boolean;
  /** What the source had executed after the read: once the stream is past it, every change that raced with the read has been seen. */
  readonly high: Executed;
}

/** Where chunks come from. */
export interface ChunkSource {
  read(table: string, after: readonly string[] | undefined, signal: AbortSignal): Promise<Chunk>;
}

/** Where rows of a chunk go. */
export interface RowTarget {
  /** The key of a row in the form that the stream reports to {@link SnapshotLoader.observe}. */
  keyOf(table: string, row: TextRow): string;
  /** Of `columns` and the key only, when they are given. A promise when the row takes longer than a moment. */
  publish(table: string, row: TextRow, columns: readonly string[] | undefined): Promise<void> | undefined;
  /** Resolves when there is room for more rows; undefined when there is room now. */
  room(): Promise<void> | undefined;
}

export interface LoaderOptions {
  /** Full names of the tables to load, in order. */
  readonly tables: readonly string[];
  readonly progress: SnapshotProgress;
  readonly source: ChunkSource;
  readonly target: RowTarget;
  /** Keys of the unfinished chunk that earlier lives have published. */
  readonly publishedKeys: ReadonlySet<string>;
  /** Waits for every acknowledgement, then makes this progress durable together with the stream's place. */
  checkpoint(progress: SnapshotProgress): Promise<void>;
  onChunk?(table: string, rows: number, tableFinished: boolean): void;
  readonly signal: AbortSignal;
}

/**
 * The first load: the included tables, chunk by chunk in key order, while the stream runs (the watermark method of the DBLog
 * paper, with the GTID set as the watermark, so nothing is written to the source).
 *
 * Order of one chunk, and why:
 * 1. From before the SELECT on, the keys of the table's changes in the stream are remembered (the window).
 * 2. The SELECT; then `high` := what the source has executed.
 * 3. When the stream has passed `high`, the window holds every key whose row may have changed during the read. Their
 *    changes were published by the stream with the whole row, so these rows of the chunk are dropped: publishing them could undo a change.
 *    Where the stream has parts of rows (`source.rowImage: partial`), the columns that no update carried are as they were read, and only they are published.
 * 4. At a transaction boundary: wait for all acknowledgements and write a progress record that says "publishing".
 * 5. The rows; again all acknowledgements, and a record that says the chunk is done.
 * The stream stands still during 4 and 5 (some ten milliseconds), so beyond a "publishing" record there is nothing but rows of this
 * chunk, and beyond any other nothing but changes. A restart needs no marks in the records to tell them apart, and never publishes a row twice:
 * what it finds beyond a "publishing" record are the keys to leave out when the chunk is read again.
 *
 * Rejected: rows and changes side by side with one record per second. A restart would then have to tell rows from changes in a tail
 * that compaction may have thinned, and to remember published keys over chunk borders.
 */
export class SnapshotLoader {
  readonly #options: LoaderOptions;
  readonly #waiting: string[];
  readonly #finished: string[];
  #table: string | undefined;
  #after: readonly string[] | undefined;
  #published: readonly OffsetRange[];
  #publishedKeys: ReadonlySet<string>;
  #window: ChunkWindow | undefined;

  constructor(options: LoaderOptions) {
    this.#options = options;
    const { progress } = options;
    this.#finished = [...progress.finished];
    this.#table = progress.table;
    this.#after = progress.after;
    this.#published = progress.published;
    this.#publishedKeys = options.publishedKeys;
    this.#waiting = options.tables.filter((table) => table !== progress.table && !progress.finished.includes(table));
  }

  get done(): boolean {
    return this.#table === undefined && this.#waiting.length === 0;
  }

  /** What a progress record written now says of the load. */
  get progress(): SnapshotProgress {
    return this.#describe(false);
  }

  /** The table whose changes must be observed now. */
  get openTable(): string | undefined {
    return this.#window?.table;
  }

  /** Remembers that the stream has published a change of this key of `openTable`, which left out the columns `absent`. */
  observe(key: string, absent: readonly string[] = []): void {
    this.#window?.observe(key, absent);
  }

  /** Resolves when {@link atBoundary} has something new to do although the stream is silent; undefined when it has not. */
  get wake(): Promise<void> | undefined {
    return this.#window?.pending;
  }

  /** Called between two transactions, with what the stream has passed. */
  async atBoundary(executed: Executed): Promise<void> {
    if (this.#window === undefined) this.#open();
    const chunk = this.#window?.result();
    if (chunk === undefined || !executed.includes(chunk.high)) return;
    await this.#publish(this.#window as ChunkWindow, chunk);
    this.#open();
  }

  #open(): void {
    this.#window = undefined;
    this.#table ??= this.#waiting.shift();
    if (this.#table === undefined) return;
    this.#window = new ChunkWindow(
      this.#table,
      this.#options.source.read(this.#table, this.#after, this.#options.signal),
    );
  }

  async #publish(window: ChunkWindow, chunk: Chunk): Promise<void> {
    const { target } = this.#options;
    // An empty table needs no records: 10,000 of them must not mean 20,000 waits.
    const checkpoint = chunk.rows.length === 0 ? async () => {} : this.#options.checkpoint;
    await checkpoint(this.#describe(true));
    let rows = 0;
    for (const row of chunk.rows) {
      const key = target.keyOf(window.table, row);
      const missing = window.missing(key);
      if (missing?.length === 0 || this.#publishedKeys.has(key)) continue;
      const publishing = target.publish(window.table, row, missing);
      if (publishing !== undefined) await publishing;
      rows++;
      killPoint('mid-chunk');
      const room = target.room();
      if (room !== undefined) await room;
    }
    this.#published = [];
    this.#publishedKeys = new Set();
    if (chunk.finished) {
      this.#finished.push(window.table);
      this.#table = undefined;
      this.#after = undefined;
    } else {
      this.#after = chunk.last;
    }
    await checkpoint(this.#describe(false));
    this.#options.onChunk?.(window.table, rows, chunk.finished);
  }

  #describe(publishing: boolean): SnapshotProgress {
    return {
      state: this.done ? 'done' : 'running',
      finished: this.#finished,
      ...(this.#table === undefined ? {} : { table: this.#table }),
      ...(this.#after === undefined ? {} : { after: this.#after }),
      publishing,
      published: this.#published,
    };
  }
}
