import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { TaplineError } from '@tapline/kernel';
import type { ApplyResult, Change, Row, Sink, Verdict } from '@tapline/sink';
import { textOf } from '../../naming/values.ts';
import { classify } from './classify.ts';

const LOCK_MS = 50;

/** A deleted row stays with its version and without content, so that a replay does not bring it back. */
const TABLE = 'CREATE TABLE IF NOT EXISTS rows (place TEXT PRIMARY KEY, version INTEGER NOT NULL, content TEXT) STRICT';

/** The version is compared in the statement that writes: no other member of the writer can come in between. */
const WRITE = `INSERT INTO rows VALUES (?, ?, ?)
  ON CONFLICT (place) DO UPDATE SET version = excluded.version, content = excluded.content WHERE excluded.version > version`;

export class SqliteSink implements Sink {
  readonly #file: string;
  readonly #database: DatabaseSync;
  readonly #write: StatementSync;

  /** @throws TaplineError */
  constructor(file: string) {
    this.#file = file;
    try {
      this.#database = new DatabaseSync(file, { timeout: LOCK_MS });
      this.#database.exec('PRAGMA journal_mode = WAL');
      this.#database.exec(TABLE);
      this.#write = this.#database.prepare(WRITE);
    } catch (error) {
      throw classify(error, file);
    }
  }

  /** All of a call in one transaction: what is refused is left out, and when the file takes nothing now, all of it is tried again. */
  async apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    signal.throwIfAborted();
    const errors = new Map<number, TaplineError>();
    const verdicts = changes.map((): Verdict => 'retry');
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      for (const [index, change] of changes.entries()) verdicts[index] = this.#applyOne(change, index, errors);
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isOpen && this.#database.isTransaction) this.#database.exec('ROLLBACK');
      const failure = classify(error, this.#file);
      if (failure.disposition !== 'retryable') throw failure;
      return { verdicts: changes.map(() => 'retry'), errors: new Map(changes.map((_, index) => [index, failure])) };
    }
    return { verdicts, errors };
  }

  #applyOne(change: Change, index: number, errors: Map<number, TaplineError>): Verdict {
    try {
      return this.#write.run(placeOf(change), change.version, contentOf(change)).changes > 0 ? 'applied' : 'stale';
    } catch (error) {
      const failure = classify(error, this.#file);
      if (failure.disposition !== 'poison') throw failure;
      errors.set(index, failure);
      return 'poison';
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Of the topic and not of the table: a tombstone has no table. */
export function placeOf({ topic, key }: Pick<Change, 'topic' | 'key'>): string {
  return JSON.stringify([topic, texts(key ?? {})]);
}

/** @throws TaplineError ROW_PARTIAL */
function contentOf({ after, absent }: Change): string | null {
  if (after === null) return null;
  if (absent === null || absent.after.length === 0) return JSON.stringify(texts(after));
  throw new TaplineError('ROW_PARTIAL', { message: `A row lacks ${absent.after.join(', ')}.` });
}

/** Values as exact texts: a number of JSON has no 63 bits. */
export function texts(row: Row): Record<string, string | null> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value === null ? null : textOf(value)]));
}
