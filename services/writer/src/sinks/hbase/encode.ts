import { TaplineError } from '@tapline/kernel';
import { type Change, EncodedChange, type Row, type RowVisitor, type Value } from '@tapline/sink';
import type { HBaseConfig } from './config.ts';
import { CellBlock, type ColumnName, columnName, DELETE_COLUMN, DELETE_FAMILY } from './rpc/cells.ts';
import type { MessageWriter } from './rpc/message.ts';
import { writePut } from './rpc/multi.ts';
import { ENCODE, type EncodeValue } from './values.ts';

/** Timestamps end below Long.MAX_VALUE, which HBase takes for "now"; the one version up there shares the last one with its neighbour. */
const LAST_TIMESTAMP = 2n ** 63n - 2n;
const END_OF_TIME = 2n ** 63n - 1n;

/** A row key's length is a signed 16-bit number. */
const MAX_KEY_BYTES = 32_767;

const VERSION_COLUMN = 'v';

interface Column {
  readonly name: ColumnName;
  readonly text: string;
  /** Undefined: as text, which is copied where it is text already. */
  readonly encode: EncodeValue | undefined;
}

/**
 * Writes what is asked about a row, and what becomes of it:
 *
 *     Action{index=1, get=3}
 *     Get{row=1, column=2{family=1}, time_range=5{from=1, to=2}, existence_only=10}
 *
 * A change is one mutation, which takes effect as a whole: its cells, and below them a marker that hides the older ones of every family, as columns may have
 * become NULL or have left the table. The version is the timestamp of the cells. Where none is left to carry it, of a deleted row above all, it stands in
 * the version family, which no marker touches and no compaction takes away.
 */
export class RowEncoder implements RowVisitor {
  readonly #config: HBaseConfig;
  readonly #columns = new Map<string, Column>();
  readonly #schemas = new Map<readonly string[], readonly Column[]>();
  readonly #families: readonly ColumnName[];
  readonly #versionFamily: ColumnName;
  readonly #version: ColumnName;
  /** The fields `column` of a Get. */
  readonly #asked: readonly Buffer[];
  #cells: CellBlock = new CellBlock();
  #schema: readonly Column[] = [];
  #values = 0;
  #hidesNulls = false;
  /** The families that rows are in. */
  readonly families: readonly string[];

  constructor(config: HBaseConfig) {
    const { family, families, versionFamily } = config;
    this.#config = config;
    this.families = [...new Set([family, ...Object.values(families)])];
    this.#families = this.families.map((one) => columnName(one, ''));
    this.#versionFamily = columnName(versionFamily, '');
    this.#version = columnName(versionFamily, VERSION_COLUMN);
    this.#asked = [...this.families, versionFamily].map((one) => Buffer.from(one));
  }

  /** Asks whether the row has this version of the change or a later one. */
  ask(message: MessageWriter, index: number, row: Buffer, change: Change): void {
    const action = message.open(3);
    message.uint(1, index);
    const get = message.open(3);
    message.bytes(1, row);
    for (const family of this.#asked) {
      const column = message.open(2);
      message.bytes(1, family);
      message.close(column);
    }
    const range = message.open(5);
    message.long(1, timestampOf(change));
    message.long(2, END_OF_TIME);
    message.close(range);
    message.bool(10, true);
    message.close(get);
    message.close(action);
  }

  /**
   * Writes the change as an action, and its cells into the block.
   *
   * @throws TaplineError SINK_HBASE_ROW when the row does not fit; what was written of it by then is taken back
   */
  put(message: MessageWriter, cells: CellBlock, index: number, row: Buffer, change: Change): void {
    const start = cells.length;
    try {
      this.#cells = cells;
      cells.begin(row, timestampOf(change));
      this.#write(change);
    } catch (error) {
      cells.cut(start);
      throw error;
    }
    writePut(message, index, row, cells.cells);
  }

  text(column: number, bytes: Buffer, start: number, end: number): void {
    const { name, text, encode } = this.#schema[column] as Column;
    if (encode === undefined) this.#wrote(this.#cells.slice(name, bytes, start, end), text);
    else this.#cell(this.#schema[column] as Column, bytes.toString('utf8', start, end));
  }

  integer(column: number, value: number): void {
    const { name, text, encode } = this.#schema[column] as Column;
    if (encode === undefined) this.#wrote(this.#cells.integer(name, value), text);
    else this.#cell(this.#schema[column] as Column, value);
  }

  value(column: number, value: Value): void {
    this.#cell(this.#schema[column] as Column, value);
  }

  #write(change: Change): void {
    const { op, absent, version } = change;
    const { mode } = this.#config;
    const encoded = change instanceof EncodedChange && absent === null ? change : undefined;
    this.#values = 0;
    if (encoded === undefined ? change.after === null : !encoded.hasAfter) {
      this.#delete(version);
      return;
    }
    // An insert is all there is of its row, whatever it lacks. What an update did not carry stays as it is.
    const whole = op === 'c' || absent === null || absent.after.length === 0;
    this.#hidesNulls = !whole || mode === 'archive';
    if (!this.#hidesNulls && version > 0n)
      for (const family of this.#families) this.#cells.hide(family, DELETE_FAMILY, true);
    if (encoded === undefined) this.#row(change.after as Row);
    else {
      this.#schema = this.#schemas.get(encoded.columns) ?? this.#learn(encoded.columns);
      encoded.visitAfter(this);
    }
    if (this.#values === 0 || version > LAST_TIMESTAMP) this.#keepVersion(version);
  }

  #delete(version: bigint): void {
    for (const family of this.#families) this.#cells.hide(family, DELETE_FAMILY);
    if (this.#config.deletedVersions === 'forget') this.#cells.hide(this.#versionFamily, DELETE_FAMILY);
    else this.#keepVersion(version);
  }

  #row(values: Row): void {
    for (const column in values) {
      const value = values[column];
      if (value !== undefined) this.#cell(this.#column(column), value);
    }
  }

  #cell({ name, text, encode }: Column, value: Value): void {
    if (value === null) {
      if (this.#hidesNulls) this.#cells.hide(name, DELETE_COLUMN);
      return;
    }
    const cell = (encode ?? ENCODE.text)(value, text);
    this.#wrote(typeof cell === 'string' ? this.#cells.text(name, cell) : this.#cells.bytes(name, cell), text);
  }

  #wrote(bytes: number, column: string): void {
    this.#values++;
    const { maxValueBytes } = this.#config;
    if (bytes > maxValueBytes) throw tooLarge(`A value of column ${column}`, maxValueBytes);
  }

  #keepVersion(version: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(version);
    this.#cells.bytes(this.#version, bytes);
  }

  #learn(names: readonly string[]): readonly Column[] {
    const columns = names.map((name) => this.#column(name));
    this.#schemas.set(names, columns);
    return columns;
  }

  #column(text: string): Column {
    let column = this.#columns.get(text);
    if (column === undefined) {
      const { family, families, encode } = this.#config;
      const encoding = encode[text] ?? 'text';
      const name = columnName(families[text] ?? family, text);
      column = { name, text, encode: encoding === 'text' ? undefined : ENCODE[encoding] };
      this.#columns.set(text, column);
    }
    return column;
  }
}

/** @throws TaplineError SINK_HBASE_ROW: a server that is given such a key fails all of the request. */
export function fittingKey(row: Buffer): Buffer {
  if (row.length === 0 || row.length > MAX_KEY_BYTES) throw tooLarge(`A row key of ${row.length} bytes`, MAX_KEY_BYTES);
  return row;
}

function timestampOf({ version }: Change): bigint {
  return version > LAST_TIMESTAMP ? LAST_TIMESTAMP : version;
}

function tooLarge(what: string, limit: number): TaplineError {
  return new TaplineError('SINK_HBASE_ROW', { message: `${what} is not of 1 to ${limit} bytes.` });
}
