import { packedOfDate, splitDatetime } from '../calendar.ts';
import type { Cursor } from './avro-read.ts';

/** One column's value; which form a type has is said at `ChangeReader`. */
export type Value = string | number | bigint | boolean | Uint8Array | null;

export type ReadValue = (cursor: Cursor) => Value;

export const readDate: ReadValue = (cursor) => dateText(packedOfDate(cursor.int()));

/** DATETIME(0..3), milliseconds. */
export function readMilliDatetime(fsp: number): ReadValue {
  return (cursor) => datetimeText(cursor.longNumber(), 0, fsp);
}

/** DATETIME(4..6): microseconds pass 2^53, so milliseconds and the rest are parted in two halves. */
export function readMicroDatetime(fsp: number): ReadValue {
  return (cursor) => {
    cursor.long();
    const thousands = Math.floor(cursor.high / 1000);
    const rest = (cursor.high - thousands * 1000) * 0x1_0000_0000 + cursor.low;
    const ms = thousands * 0x1_0000_0000 + Math.floor(rest / 1000);
    return datetimeText(ms, rest % 1000, fsp);
  };
}

export function datetimeText(ms: number, micros: number, fsp: number): string {
  const { packed, msOfDay } = splitDatetime(ms);
  const second = Math.floor(msOfDay / 1000);
  const fraction = (msOfDay - second * 1000) * 1000 + micros;
  return `${dateText(packed)}T${clockText(Math.floor(second / 3600), second % 3600, fraction, fsp)}`;
}

/** MySQL's own form: `-838:59:59`, `12:34:56.654321`. */
export function readTime(fsp: number): ReadValue {
  return (cursor) => timeText(cursor.longNumber(), fsp);
}

export function timeText(micros: number, fsp: number): string {
  const magnitude = Math.abs(micros);
  const second = Math.floor(magnitude / 1e6);
  const text = clockText(Math.floor(second / 3600), second % 3600, magnitude - second * 1e6, fsp);
  return micros < 0 ? `-${text}` : text;
}

/** @param packed year × 512 + month × 32 + day */
export function dateText(packed: number): string {
  return `${String(packed >> 9).padStart(4, '0')}-${two((packed >> 5) & 15)}-${two(packed & 31)}`;
}

function clockText(hours: number, secondOfHour: number, micros: number, fsp: number): string {
  const clock = `${two(hours)}:${two(Math.floor(secondOfHour / 60))}:${two(secondOfHour % 60)}`;
  return fsp === 0 ? clock : `${clock}.${String(micros).padStart(6, '0').slice(0, fsp)}`;
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}

/** The unscaled integer of a decimal: two's complement, big endian. */
export function readUnscaled(cursor: Cursor): bigint {
  const length = cursor.length();
  const start = cursor.position;
  cursor.position = start + length;
  return unscaledOf(cursor.buffer.subarray(start, start + length));
}

export function unscaledOf(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

export function readDecimal(scale: number): ReadValue {
  return (cursor) => decimalText(unscaledText(cursor), scale);
}

function unscaledText(cursor: Cursor): string {
  const start = cursor.position;
  const length = cursor.length();
  const from = cursor.position;
  if (length > 6 || length === 0) {
    cursor.position = start;
    return String(readUnscaled(cursor));
  }
  cursor.position = from + length;
  return String(cursor.buffer.readIntBE(from, length));
}

export function decimalText(unscaled: string, scale: number): string {
  if (scale === 0) return unscaled;
  const negative = unscaled.startsWith('-');
  const digits = (negative ? unscaled.slice(1) : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** BIT(n) as a number: the bytes are little endian. */
export function readBits(cursor: Cursor): bigint {
  const length = cursor.length();
  const start = cursor.position;
  cursor.position = start + length;
  return bitsOf(cursor.buffer.subarray(start, start + length));
}

export function bitsOf(bytes: Buffer): bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] as number);
  return value;
}

/** The JS number with the fewest digits (six or more) that names this 32-bit float: −0.1, not −0.10000000149011612. */
export function shortestFloat(float: number): number {
  if (Number.isInteger(float) && Math.abs(float) < 0x100_0000) return float;
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(float.toPrecision(digits));
    if (Math.fround(shorter) === float) return shorter;
  }
  return Number(float.toPrecision(9));
}

/** As MySQL stores geometries, and as it takes them in INSERT: SRID, 4 bytes little endian, and WKB. */
export function withSrid(wkb: Buffer, srid: number): Buffer {
  const out = Buffer.alloc(4 + wkb.length);
  out.writeUInt32LE(srid >>> 0, 0);
  wkb.copy(out, 4);
  return out;
}

/** The text that string_to_vector() takes, each number as short as it can be. */
export function vectorText(numbers: readonly number[]): string {
  return `[${numbers.map((number) => (Object.is(number, -0) ? '-0' : number)).join(',')}]`;
}
