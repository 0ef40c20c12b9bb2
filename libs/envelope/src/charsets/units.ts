import { INT_BYTES, putLength } from '../avro-write.ts';
import type { ByteSink } from '../byte-sink.ts';

/** Cells of a table of two-byte codes: from 0x8000 on. */
export const TABLE_CELLS = 0x8000;

/** Decodes `bytes[at, end)` to UTF-16, behind what `units` has. `?` for codes without a meaning, as the server prints them. */
export type Decode = (bytes: Buffer, at: number, end: number, units: Units) => void;

/** UTF-16 on its way to UTF-8. One instance serves all values: nothing is allocated a value. */
export class Units {
  codes: Uint16Array = new Uint16Array(256);
  count = 0;

  /** Empty again, with room for `most` units. */
  start(most: number): void {
    this.count = 0;
    if (this.codes.length < most) this.codes = new Uint16Array(most * 2);
  }

  put(unit: number): void {
    this.codes[this.count++] = unit;
  }

  /** A code point beyond the basic plane. */
  putPair(codePoint: number): void {
    const offset = codePoint - 0x1_0000;
    this.put(0xd800 + (offset >> 10));
    this.put(0xdc00 + (offset & 0x3ff));
  }
}

/** The units as an Avro string. A surrogate without its other half has no UTF-8: it becomes U+FFFD. */
export function writeUnits(sink: ByteSink, { codes, count }: Units): void {
  const length = utf8Length(codes, count);
  sink.ensure(length + INT_BYTES);
  putLength(sink, length);
  const { buffer } = sink;
  let position = sink.position;
  for (let i = 0; i < count; i++) {
    const unit = codes[i] as number;
    if (unit < 0x80) {
      buffer[position++] = unit;
    } else if (unit < 0x800) {
      buffer[position++] = 0xc0 | (unit >> 6);
      buffer[position++] = 0x80 | (unit & 0x3f);
    } else if (isPair(codes, i, count)) {
      const point = 0x1_0000 + ((unit & 0x3ff) << 10) + ((codes[++i] as number) & 0x3ff);
      buffer[position++] = 0xf0 | (point >> 18);
      buffer[position++] = 0x80 | ((point >> 12) & 0x3f);
      buffer[position++] = 0x80 | ((point >> 6) & 0x3f);
      buffer[position++] = 0x80 | (point & 0x3f);
    } else {
      const known = (unit & 0xf800) === 0xd800 ? 0xfffd : unit;
      buffer[position++] = 0xe0 | (known >> 12);
      buffer[position++] = 0x80 | ((known >> 6) & 0x3f);
      buffer[position++] = 0x80 | (known & 0x3f);
    }
  }
  sink.position = position;
}

function utf8Length(codes: Uint16Array, count: number): number {
  let length = count;
  for (let i = 0; i < count; i++) {
    const unit = codes[i] as number;
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      length += 1;
    } else {
      // Two more a unit; a pair is two units and four bytes.
      length += 2;
      if (isPair(codes, i, count)) i++;
    }
  }
  return length;
}

function isPair(codes: Uint16Array, i: number, count: number): boolean {
  return ((codes[i] as number) & 0xfc00) === 0xd800 && i + 1 < count && ((codes[i + 1] as number) & 0xfc00) === 0xdc00;
}
