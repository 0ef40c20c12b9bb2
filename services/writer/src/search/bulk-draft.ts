import type { Bulk, BulkEntry } from './bulk.ts';
import { EncodedRows } from './encoded-rows.ts';
import { JsonBytes } from './json-bytes.ts';

/** A bulk while it is put together, entry by entry. */
export class BulkDraft implements Bulk {
  readonly lines: JsonBytes = new JsonBytes();
  /** Appends rows to the lines. */
  readonly rows: EncodedRows = new EncodedRows(this.lines);
  #entries: BulkEntry[] = [];
  /** Where the next entry begins. */
  #start = 0;
  /** What `drop` goes back to. */
  #keptEntries = 0;
  #keptBytes = 0;

  get entries(): readonly BulkEntry[] {
    return this.#entries;
  }

  get bytes(): Buffer {
    return this.lines.view();
  }

  /** Forgets everything. */
  clear(): void {
    this.lines.clear();
    this.#entries = [];
    this.#start = 0;
    this.keep();
  }

  /** What was appended to the lines since the last one is an entry. */
  add(change: number, index: string, leaving: boolean): void {
    const end = this.lines.length;
    this.#entries.push({ change, index, leaving, byteLength: end - this.#start });
    this.#start = end;
  }

  /** All entries so far are to stay. */
  keep(): void {
    this.#keptEntries = this.#entries.length;
    this.#keptBytes = this.#start;
  }

  /** Forgets what came since `keep`, also lines that did not become an entry. */
  drop(): void {
    this.#entries.length = this.#keptEntries;
    this.lines.cut(this.#keptBytes);
    this.#start = this.#keptBytes;
  }
}

/** Bulks that are written side by side, with the default lanes and some. */
const MOST_FREE = 8;
const MOST_BYTES = 4_194_304;

/**
 * Drafts whose bulks were answered. New memory for each bulk would be most of what a writer throws away: memory beside the heap, of which a little makes the runtime
 * look through the whole heap.
 */
export class BulkDrafts {
  readonly #free: BulkDraft[] = [];

  take(): BulkDraft {
    const draft = this.#free.pop() ?? new BulkDraft();
    draft.clear();
    return draft;
  }

  /** Nobody reads its bytes any more. */
  give(draft: BulkDraft): void {
    if (draft.lines.capacity <= MOST_BYTES && this.#free.length < MOST_FREE) this.#free.push(draft);
  }
}
