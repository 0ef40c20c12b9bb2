import { type ByteSink, viewOf } from './byte-sink.ts';

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

/** Below this a loop beats the call into native code; measured. */
const LOOP_BYTES = 24;
/** Up to this, eight bytes at a time beat it too. */
const WORDS_BYTES = 192;

export function putRaw(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  const { buffer, position } = sink;
  if (length < LOOP_BYTES) {
    for (let i = 0; i < length; i++) buffer[position + i] = from[offset + i] as number;
  } else {
    from.copy(buffer, position, offset, offset + length);
  }
  sink.position = position + length;
}

/**
 * `putRaw` with a view on `from`. Words go as 64-bit integers, which compiled code keeps in a register; as doubles they would be as fast, but
 * bytes that look like a NaN may change on the way. The last word overlaps the one before.
 */
export function putWords(sink: ByteSink, from: Buffer, view: DataView, offset: number, length: number): void {
  if (length < 8 || length > WORDS_BYTES) {
    putRaw(sink, from, offset, length);
    return;
  }
  const to = sink.view;
  const { position } = sink;
  const last = length - 8;
  for (let i = 0; i < last; i += 8) to.setBigInt64(position + i, view.getBigInt64(offset + i, true), true);
  to.setBigInt64(position + last, view.getBigInt64(offset + last, true), true);
  sink.position = position + length;
}

let seenBuffer: Buffer = Buffer.alloc(0);
let seenView: DataView = viewOf(seenBuffer);

/** Bytes, or a string that is UTF-8 already, out of a row image: many values in a row come from one buffer, so its view is kept. */
export function writeFromImage(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  if (from !== seenBuffer) {
    seenView = viewOf(from);
    seenBuffer = from;
  }
  sink.ensure(length + INT_BYTES);
  putLength(sink, length);
  putWords(sink, from, seenView, offset, length);
}

/** Bytes, or a string that is UTF-8 already. */
export function writeBytes(sink: ByteSink, from: Buffer, offset: number, length: number): void {
  sink.ensure(length + INT_BYTES);
  putLength(sink, length);
  putRaw(sink, from, offset, length);
}

export function writeString(sink: ByteSink, text: string): void {
  const { length } = text;
  if (length < 64) {
    sink.ensure(length + 1);
    const { buffer, position } = sink;
    let i = 0;
    for (let code = 0; i < length; i++) {
      code = text.charCodeAt(i);
      if (code > 0x7f) break;
      buffer[position + 1 + i] = code;
    }
    if (i === length) {
      buffer[position] = length << 1;
      sink.position = position + 1 + length;
      return;
    }
  }
  writeAnyString(sink, text);
}

function writeAnyString(sink: ByteSink, text: string): void {
  const length = Buffer.byteLength(text);
  sink.ensure(length + INT_BYTES);
  putLength(sink, length);
  sink.position += sink.buffer.write(text, sink.position, 'utf8');
}
