import type mysql from 'mysql2';

/** One row in the text protocol: each column's bytes as the server sent them, or NULL. */
export type TextRow = readonly (Buffer | null)[];

/** Rows in the order of the result. */
export type RowBatch = TextRow[];

/**
 * One SELECT's rows, taken in batches. The driver hands out rows by events; these are gathered up to a budget of bytes, then the socket is
 * paused until they have been taken. The memory held is twice the budget (a batch at work, the
 * next one gathered) plus what the driver has parsed of one socket read.
 */
export class RowStream {
  readonly #driver: mysql.Connection;
  readonly #bufferBytes: number;
  #rows: TextRow[] = [];
  #bytes = 0;
  #paused = false;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(driver: mysql.Connection, sql: string, bufferBytes: number) {
    this.#driver = driver;
    this.#bufferBytes = bufferBytes;
    const query = driver.query({ sql, rowsAsArray: true, typeCast: false });
    query.on('result', (row) => this.#add(row as unknown as TextRow));
    query.on('error', (error) => {
      // The server's refusal ends the statement; the session stays usable.
      this.#ended = !(error as { fatal?: boolean }).fatal;
      this.fail(error);
    });
    query.on('end', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Whether the server has sent everything. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The next rows, at least one; undefined after the last. One call at a time. */
  async next(): Promise<RowBatch | undefined> {
    while (this.#rows.length === 0) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    // The next batch comes in while the caller works on this one.
    this.#resume();
    return rows;
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake?.();
  }

  #add(row: TextRow): void {
    this.#rows.push(row);
    this.#bytes += rowBytes(row);
    if (this.#bytes >= this.#bufferBytes && !this.#paused) {
      this.#paused = true;
      this.#driver.pause();
    }
    this.#wake?.();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#driver.resume();
  }
}

/** What a row takes in memory, about: its values and the objects around them. */
export function rowBytes(row: TextRow): number {
  let bytes = 64;
  for (const value of row) bytes += value === null ? 8 : value.length + 96;
  return bytes;
}
