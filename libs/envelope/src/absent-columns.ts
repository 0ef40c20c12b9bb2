import { COLUMN_STATE, type RowImage } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Column, Table } from '@tapline/schema';
import { INT_BYTES, putInt, writeString } from './avro-write.ts';
import type { ByteSink } from './byte-sink.ts';

const NULL_BRANCH = 0;
const VALUE_BRANCH = 2;

/** Writes the envelope's `absent`, behind the images: the columns that neither the image nor, in an update, the image before has. */
export class AbsentColumns {
  readonly #table: Table;
  readonly #before: number[] = [];
  readonly #after: number[] = [];
  readonly #shown: Uint8Array;

  /** `excluded`: columns that no message has, absent or not. */
  constructor(table: Table, excluded: ReadonlySet<Column> = new Set()) {
    this.#table = table;
    this.#shown = Uint8Array.from(table.columns, (column) => (excluded.has(column) ? 0 : 1));
  }

  /** Throws SOURCE_ROW_IMAGE when an update that moves the row to another key does not carry all of it: the rest would stay behind. */
  checkMoved(after: RowImage): void {
    absentIn(after, this.#after, this.#shown);
    if (this.#after.length > 0) throw this.#leftBehind();
  }

  /** To be called for each value before `write`. */
  find(before: RowImage | undefined, after: RowImage | undefined): void {
    absentIn(before, this.#before, this.#shown);
    absentIn(after, this.#after, this.#shown);
  }

  /** The same for a row of the first load, in which absent columns are undefined. */
  findInText(row: readonly (Buffer | null | undefined)[]): void {
    this.#before.length = 0;
    this.#after.length = 0;
    for (let i = 0; i < this.#shown.length; i++) if (row[i] === undefined && this.#shown[i] === 1) this.#after.push(i);
  }

  write(sink: ByteSink): void {
    sink.ensure(1);
    if (this.#before.length === 0 && this.#after.length === 0) {
      sink.buffer[sink.position++] = NULL_BRANCH;
      return;
    }
    sink.buffer[sink.position++] = VALUE_BRANCH;
    this.#names(sink, this.#before);
    this.#names(sink, this.#after);
  }

  /** An Avro array in one block. */
  #names(sink: ByteSink, indexes: readonly number[]): void {
    sink.ensure(INT_BYTES + 1);
    if (indexes.length > 0) putInt(sink, indexes.length);
    for (const index of indexes) writeString(sink, this.#name(index));
    sink.ensure(1);
    sink.buffer[sink.position++] = 0;
  }

  #name(index: number): string {
    return this.#table.columns[index]?.name ?? '';
  }

  #leftBehind(): TaplineError {
    const { database, name } = this.#table;
    return new TaplineError('SOURCE_ROW_IMAGE', {
      message: `An update moves a row to another key and does not carry all of it (${this.#after.map((index) => this.#name(index)).join(', ')}): binlog_row_image was not FULL when it was written.`,
      place: { table: `${database}.${name}` },
    });
  }
}

/** The columns that neither the image nor, in an update, the image before has. */
export function absentColumns(image: RowImage, table: Table): readonly string[] {
  const found: number[] = [];
  absentIn(image, found);
  return found.map((index) => table.columns[index]?.name ?? '');
}

function absentIn(image: RowImage | undefined, into: number[], shown?: Uint8Array): void {
  into.length = 0;
  if (image === undefined) return;
  const { states, base } = image;
  for (let i = 0; i < states.length; i++) {
    if (states[i] !== COLUMN_STATE.ABSENT || shown?.[i] === 0) continue;
    if (base === undefined || base.states[i] === COLUMN_STATE.ABSENT) into.push(i);
  }
}
