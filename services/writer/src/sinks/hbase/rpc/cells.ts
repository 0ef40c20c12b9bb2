import { digitsOf, writeDigits } from '../../../decimal.ts';

/**
 * Cells as they follow a request in a block (HBase's KeyValueCodec; reference guide, "KeyValue"):
 *
 *     cell = int32(bytes that follow) int32(bytes of the key) int32(bytes of the value) key value
 *     key  = int16(bytes of the row) row int8(bytes of the family) family qualifier int64(timestamp) int8(type)
 */
export const CELL_CODEC = 'org.apache.hadoop.hbase.codec.KeyValueCodec';

const PUT = 4;
/** Hides what its column has up to its timestamp. */
export const DELETE_COLUMN = 12;
/** Hides what its family has up to its timestamp. */
export const DELETE_FAMILY = 14;

/** A family and a qualifier, as a key has them. */
export type ColumnName = Buffer;

export function columnName(family: string, qualifier: string): ColumnName {
  const name = Buffer.from(` ${family}${qualifier}`);
  name[0] = Buffer.byteLength(family);
  return name;
}

const LENGTHS = 12;
const AROUND_KEY = 2 + 8 + 1;

/** Writes the cells of rows one behind the other into one growing buffer. */
export class CellBlock {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #at = 0;
  #cells = 0;
  #row: Buffer = Buffer.alloc(0);
  readonly #timestamp = Buffer.alloc(8);
  readonly #earlier = Buffer.alloc(8);

  get length(): number {
    return this.#at;
  }

  /** How many cells the row has so far. */
  get cells(): number {
    return this.#cells;
  }

  clear(): void {
    this.#at = 0;
  }

  /** Forgets everything behind `length`. */
  cut(length: number): void {
    this.#at = length;
  }

  /** What was written, until something else is. */
  get written(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Begins a row, whose cells have this timestamp. */
  begin(row: Buffer, timestamp: bigint): void {
    this.#row = row;
    this.#cells = 0;
    this.#timestamp.writeBigInt64BE(timestamp);
    this.#earlier.writeBigInt64BE(timestamp - 1n);
  }

  text(column: ColumnName, value: string): number {
    // No character is more than three bytes for a unit of UTF-16.
    const at = this.#key(column, PUT, this.#timestamp, 3 * value.length);
    return this.#value(at, this.#buffer.write(value, this.#at, 'utf8'));
  }

  /** @returns how many bytes the value has, as the other two do. */
  bytes(column: ColumnName, value: Uint8Array): number {
    const at = this.#key(column, PUT, this.#timestamp, value.byteLength);
    this.#buffer.set(value, this.#at);
    return this.#value(at, value.byteLength);
  }

  slice(column: ColumnName, from: Buffer, start: number, end: number): number {
    const at = this.#key(column, PUT, this.#timestamp, end - start);
    if (end - start > SHORT_BYTES) from.copy(this.#buffer, this.#at, start, end);
    else copyShort(from, start, end, this.#buffer, this.#at);
    return this.#value(at, end - start);
  }

  /** A whole number of up to 32 bits, in decimal digits. */
  integer(column: ColumnName, value: number): number {
    const at = this.#key(column, PUT, this.#timestamp, MOST_DIGITS);
    const size = Math.abs(value);
    const digits = digitsOf(size);
    if (value < 0) this.#buffer[this.#at] = MINUS;
    const signs = value < 0 ? 1 : 0;
    writeDigits(this.#buffer, this.#at + signs, digits, size);
    return this.#value(at, signs + digits);
  }

  /** Hides what is there up to the row's timestamp; with `below`, what is older than it. */
  hide(column: ColumnName, type: typeof DELETE_COLUMN | typeof DELETE_FAMILY, below = false): void {
    this.#value(this.#key(column, type, below ? this.#earlier : this.#timestamp, 0), 0);
  }

  /** Writes a key behind room for the lengths, and keeps `room` for the value. @returns where it all begins. */
  #key(column: ColumnName, type: number, timestamp: Buffer, room: number): number {
    const start = this.#at;
    const row = this.#row;
    this.#room(LENGTHS + AROUND_KEY + row.length + column.length + room);
    const buffer = this.#buffer;
    let at = start + LENGTHS;
    buffer[at++] = row.length >>> 8;
    buffer[at++] = row.length;
    if (row.length > SHORT_BYTES) at += row.copy(buffer, at);
    else at = copyShort(row, 0, row.length, buffer, at);
    at = copyShort(column, 0, column.length, buffer, at);
    at = copyShort(timestamp, 0, timestamp.length, buffer, at);
    buffer[at++] = type;
    this.#at = at;
    writeLength(buffer, start + 4, at - start - LENGTHS);
    return start;
  }

  #value(start: number, length: number): number {
    this.#at += length;
    writeLength(this.#buffer, start, this.#at - start - 4);
    writeLength(this.#buffer, start + 8, length);
    this.#cells++;
    return length;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#at + count));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** So few bytes are copied one by one faster than by a call into the runtime. */
const SHORT_BYTES = 32;
const MINUS = 0x2d;
/** With the sign. */
const MOST_DIGITS = 11;

/** @returns where the copy ends. */
function copyShort(from: Buffer, start: number, end: number, to: Buffer, toStart: number): number {
  let at = toStart;
  for (let index = start; index < end; index++) to[at++] = from[index] as number;
  return at;
}

function writeLength(to: Buffer, at: number, length: number): void {
  to[at] = length >>> 24;
  to[at + 1] = length >>> 16;
  to[at + 2] = length >>> 8;
  to[at + 3] = length;
}
