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

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
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
    from.copy(this.#buffer, this.#at, start, end);
    return this.#value(at, end - start);
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
    let at = buffer.writeInt16BE(row.length, start + LENGTHS);
    at += row.copy(buffer, at);
    at += column.copy(buffer, at);
    at += timestamp.copy(buffer, at);
    buffer[at] = type;
    this.#at = at + 1;
    buffer.writeInt32BE(this.#at - start - LENGTHS, start + 4);
    return start;
  }

  #value(start: number, length: number): number {
    this.#at += length;
    this.#buffer.writeInt32BE(this.#at - start - 4, start);
    this.#buffer.writeInt32BE(length, start + 8);
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
