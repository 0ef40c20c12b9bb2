import { COLUMN_STATE, type RowImage } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Column } from '@tapline/schema';
import { putRaw, writeString } from './avro-write.ts';
import { type ByteSink, GrowingSink } from './byte-sink.ts';
import type { ColumnCodec, TextWriter, WireWriter } from './codec.ts';

export interface RowColumn {
  /** Where the column stands in row images and text rows. */
  readonly index: number;
  readonly column: Column;
  readonly codec: ColumnCodec;
  /** Rows may come without it: it is the union [null, T] also when the column is NOT NULL, and absent is written as null. */
  readonly optional?: boolean;
}

const NULL_BRANCH = 0;
const VALUE_BRANCH = 2;
/** How a column is written: plain; as a union whose NULL is a value; as a union only because rows may come without it. */
const PLAIN = 0;
const NULLABLE = 1;
const OPTIONAL = 2;

/** What rows of the same columns are written by, in whichever table. */
class RowForm {
  readonly columns: readonly RowColumn[];
  readonly indexes: Int32Array;
  readonly unions: Uint8Array;
  readonly wire: readonly WireWriter[];
  readonly text: readonly TextWriter[];

  constructor(columns: readonly RowColumn[]) {
    this.columns = columns;
    this.indexes = Int32Array.from(columns, ({ index }) => index);
    this.unions = Uint8Array.from(columns, unionOf);
    this.wire = columns.map(({ codec }) => codec.fromWire);
    this.text = columns.map(({ codec }) => codec.fromText);
  }
}

/** Thousands of tables would else have as many. With more than these all are forgotten, and only sharing is lost. */
const forms = new Map<string, RowForm>();
const MOST_FORMS = 4096;
/** Of columns and codecs: what tables share of them is one object. */
const numbers = new WeakMap<object, number>();
let given = 0;

function numberOf(shared: object): number {
  let number = numbers.get(shared);
  if (number === undefined) {
    number = ++given;
    numbers.set(shared, number);
  }
  return number;
}

function formOf(columns: readonly RowColumn[]): RowForm {
  const key = columns
    .map(({ index, column, codec, optional }) => [index, numberOf(column), numberOf(codec), optional].join(':'))
    .join();
  let form = forms.get(key);
  if (form === undefined) {
    if (forms.size >= MOST_FORMS) forms.clear();
    form = new RowForm(columns);
    forms.set(key, form);
  }
  return form;
}

/**
 * Writes some columns of a row as an Avro record. The writers are flat arrays, so that a row costs one indirect call a column and no allocation.
 * Nullable columns are the union [null, T]: a branch byte, then the value.
 */
export class RowWriter {
  readonly #table: string;
  readonly #form: RowForm;

  constructor(table: string, columns: readonly RowColumn[]) {
    this.#table = table;
    this.#form = formOf(columns);
  }

  /** On an error the sink goes back to `start`. */
  writeImage(sink: ByteSink, image: RowImage, start: number): void {
    const { buffer, offsets, lengths, states } = image;
    const { indexes, unions, wire: writers } = this.#form;
    let i = 0;
    try {
      for (; i < writers.length; i++) {
        const index = indexes[i] as number;
        const state = states[index] as number;
        if (state !== COLUMN_STATE.VALUE) {
          if (state === COLUMN_STATE.NULL && unions[i] === NULLABLE) {
            sink.ensure(1);
            sink.buffer[sink.position++] = NULL_BRANCH;
          } else {
            this.#writeMissing(sink, i, image);
          }
          continue;
        }
        if (unions[i] !== PLAIN) {
          sink.ensure(1);
          sink.buffer[sink.position++] = VALUE_BRANCH;
        }
        (writers[i] as WireWriter)(buffer, offsets[index] as number, lengths[index] as number, sink);
      }
    } catch (error) {
      sink.position = start;
      throw this.#explain(error, i);
    }
  }

  writeText(sink: ByteSink, row: readonly (Buffer | null | undefined)[], start: number): void {
    const { indexes, unions, text: writers } = this.#form;
    let i = 0;
    try {
      for (; i < writers.length; i++) {
        const bytes = row[indexes[i] as number];
        if (bytes === null || bytes === undefined) {
          this.#writeNull(sink, i, bytes === null ? COLUMN_STATE.NULL : COLUMN_STATE.ABSENT);
          continue;
        }
        if (unions[i] !== PLAIN) {
          sink.ensure(1);
          sink.buffer[sink.position++] = VALUE_BRANCH;
        }
        (writers[i] as TextWriter)(bytes, sink);
      }
    } catch (error) {
      sink.position = start;
      throw this.#explain(error, i);
    }
  }

  /** Compares the bytes of the columns. Wire bytes of equal values are equal, so this is exact without decoding. */
  differs(before: RowImage, after: RowImage): boolean {
    const { indexes } = this.#form;
    for (let i = 0; i < indexes.length; i++) {
      const index = indexes[i] as number;
      const state = before.states[index];
      if (state === COLUMN_STATE.ABSENT) throw this.#absent(i);
      if (after.states[index] === COLUMN_STATE.ABSENT) {
        if (after.base === undefined) throw this.#absent(i);
        continue;
      }
      if (state !== after.states[index]) return true;
      if (state === COLUMN_STATE.VALUE && !sameBytes(before, after, index)) return true;
    }
    return false;
  }

  /** What the image has no value for: NULL, or absent, which the image before may know. */
  #writeMissing(sink: ByteSink, i: number, image: RowImage): void {
    const { indexes, unions, wire } = this.#form;
    const index = indexes[i] as number;
    const { base } = image;
    if (image.states[index] === COLUMN_STATE.NULL || base === undefined) {
      this.#writeNull(sink, i, image.states[index]);
      return;
    }
    if (base.states[index] !== COLUMN_STATE.VALUE) {
      this.#writeNull(sink, i, base.states[index]);
      return;
    }
    if (unions[i] !== PLAIN) {
      sink.ensure(1);
      sink.buffer[sink.position++] = VALUE_BRANCH;
    }
    const offset = base.offsets[index] as number;
    (wire[i] as WireWriter)(base.buffer, offset, base.lengths[index] as number, sink);
  }

  #writeNull(sink: ByteSink, i: number, state: number | undefined): void {
    const { column, optional } = this.#form.columns[i] as RowColumn;
    if (state !== COLUMN_STATE.NULL && optional !== true) throw this.#absent(i);
    if (state === COLUMN_STATE.NULL && !column.nullable) {
      throw new TaplineError('SCHEMA_MISMATCH', { message: 'NULL, but the column is NOT NULL.' });
    }
    sink.ensure(1);
    sink.buffer[sink.position++] = NULL_BRANCH;
  }

  #absent(i: number): TaplineError {
    const { column } = this.#form.columns[i] as RowColumn;
    return new TaplineError('SOURCE_ROW_IMAGE', {
      message: `The row image has no value for column ${column.name}: binlog_row_image was not FULL when it was written.`,
      place: { table: this.#table },
    });
  }

  #explain(error: unknown, i: number): unknown {
    if (!(error instanceof TaplineError) || error.place.table !== undefined) return error;
    const { column } = this.#form.columns[i] as RowColumn;
    return new TaplineError(error.code, {
      message: `Column ${column.name} (${column.columnType}): ${error.message}`,
      place: { table: this.#table },
      cause: error,
    });
  }
}

/** What a message key is written by. */
export type KeyWriter = Pick<RowWriter, 'writeImage' | 'writeText' | 'differs'>;

/** A key with the table's name in front of its columns. */
export class TableKeyWriter implements KeyWriter {
  readonly #name: Buffer;
  readonly #row: RowWriter;

  constructor(table: string, row: RowWriter) {
    const name = new GrowingSink(256);
    writeString(name, table);
    this.#name = Buffer.from(name.written());
    this.#row = row;
  }

  writeImage(sink: ByteSink, image: RowImage, start: number): void {
    writeRaw(sink, this.#name);
    this.#row.writeImage(sink, image, start);
  }

  writeText(sink: ByteSink, row: readonly (Buffer | null | undefined)[], start: number): void {
    writeRaw(sink, this.#name);
    this.#row.writeText(sink, row, start);
  }

  differs(before: RowImage, after: RowImage): boolean {
    return this.#row.differs(before, after);
  }
}

function writeRaw(sink: ByteSink, bytes: Buffer): void {
  sink.ensure(bytes.length);
  putRaw(sink, bytes, 0, bytes.length);
}

function unionOf({ column, optional }: RowColumn): number {
  if (column.nullable) return NULLABLE;
  return optional === true ? OPTIONAL : PLAIN;
}

function sameBytes(before: RowImage, after: RowImage, index: number): boolean {
  const length = before.lengths[index] as number;
  if (length !== after.lengths[index]) return false;
  const from = before.offsets[index] as number;
  const to = after.offsets[index] as number;
  for (let i = 0; i < length; i++) if (before.buffer[from + i] !== after.buffer[to + i]) return false;
  return true;
}
