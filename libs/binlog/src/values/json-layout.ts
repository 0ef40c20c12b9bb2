import { corrupt } from '../event-errors.ts';

/*
 * Binary JSON (sql-common/json_binary.h); offsets count from the container's first byte behind its type:
 *   value      type u8, then by type:
 *   object     count · size · count × (key offset · key length u16) · count × entry · keys · values
 *   array      count · size · count × entry · values
 *   entry      type u8 · value itself (literal, int16, uint16; in large containers int32, uint32) or its offset
 *   literal    u8: 0 null, 1 true, 2 false      string   length, utf8mb4 bytes
 *   opaque     MYSQL_TYPE u8 · length · bytes   length   7 bits a byte, least first, high bit: goes on
 * count, size, offsets: u16 in small containers, u32 in large ones. Keys are sorted by length, then as bytes.
 */

export const JSON_TYPE = {
  SMALL_OBJECT: 0,
  LARGE_OBJECT: 1,
  SMALL_ARRAY: 2,
  LARGE_ARRAY: 3,
  LITERAL: 4,
  INT16: 5,
  UINT16: 6,
  INT32: 7,
  UINT32: 8,
  INT64: 9,
  UINT64: 10,
  DOUBLE: 11,
  STRING: 12,
  OPAQUE: 15,
} as const;

/** MySQL allows 100 levels. */
export const MAX_JSON_DEPTH = 101;

export function isJsonInlined(type: number, wide: boolean): boolean {
  if (type === JSON_TYPE.LITERAL || type === JSON_TYPE.INT16 || type === JSON_TYPE.UINT16) return true;
  return wide && (type === JSON_TYPE.INT32 || type === JSON_TYPE.UINT32);
}

/** Reads binary JSON in `buffer[.., end)` and nothing beyond: every method checks first. */
export class JsonBytes {
  readonly buffer: Buffer;
  readonly end: number;

  constructor(buffer: Buffer, end: number) {
    this.buffer = buffer;
    this.end = end;
  }

  /** `at`, when `bytes` from there on are inside the value. */
  need(at: number, bytes: number): number {
    if (at + bytes > this.end) throw corrupt(`JSON reaches ${at + bytes - this.end} bytes beyond its end`);
    return at;
  }

  /** A count, size or offset of 2 or 4 bytes. */
  number(at: number, width: number): number {
    this.need(at, width);
    return width === 2 ? this.buffer.readUInt16LE(at) : this.buffer.readUInt32LE(at);
  }

  /** The length in front of a string or an opaque value. */
  length(at: number): { start: number; length: number } {
    let length = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.buffer[this.need(at + i, 1)]!;
      length += (byte & 0x7f) * 128 ** i;
      if (byte < 0x80) return { start: at + i + 1, length };
    }
    throw corrupt('a JSON length of more than 5 bytes');
  }

  container(type: number, base: number): JsonContainer {
    const isObject = type === JSON_TYPE.SMALL_OBJECT || type === JSON_TYPE.LARGE_OBJECT;
    const wide = type === JSON_TYPE.LARGE_OBJECT || type === JSON_TYPE.LARGE_ARRAY;
    const width = wide ? 4 : 2;
    const count = this.number(base, width);
    const size = this.number(base + width, width);
    this.need(base, size);
    const keys = base + 2 * width;
    const entries = keys + (isObject ? count * (width + 2) : 0);
    const valuesFrom = entries + count * (1 + width);
    if (valuesFrom > base + size) throw corrupt(`a JSON container of ${count} values in ${size} bytes`);
    return { isObject, wide, width, base, count, size, keys, entries, valuesFrom };
  }

  entryType(container: JsonContainer, i: number): number {
    return this.buffer[container.entries + i * (1 + container.width)]!;
  }

  /** Where the value of an entry lies: in the entry when `inlined`, else behind all entries, so that a value never contains itself. */
  valueAt(container: JsonContainer, i: number, inlined: boolean): number {
    const entry = container.entries + i * (1 + container.width);
    if (inlined) return entry + 1;
    const at = container.base + this.number(entry + 1, container.width);
    if (at < container.valuesFrom) throw corrupt('a JSON value that points into its container');
    return this.need(at, 1);
  }

  keyLength(container: JsonContainer, i: number): number {
    return this.number(container.keys + i * (container.width + 2) + container.width, 2);
  }

  keyAt(container: JsonContainer, i: number, length: number): number {
    const at = container.keys + i * (container.width + 2);
    return this.need(container.base + this.number(at, container.width), length);
  }
}

export interface JsonContainer {
  readonly isObject: boolean;
  readonly wide: boolean;
  /** Bytes of counts, sizes and offsets. */
  readonly width: number;
  readonly base: number;
  readonly count: number;
  /** All of the container, from `base` on. */
  readonly size: number;
  readonly keys: number;
  readonly entries: number;
  readonly valuesFrom: number;
}
