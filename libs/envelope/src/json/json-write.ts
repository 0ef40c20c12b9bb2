import { type ByteSink, viewOf } from '../byte-sink.ts';
import { shortestFloat } from '../reader/values.ts';

/*
 * JSON text (RFC 8259) straight into bytes. As in avro-write.ts, `put…` functions trust the caller to have called `ensure`; `write…` functions ensure
 * for themselves.
 */

/** The most bytes an integer of 64 bits takes: a sign and 19 digits. */
export const INTEGER_BYTES = 20;

/** `null`, as the four bytes stand in memory. */
const NULL_WORD = 0x6c6c_756e;
const ZERO = 0x30;
const MINUS = 0x2d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

export function putNull(sink: ByteSink): void {
  sink.view.setInt32(sink.position, NULL_WORD, true);
  sink.position += 4;
}

/** A safe integer in decimal digits. */
export function putInteger(sink: ByteSink, value: number): void {
  let rest = value;
  if (rest < 0) {
    sink.buffer[sink.position++] = MINUS;
    rest = -rest;
  }
  if (rest <= 0x7fff_ffff) {
    putDigits(sink, rest, digitsOf(rest));
    return;
  }
  const high = Math.floor(rest / 1e9);
  putDigits(sink, high, digitsOf(high));
  putDigits(sink, rest - high * 1e9, 9);
}

/** A 64-bit signed integer in two halves of 32 bits. */
export function putLongDigits(sink: ByteSink, high: number, low: number): void {
  if (high >= -0x20_0000 && high < 0x20_0000) {
    putInteger(sink, high * 0x1_0000_0000 + (low >>> 0));
    return;
  }
  let top = high;
  let bottom = low;
  if (high < 0) {
    sink.buffer[sink.position++] = MINUS;
    bottom = -low | 0;
    top = ~high + (bottom === 0 ? 1 : 0);
  }
  // Schoolbook division by 10^6: both steps stay below 2^53, and the quotient is a safe integer.
  top >>>= 0;
  const quotientHigh = Math.floor(top / 1e6);
  const rest = (top - quotientHigh * 1e6) * 0x1_0000_0000 + (bottom >>> 0);
  const quotientLow = Math.floor(rest / 1e6);
  putInteger(sink, quotientHigh * 0x1_0000_0000 + quotientLow);
  putDigits(sink, rest - quotientLow * 1e6, 6);
}

/** `count` digits of an integer below 2^31, with zeros in front. */
function putDigits(sink: ByteSink, value: number, count: number): void {
  const { buffer, position } = sink;
  let rest = value | 0;
  for (let at = position + count - 1; at >= position; at--) {
    const tenth = (rest / 10) | 0;
    buffer[at] = ZERO + rest - tenth * 10;
    rest = tenth;
  }
  sink.position = position + count;
}

function digitsOf(value: number): number {
  if (value < 1e5) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : value < 1e4 ? 4 : 5;
  return value < 1e7 ? (value < 1e6 ? 6 : 7) : value < 1e8 ? 8 : value < 1e9 ? 9 : 10;
}

/**
 * With the fewest digits that name the value. A whole number keeps a `.0`, as from Java: what guesses types from the text sees a floating-point
 * number in every row, and −0 keeps its sign. Infinities and NaN, which only the bytes of a VECTOR can hold, are strings, as Jackson writes them.
 */
export function writeDouble(sink: ByteSink, value: number): void {
  if (!Number.isFinite(value)) writeAscii(sink, `"${value}"`);
  else if (Object.is(value, -0)) writeAscii(sink, '-0.0');
  else writeAscii(sink, Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value));
}

/** A 32-bit float: −0.1, not the −0.10000000149011612 that a double would make of it. */
export function writeFloat(sink: ByteSink, value: number): void {
  writeDouble(sink, Number.isFinite(value) ? shortestFloat(value) : value);
}

/** Text of ASCII characters that is JSON already. */
export function writeAscii(sink: ByteSink, text: string): void {
  const { length } = text;
  sink.ensure(length);
  const { buffer, position } = sink;
  for (let i = 0; i < length; i++) buffer[position + i] = text.charCodeAt(i);
  sink.position = position + length;
}

let seenBuffer: Buffer = Buffer.alloc(0);
let seenView: DataView = viewOf(seenBuffer);

/** UTF-8 bytes as a JSON string. Nearly all text needs no escapes: it is copied and looked through in one go. */
export function writeText(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  if (from !== seenBuffer) {
    seenView = viewOf(from);
    seenBuffer = from;
  }
  sink.ensure(length + 2);
  const { buffer, position } = sink;
  if (length < 8 ? !copyBytes(sink, from, offset, length) : !copyWords(sink, seenView, offset, length)) {
    writeEscaped(sink, from, offset, length);
    return;
  }
  buffer[position] = QUOTE;
  buffer[position + 1 + length] = QUOTE;
  sink.position = position + 2 + length;
}

/** Copies to behind the place of the opening quote. False when one of the bytes needs an escape: all but quotes, backslashes and control characters stand for themselves. */
function copyBytes(sink: ByteSink, from: Buffer, offset: number, length: number): boolean {
  const { buffer } = sink;
  const start = sink.position + 1;
  let escapes = 0;
  for (let i = 0; i < length; i++) {
    const byte = from[offset + i] as number;
    escapes |= ESCAPES[byte] as number;
    buffer[start + i] = byte;
  }
  return escapes === 0;
}

/** The same for eight bytes or more; the last eight overlap those before. */
function copyWords(sink: ByteSink, from: DataView, offset: number, length: number): boolean {
  const to = sink.view;
  const start = sink.position + 1;
  const last = length - 8;
  let found = 0;
  for (let i = 0; ; i = i + 8 < last ? i + 8 : last) {
    const low = from.getInt32(offset + i, true);
    const high = from.getInt32(offset + i + 4, true);
    found |= suspects(low) | suspects(high);
    to.setInt32(start + i, low, true);
    to.setInt32(start + i + 4, high, true);
    if (i === last) return found === 0;
  }
}

/**
 * Not 0 when one of four bytes needs an escape. Subtracting from a byte sets its high bit when it was smaller; bytes of 0x80 and above, which need no
 * escape, are masked out; a borrow only disturbs bytes beyond one that has been found. Turning bit 1 over moves the quote (0x22) beside the
 * control characters, so that one subtraction finds both.
 */
function suspects(word: number): number {
  return (((word ^ 0x0202_0202) - 0x2121_2121) | ((word ^ 0x5c5c_5c5c) - 0x0101_0101)) & ~word & 0x8080_8080;
}

/** By byte: 0 for itself, 1 for \u00XX, otherwise the letter behind the backslash. */
const ESCAPES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x20 ? 1 : 0));
for (const [byte, letter] of [
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
] as const) {
  ESCAPES[byte] = letter.charCodeAt(0);
}

function writeEscaped(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  sink.ensure(length * 6 + 2);
  const { buffer } = sink;
  let { position } = sink;
  buffer[position++] = QUOTE;
  for (let at = offset; at < offset + length; at++) {
    const byte = from[at] as number;
    const escape = ESCAPES[byte] as number;
    if (escape === 0) {
      buffer[position++] = byte;
      continue;
    }
    buffer[position++] = BACKSLASH;
    if (escape !== 1) {
      buffer[position++] = escape;
      continue;
    }
    position += buffer.write(`u00${byte < 0x10 ? '0' : ''}${byte.toString(16).toUpperCase()}`, position, 'latin1');
  }
  buffer[position++] = QUOTE;
  sink.position = position;
}

const BASE64: Uint8Array = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');
const PAD = 0x3d;
/** Below this a loop beats two calls into native code and the string between them. */
const LOOP_BYTES = 96;

/** Bytes as a JSON string of base64 (RFC 4648, with padding). */
export function writeBase64(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  sink.ensure(Math.ceil(length / 3) * 4 + 2);
  const { buffer } = sink;
  buffer[sink.position++] = QUOTE;
  if (length < LOOP_BYTES) putBase64(sink, from, offset, length);
  else sink.position += buffer.write(from.toString('base64', offset, offset + length), sink.position, 'latin1');
  buffer[sink.position++] = QUOTE;
}

function putBase64(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  const { buffer } = sink;
  let { position } = sink;
  const end = offset + length;
  for (let at = offset; at < end; at += 3) {
    const left = end - at;
    const bits =
      ((from[at] as number) << 16) |
      ((left > 1 ? (from[at + 1] as number) : 0) << 8) |
      (left > 2 ? (from[at + 2] as number) : 0);
    buffer[position++] = BASE64[bits >> 18] as number;
    buffer[position++] = BASE64[(bits >> 12) & 63] as number;
    buffer[position++] = left > 1 ? (BASE64[(bits >> 6) & 63] as number) : PAD;
    buffer[position++] = left > 2 ? (BASE64[bits & 63] as number) : PAD;
  }
  sink.position = position;
}
