import { TaplineError } from '@tapline/kernel';
import { corrupt, EventError } from '../event-errors.ts';
import { decimalBytes, WIRE_TYPE } from '../wire-types.ts';
import { readDecimal } from './decimal.ts';
import { isJsonInlined, JSON_TYPE, JsonBytes, MAX_JSON_DEPTH } from './json-layout.ts';
import { readPackedDatetime, readPackedTime } from './temporal.ts';

/** Where text goes as UTF-8: written at `buffer[position]` after `ensure`, which may put another buffer in place. */
export interface TextOut {
  buffer: Buffer;
  position: number;
  /** Makes room for at least `bytes` more bytes; what was written stays. */
  ensure(bytes: number): void;
}

/**
 * Writes a JSON column's binary value as the text that MySQL prints for it: `{"a": 1, "b": [1, 2.5]}`, numbers unchanged, decimals and dates in
 * place. Strings go from bytes to bytes: both sides are UTF-8.
 *
 * @throws TaplineError SOURCE_EVENT_CORRUPT on any byte that contradicts this; never reads outside, and its work is bounded by `length`
 */
export function writeJsonText(out: TextOut, buffer: Buffer, offset: number, length: number): void {
  const printer = new JsonPrinter(out, buffer, offset, offset + length);
  try {
    // What a broken ALTER TABLE of old leaves in a NOT NULL column; the server prints it so.
    if (length === 0) printer.ascii('null');
    else printer.value(buffer[offset]!, offset + 1, 1);
  } catch (error) {
    if (!(error instanceof EventError)) throw error;
    throw new TaplineError(error.kind, { message: `A JSON value cannot be decoded: ${error.message}`, cause: error });
  }
}

const scratch: TextOut = {
  buffer: Buffer.allocUnsafe(1024),
  position: 0,
  ensure(bytes) {
    if (this.buffer.length - this.position >= bytes) return;
    const larger = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.position + bytes));
    this.buffer.copy(larger, 0, 0, this.position);
    this.buffer = larger;
  },
};

/** What `writeJsonText` writes, as a string. */
export function jsonText(buffer: Buffer, offset: number, length: number): string {
  scratch.position = 0;
  writeJsonText(scratch, buffer, offset, length);
  return scratch.buffer.toString('utf8', 0, scratch.position);
}

const LITERALS: readonly string[] = ['null', 'true', 'false'];

class JsonPrinter {
  readonly #out: TextOut;
  readonly #buffer: Buffer;
  readonly #bytes: JsonBytes;
  /** Bytes of entries and strings that may still come: more than there are means that offsets lead to the same bytes again and again. */
  #bytesLeft: number;

  constructor(out: TextOut, buffer: Buffer, start: number, end: number) {
    this.#out = out;
    this.#buffer = buffer;
    this.#bytes = new JsonBytes(buffer, end);
    this.#bytesLeft = end - start;
  }

  value(type: number, at: number, depth: number): void {
    switch (type) {
      case JSON_TYPE.SMALL_OBJECT:
      case JSON_TYPE.LARGE_OBJECT:
      case JSON_TYPE.SMALL_ARRAY:
      case JSON_TYPE.LARGE_ARRAY:
        this.#container(type, at, depth);
        return;
      case JSON_TYPE.LITERAL:
        this.#literal(this.#bytes.need(at, 1));
        return;
      case JSON_TYPE.INT16:
        this.#integer(this.#buffer.readInt16LE(this.#bytes.need(at, 2)));
        return;
      case JSON_TYPE.UINT16:
        this.#integer(this.#buffer.readUInt16LE(this.#bytes.need(at, 2)));
        return;
      case JSON_TYPE.INT32:
        this.#integer(this.#buffer.readInt32LE(this.#bytes.need(at, 4)));
        return;
      case JSON_TYPE.UINT32:
        this.#integer(this.#buffer.readUInt32LE(this.#bytes.need(at, 4)));
        return;
      case JSON_TYPE.INT64:
        this.ascii(String(this.#buffer.readBigInt64LE(this.#bytes.need(at, 8))));
        return;
      case JSON_TYPE.UINT64:
        this.ascii(String(this.#buffer.readBigUInt64LE(this.#bytes.need(at, 8))));
        return;
      case JSON_TYPE.DOUBLE:
        this.#double(this.#buffer.readDoubleLE(this.#bytes.need(at, 8)));
        return;
      case JSON_TYPE.STRING: {
        const { start, length } = this.#bytes.length(at);
        this.#string(this.#bytes.need(start, length), length);
        return;
      }
      case JSON_TYPE.OPAQUE: {
        const { start, length } = this.#bytes.length(at + 1);
        this.#opaque(this.#buffer[this.#bytes.need(at, 1)]!, this.#bytes.need(start, length), length);
        return;
      }
      default:
        throw corrupt(`JSON value type ${type}`);
    }
  }

  ascii(text: string): void {
    const out = this.#out;
    const { length } = text;
    out.ensure(length);
    const { buffer, position } = out;
    for (let i = 0; i < length; i++) buffer[position + i] = text.charCodeAt(i);
    out.position = position + length;
  }

  #container(type: number, base: number, depth: number): void {
    if (depth > MAX_JSON_DEPTH) throw corrupt('JSON nested too deeply');
    const bytes = this.#bytes;
    const container = bytes.container(type, base);
    const { isObject, wide, count } = container;
    this.#spend(count);
    this.#put(isObject ? 0x7b : 0x5b);
    for (let i = 0; i < count; i++) {
      if (i > 0) this.#putTwo(0x2c, 0x20);
      if (isObject) {
        const length = bytes.keyLength(container, i);
        this.#string(bytes.keyAt(container, i, length), length);
        this.#putTwo(0x3a, 0x20);
      }
      const entryType = bytes.entryType(container, i);
      const inlined = isJsonInlined(entryType, wide);
      this.value(entryType, bytes.valueAt(container, i, inlined), inlined ? depth : depth + 1);
    }
    this.#put(isObject ? 0x7d : 0x5d);
  }

  #put(byte: number): void {
    const out = this.#out;
    out.ensure(1);
    out.buffer[out.position++] = byte;
  }

  #putTwo(first: number, second: number): void {
    const out = this.#out;
    out.ensure(2);
    out.buffer[out.position++] = first;
    out.buffer[out.position++] = second;
  }

  /** An integer of at most 32 bits. */
  #integer(value: number): void {
    const out = this.#out;
    out.ensure(11);
    const { buffer } = out;
    let rest = value;
    if (rest < 0) {
      buffer[out.position++] = 0x2d;
      rest = -rest;
    }
    let digits = 1;
    for (let bound = 10; rest >= bound; bound *= 10) digits++;
    for (let at = out.position + digits - 1; at >= out.position; at--) {
      const tenth = Math.floor(rest / 10);
      buffer[at] = 0x30 + rest - tenth * 10;
      rest = tenth;
    }
    out.position += digits;
  }

  #double(value: number): void {
    if (!Number.isFinite(value)) throw corrupt(`${value} as a JSON number`);
    this.ascii(doubleText(value));
  }

  #literal(at: number): void {
    const literal = LITERALS[this.#buffer[at]!];
    if (literal === undefined) throw corrupt(`JSON literal ${this.#buffer[at]}`);
    this.ascii(literal);
  }

  #spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw corrupt('JSON values that share their bytes');
  }

  #string(start: number, length: number): void {
    this.#spend(length);
    const out = this.#out;
    const end = start + length;
    const added = escapeBytes(this.#buffer, start, end);
    out.ensure(length + added + 2);
    out.buffer[out.position++] = 0x22;
    if (added > 0) putEscaped(out, this.#buffer, start, end);
    else putPlain(out, this.#buffer, start, end);
    out.buffer[out.position++] = 0x22;
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
        if (precision > JSON_DECIMAL_DIGITS || scale > precision) throw corrupt(`JSON decimal(${precision},${scale})`);
        need(2 + decimalBytes(precision, scale));
        this.ascii(readDecimal(this.#buffer, start + 2, precision, scale));
        return;
      }
      case WIRE_TYPE.DATE:
      case WIRE_TYPE.DATETIME:
      case WIRE_TYPE.TIMESTAMP:
        need(8);
        this.ascii(`"${readPackedDatetime(this.#buffer, start, type === WIRE_TYPE.DATE)}"`);
        return;
      case WIRE_TYPE.TIME:
        need(8);
        this.ascii(`"${readPackedTime(this.#buffer, start)}"`);
        return;
      default:
        this.ascii(`"base64:type${type}:${this.#buffer.toString('base64', start, start + length)}"`);
    }
  }
}

/** A column's DECIMAL has at most 65 digits; a JSON number keeps the server's own precision, whole groups of 9 (DECIMAL_MAX_POSSIBLE_PRECISION). */
const JSON_DECIMAL_DIGITS = 81;

/** As double_quote of json_dom.cc: short escapes, \u00xx for other control characters, everything else as it is. */
const ESCAPES: ReadonlyMap<number, string> = new Map([
  ...Array.from({ length: 0x20 }, (_, code) => [code, `\\u00${code.toString(16).padStart(2, '0')}`] as const),
  [0x08, '\\b'],
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0c, '\\f'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

/** Bytes that each byte of a string takes beyond itself. */
const ADDED = Uint8Array.from({ length: 256 }, (_, byte) => (ESCAPES.get(byte)?.length ?? 1) - 1);

function escapeBytes(buffer: Buffer, start: number, end: number): number {
  let added = 0;
  for (let at = start; at < end; at++) added += ADDED[buffer[at]!]!;
  return added;
}

/** Below this a loop beats the call into native code. */
const LOOP_BYTES = 32;

function putPlain(out: TextOut, from: Buffer, start: number, end: number): void {
  const { buffer, position } = out;
  if (end - start > LOOP_BYTES) from.copy(buffer, position, start, end);
  else for (let at = start, to = position; at < end; at++) buffer[to++] = from[at]!;
  out.position = position + end - start;
}

function putEscaped(out: TextOut, from: Buffer, start: number, end: number): void {
  const { buffer } = out;
  let { position } = out;
  for (let at = start; at < end; at++) {
    const escape = ESCAPES.get(from[at]!);
    if (escape === undefined) buffer[position++] = from[at]!;
    else for (let i = 0; i < escape.length; i++) buffer[position++] = escape.charCodeAt(i);
  }
  out.position = position;
}

/**
 * The shortest digits that give the same finite double (my_gcvt). Exponent form beyond 10^15 for whole numbers and below 10^-15; a whole number without
 * exponent gets `.0`, which tells it from an integer.
 */
export function doubleText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const size = Math.abs(value);
  // Where JavaScript prints the same.
  if (size >= 1e-6 && !Number.isInteger(value)) return String(value);
  if (size >= 1 && size < 1e15) return `${value}.0`;
  const [mantissa = '', exponentText = ''] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -15 || exponent >= 15) return `${mantissa}e${exponent}`;
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace(/[-.]/g, '');
  return `${negative ? '-' : ''}0.${'0'.repeat(-exponent - 1)}${digits}`;
}
