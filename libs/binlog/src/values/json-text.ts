import { TaplineError } from '@tapline/kernel';
import { corrupt, EventError } from '../event-errors.ts';
import { decimalBytes, WIRE_TYPE } from '../wire-types.ts';
import { readDecimal } from './decimal.ts';
import { readPackedDatetime, readPackedTime } from './temporal.ts';

const TYPE = {
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
};

const LITERALS: readonly string[] = ['null', 'true', 'false'];
/** MySQL allows 100 levels. */
const MAX_DEPTH = 101;

/**
 * A JSON column's binary value as the text that MySQL prints for it: `{"a": 1, "b": [1, 2.5]}`, numbers unchanged, decimals and dates in place.
 *
 * Binary form (sql-common/json_binary.h); offsets count from the container's first byte behind its type:
 *   value      type u8, then by type:
 *   object     count · size · count × (key offset · key length u16) · count × entry · keys · values
 *   array      count · size · count × entry · values
 *   entry      type u8 · value itself (literal, int16, uint16; in large containers int32, uint32) or its offset
 *   literal    u8: 0 null, 1 true, 2 false      string   length, utf8mb4 bytes
 *   opaque     MYSQL_TYPE u8 · length · bytes   length   7 bits a byte, least first, high bit: goes on
 * count, size, offsets: u16 in small containers, u32 in large ones.
 *
 * @throws TaplineError SOURCE_EVENT_CORRUPT on any byte that contradicts this; never reads outside, and its work is bounded by `length`
 */
export function jsonText(buffer: Buffer, offset: number, length: number): string {
  // What a broken ALTER TABLE of old leaves in a NOT NULL column; the server prints it so.
  if (length === 0) return 'null';
  const printer = new JsonPrinter(buffer, offset, offset + length);
  try {
    printer.value(buffer[offset]!, offset + 1, 1);
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    throw new TaplineError(error.kind, { message: `A JSON value cannot be decoded: ${error.message}`, cause: error });
  }
  return printer.text;
}

class JsonPrinter {
  text = '';
  readonly #buffer: Buffer;
  readonly #end: number;
  /** Bytes of entries and strings that may still come: more than there are means that offsets lead to the same bytes again and again. */
  #bytesLeft: number;

  constructor(buffer: Buffer, start: number, end: number) {
    this.#buffer = buffer;
    this.#end = end;
    this.#bytesLeft = end - start;
  }

  value(type: number, at: number, depth: number): void {
    switch (type) {
      case TYPE.SMALL_OBJECT:
      case TYPE.LARGE_OBJECT:
      case TYPE.SMALL_ARRAY:
      case TYPE.LARGE_ARRAY:
        this.#container(type, at, depth);
        return;
      case TYPE.LITERAL:
        this.#literal(this.#need(at, 1));
        return;
      case TYPE.INT16:
        this.text += this.#buffer.readInt16LE(this.#need(at, 2));
        return;
      case TYPE.UINT16:
        this.text += this.#buffer.readUInt16LE(this.#need(at, 2));
        return;
      case TYPE.INT32:
        this.text += this.#buffer.readInt32LE(this.#need(at, 4));
        return;
      case TYPE.UINT32:
        this.text += this.#buffer.readUInt32LE(this.#need(at, 4));
        return;
      case TYPE.INT64:
        this.text += this.#buffer.readBigInt64LE(this.#need(at, 8));
        return;
      case TYPE.UINT64:
        this.text += this.#buffer.readBigUInt64LE(this.#need(at, 8));
        return;
      case TYPE.DOUBLE:
        this.text += doubleText(this.#buffer.readDoubleLE(this.#need(at, 8)));
        return;
      case TYPE.STRING: {
        const { start, length } = this.#length(at);
        this.#string(this.#need(start, length), length);
        return;
      }
      case TYPE.OPAQUE: {
        const { start, length } = this.#length(at + 1);
        this.#opaque(this.#buffer[this.#need(at, 1)]!, this.#need(start, length), length);
        return;
      }
      default:
        throw corrupt(`JSON value type ${type}`);
    }
  }

  #container(type: number, base: number, depth: number): void {
    if (depth > MAX_DEPTH) throw corrupt('JSON nested too deeply');
    const isObject = type === TYPE.SMALL_OBJECT || type === TYPE.LARGE_OBJECT;
    const wide = type === TYPE.LARGE_OBJECT || type === TYPE.LARGE_ARRAY;
    const width = wide ? 4 : 2;
    const count = this.#number(base, width);
    const size = this.#number(base + width, width);
    this.#need(base, size);
    const keys = base + 2 * width;
    const entries = keys + (isObject ? count * (width + 2) : 0);
    const valuesFrom = entries + count * (1 + width);
    if (valuesFrom > base + size) throw corrupt(`a JSON container of ${count} values in ${size} bytes`);
    this.#spend(count);
    this.text += isObject ? '{' : '[';
    for (let i = 0; i < count; i++) {
      if (i > 0) this.text += ', ';
      if (isObject) this.#key(base, keys + i * (width + 2), width);
      const entry = entries + i * (1 + width);
      const entryType = this.#buffer[entry]!;
      if (isInlined(entryType, wide)) this.value(entryType, entry + 1, depth);
      else this.value(entryType, this.#inside(base, entry + 1, width, valuesFrom), depth + 1);
    }
    this.text += isObject ? '}' : ']';
  }

  /** Where a value lies: behind the entries, so a value never contains itself. */
  #inside(base: number, at: number, width: number, from: number): number {
    const target = base + this.#number(at, width);
    if (target < from) throw corrupt('a JSON value that points into its container');
    return this.#need(target, 1);
  }

  #key(base: number, at: number, width: number): void {
    const start = base + this.#number(at, width);
    const length = this.#number(at + width, 2);
    this.#string(this.#need(start, length), length);
    this.text += ': ';
  }

  #literal(at: number): void {
    const literal = LITERALS[this.#buffer[at]!];
    if (literal === undefined) throw corrupt(`JSON literal ${this.#buffer[at]}`);
    this.text += literal;
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw corrupt('JSON values that share their bytes');
  }

  #string(start: number, length: number): void {
    this.#spend(length);
    this.text += quoted(this.#buffer.toString('utf8', start, start + length));
  }

  #opaque(type: number, start: number, length: number): void {
    const need = (bytes: number): void => {
      if (length < bytes) throw corrupt(`a JSON value of type ${type} in ${length} bytes`);
    };
    switch (type) {
      case WIRE_TYPE.NEWDECIMAL: {
        need(2);
        const precision = this.#buffer[start]!;
        const scale = this.#buffer[start + 1]!;
        if (precision > 65 || scale > precision) throw corrupt(`JSON decimal(${precision},${scale})`);
        need(2 + decimalBytes(precision, scale));
        this.text += readDecimal(this.#buffer, start + 2, precision, scale);
        return;
      }
      case WIRE_TYPE.DATE:
      case WIRE_TYPE.DATETIME:
      case WIRE_TYPE.TIMESTAMP:
        need(8);
        this.text += `"${readPackedDatetime(this.#buffer, start, type === WIRE_TYPE.DATE)}"`;
        return;
      case WIRE_TYPE.TIME:
        need(8);
        this.text += `"${readPackedTime(this.#buffer, start)}"`;
        return;
      default:
        this.text += `"base64:type${type}:${this.#buffer.toString('base64', start, start + length)}"`;
    }
  }

  #number(at: number, width: number): number {
    this.#need(at, width);
    return width === 2 ? this.#buffer.readUInt16LE(at) : this.#buffer.readUInt32LE(at);
  }

  #length(at: number): { start: number; length: number } {
    let length = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.#buffer[this.#need(at + i, 1)]!;
      length += (byte & 0x7f) * 128 ** i;
      if (byte < 0x80) return { start: at + i + 1, length };
    }
    throw corrupt('a JSON length of more than 5 bytes');
  }

  /** `at`, when `bytes` from there on are inside the value. */
  #need(at: number, bytes: number): number {
    if (at + bytes > this.#end) throw corrupt(`JSON reaches ${at + bytes - this.#end} bytes beyond its end`);
    return at;
  }
}

function isInlined(type: number, wide: boolean): boolean {
  if (type === TYPE.LITERAL || type === TYPE.INT16 || type === TYPE.UINT16) return true;
  return wide && (type === TYPE.INT32 || type === TYPE.UINT32);
}

/** As double_quote of json_dom.cc: short escapes, \u00xx for other control characters, everything else as it is. */
function quoted(text: string): string {
  // JSON.stringify does the same but for lone surrogates, which UTF-8 decoding never gives.
  return JSON.stringify(text);
}

/**
 * The shortest digits that give the same double (my_gcvt). Exponent form beyond 10^15 for whole numbers and below 10^-15; a whole number without
 * exponent gets `.0`, which tells it from an integer.
 */
export function doubleText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa = '', exponentText = ''] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -15 || (exponent >= 15 && Number.isInteger(value))) return `${mantissa}e${exponent}`;
  if (Number.isInteger(value)) return `${value}.0`;
  if (exponent >= -6) return String(value);
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace(/[-.]/g, '');
  return `${negative ? '-' : ''}0.${'0'.repeat(-exponent - 1)}${digits}`;
}
