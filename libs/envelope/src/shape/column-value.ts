import { COLUMN_STATE, type RowImage, type WireColumn } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Column } from '@tapline/schema';
import { GrowingSink } from '../byte-sink.ts';
import type { ColumnCodec } from '../codec.ts';
import { columnCodec } from '../columns.ts';
import type { TextRow } from '../compile.ts';
import { typeName } from '../mysql-type.ts';
import { Cursor } from '../reader/avro-read.ts';
import { typeReader } from '../reader/read-types.ts';
import type { ReadValue, Value } from '../reader/values.ts';

/** Where a value stands in Avro for a moment: one for all columns, as that is one synchronous go. */
const avro = new GrowingSink(1024);
const cursor = new Cursor();

/**
 * Reads single values of a column, in the forms that `ChangeReader` has: for who decides by them what becomes of the row. A row of the first load and one of the
 * binlog give the same value, because both go through the column's codec.
 */
export class ColumnValue {
  readonly column: Column;
  readonly #index: number;
  readonly #codec: ColumnCodec;
  readonly #read: ReadValue;

  /** `index`: where the column stands in rows. Throws SCHEMA_UNSUPPORTED. */
  constructor(column: Column, index: number, wire?: WireColumn) {
    this.column = column;
    this.#index = index;
    this.#codec = columnCodec(column, wire);
    this.#read = typeReader(this.#codec.schema, new Map(), typeName(column));
  }

  /** Throws SOURCE_ROW_IMAGE when the image does not have the column, SCHEMA_MISMATCH; neither quotes the value. */
  ofImage(image: RowImage): Value {
    const index = this.#index;
    const of = image.states[index] === COLUMN_STATE.ABSENT ? (image.base ?? image) : image;
    const state = of.states[index];
    if (state === COLUMN_STATE.NULL) return null;
    if (state !== COLUMN_STATE.VALUE) throw this.#failed('SOURCE_ROW_IMAGE', 'is not in the row image');
    const { buffer, offsets, lengths } = of;
    return this.#value(() => this.#codec.fromWire(buffer, offsets[index] as number, lengths[index] as number, avro));
  }

  ofText(row: TextRow): Value {
    const bytes = row[this.#index];
    if (bytes === null) return null;
    if (bytes === undefined) throw this.#failed('SOURCE_ROW_IMAGE', 'is not in the row');
    return this.#value(() => this.#codec.fromText(bytes, avro));
  }

  #value(write: () => void): Value {
    avro.shrink(KEPT_BYTES);
    try {
      write();
    } catch (error) {
      // The message may quote the value.
      if (error instanceof TaplineError) throw this.#failed(error.code, 'has a value that does not fit its type');
      throw error;
    }
    cursor.open(avro.written(), 0);
    return this.#read(cursor);
  }

  #failed(code: TaplineError['code'], what: string): TaplineError {
    return new TaplineError(code, {
      message: `Column ${this.column.name} (${this.column.columnType}), which a condition reads, ${what}.`,
    });
  }
}

const KEPT_BYTES = 1024 * 1024;
