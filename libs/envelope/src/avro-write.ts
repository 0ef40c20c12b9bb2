import type { ByteSink } from './byte-sink.ts';

/*
 * Avro binary encoding (Avro specification 1.11, "Binary Encoding"): int and long are zigzag varints, bytes and string are a long
 * length and the bytes, float and double are IEEE 754 little endian.
 *
 * `put…` functions trust the caller to have called `ensure`; `write…` functions ensure for themselves.
 */

/** The most bytes a varint of a long takes. */
export const LONG_BYTES = 10;
export const INT_BYTES = 5;

/** A 32-bit signed integer. */
export function putInt(sink: ByteSink, value: number): void {
  putVarint(sink, ((value << 1) ^ (value >> 31)) >>> 0);
}

/** A 64-bit signed integer in two halves of 32 bits (any signedness). */
export function putLong(sink: ByteSink, high: number, low: number): void {
  const sign = high >> 31;
  let zigzagLow = ((low << 1) ^ sign) >>> 0;
  let zigzagHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
  const { buffer } = sink;
  let position = sink.position;
  while (zigzagHigh !== 0) {
    buffer[position++] = (zigzagLow & 0x7f) | 0x80;
    zigzagLow = ((zigzagLow >>> 7) | (zigzagHigh << 25)) >>> 0;
    zigzagHigh >>>= 7;
  }
  while (zigzagLow > 0x7f) {
    buffer[position++] = (zigzagLow & 0x7f) | 0x80;
    zigzagLow >>>= 7;
  }
  buffer[position++] = zigzagLow;
  sink.position = position;
}

/** A long given as a safe integer. */
export function putSafeLong(sink: ByteSink, value: number): void {
  if (value >= -0x8000_0000 && value <= 0x7fff_ffff) putInt(sink, value);
  else putLong(sink, Math.floor(value / 0x1_0000_0000), value);
}

/** The length before bytes and strings: not negative, below 2^31. */
export function putLength(sink: ByteSink, length: number): void {
  if (length < 64) sink.buffer[sink.position++] = length << 1;
  else putVarint(sink, (length << 1) >>> 0);
}

function putVarint(sink: ByteSink, value: number): void {
  const { buffer } = sink;
  let rest = value;
  let position = sink.position;
  while (rest > 0x7f) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  sink.position = position;
}

/** Below this a loop beats the call into native code. */
const LOOP_COPY_BYTES = 48;

export function putRaw(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  const { buffer, position } = sink;
  if (length < LOOP_COPY_BYTES) {
    for (let i = 0; i < length; i++) buffer[position + i] = from[offset + i] as number;
  } else {
    from.copy(buffer, position, offset, offset + length);
  }
  sink.position = position + length;
}

/** Bytes, or a string that is UTF-8 already. */
export function writeBytes(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  sink.ensure(length + INT_BYTES);
  putLength(sink, length);
  putRaw(sink, from, offset, length);
}

export function writeString(sink: ByteSink, text: string): void {
  const length = Buffer.byteLength(text);
  sink.ensure(length + INT_BYTES);
  putLength(sink, length);
  sink.position += sink.buffer.write(text, sink.position, 'utf8');
}
