import { fractionBytes } from '../wire-types.ts';

/*
 * Temporal values as the text MySQL prints, zero and partial dates (2020-00-00) included; TIMESTAMP in UTC, `0000-00-00 00:00:00` for 0.
 * Wire forms: sql-common/my_time.cc (my_time_packed_to_binary and so on); the forms without "2" are those of tables older than 5.6.4.
 */

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
const date = (year: number, month: number, day: number): string =>
  `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
const clock = (hour: number, minute: number, second: number): string => `${two(hour)}:${two(minute)}:${two(second)}`;

function fraction(micros: number, fsp: number): string {
  return fsp === 0 ? '' : `.${String(micros).padStart(6, '0').slice(0, fsp)}`;
}

/** The fraction of the "2" forms: ceil(fsp / 2) bytes, most significant first, in units of 10^-2, 10^-4, 10^-6. */
function readFraction(buffer: Buffer, offset: number, fsp: number): number {
  const bytes = fractionBytes(fsp);
  return bytes === 0 ? 0 : buffer.readUIntBE(offset, bytes) * 10 ** (6 - bytes * 2);
}

/** DATE, 3 bytes, least first: day 5 bits · month 4 · year 15. */
export function readDate(buffer: Buffer, offset: number): string {
  const packed = buffer.readUIntLE(offset, 3);
  return date(packed >> 9, (packed >> 5) & 15, packed & 31);
}

/** DATETIME2, 5 bytes, most significant first: 1 · year × 13 + month 17 bits · day 5 · hour 5 · minute 6 · second 6; then the fraction. */
export function readDatetime2(buffer: Buffer, offset: number, fsp: number): string {
  const high = (buffer.readUIntBE(offset, 3) & 0x7fffff) >>> 0;
  const low = buffer.readUInt16BE(offset + 3);
  const yearMonth = high >> 6;
  const day = (high >> 1) & 31;
  const hour = ((high & 1) << 4) | (low >> 12);
  return `${date(Math.floor(yearMonth / 13), yearMonth % 13, day)} ${clock(hour, (low >> 6) & 63, low & 63)}${fraction(readFraction(buffer, offset + 5, fsp), fsp)}`;
}

/** DATETIME before 5.6.4: the number YYYYMMDDhhmmss, 8 bytes, least first. */
export function readDatetime(buffer: Buffer, offset: number): string {
  const digits = buffer.readBigUInt64LE(offset).toString().padStart(14, '0');
  const part = (from: number, to: number): string => digits.slice(from, to);
  return `${part(0, 4)}-${part(4, 6)}-${part(6, 8)} ${part(8, 10)}:${part(10, 12)}:${part(12, 14)}`;
}

/** TIMESTAMP2: seconds since the epoch, u32 most significant first; then the fraction. */
export function readTimestamp2(buffer: Buffer, offset: number, fsp: number): string {
  return timestamp(buffer.readUInt32BE(offset), readFraction(buffer, offset + 4, fsp), fsp);
}

/** TIMESTAMP before 5.6.4: seconds since the epoch, u32 least first. */
export function readTimestamp(buffer: Buffer, offset: number): string {
  return timestamp(buffer.readUInt32LE(offset), 0, 0);
}

function timestamp(seconds: number, micros: number, fsp: number): string {
  const whole =
    seconds === 0 && micros === 0
      ? '0000-00-00 00:00:00'
      : new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return whole + fraction(micros, fsp);
}

/**
 * TIME2: 3 bytes most significant first, then the fraction, together one number offset by half its range, so that values sort as bytes:
 * hour 10 bits (under the sign) · minute 6 · second 6 · fraction.
 */
export function readTime2(buffer: Buffer, offset: number, fsp: number): string {
  const bytes = fractionBytes(fsp);
  const unit = 256 ** bytes;
  const signed = buffer.readUIntBE(offset, 3 + bytes) - 0x800000 * unit;
  const packed = Math.abs(signed);
  const whole = Math.floor(packed / unit);
  const micros = (packed % unit) * 10 ** (6 - bytes * 2);
  return (signed < 0 ? '-' : '') + clock(whole >> 12, (whole >> 6) & 63, whole & 63) + fraction(micros, fsp);
}

/** TIME before 5.6.4: the number ±hhmmss, 3 bytes, least first. */
export function readTime(buffer: Buffer, offset: number): string {
  const value = buffer.readIntLE(offset, 3);
  const digits = Math.abs(value);
  return (value < 0 ? '-' : '') + clock(Math.floor(digits / 10_000), Math.floor(digits / 100) % 100, digits % 100);
}

/** YEAR: 0 is the year 0, others count from 1900. */
export function readYear(buffer: Buffer, offset: number): number {
  const year = buffer[offset]!;
  return year === 0 ? 0 : 1900 + year;
}

/** A DATETIME, TIMESTAMP or DATE inside JSON, 8 bytes least first: as DATETIME2 without its first bit, and 24 bits of microseconds. */
export function readPackedDatetime(buffer: Buffer, offset: number, dateOnly: boolean): string {
  const packed = buffer.readBigInt64LE(offset);
  const whole = Number((packed < 0n ? -packed : packed) >> 24n);
  const micros = Number((packed < 0n ? -packed : packed) & 0xffffffn);
  const dayPart = Math.floor(whole / 2 ** 17);
  const timePart = whole % 2 ** 17;
  const yearMonth = dayPart >> 5;
  const text = date(Math.floor(yearMonth / 13), yearMonth % 13, dayPart & 31);
  if (dateOnly) return text;
  return `${text} ${clock(timePart >> 12, (timePart >> 6) & 63, timePart & 63)}${fraction(micros, 6)}`;
}

/** A TIME inside JSON, 8 bytes least first, signed: hour 10 bits · minute 6 · second 6 · microseconds 24. */
export function readPackedTime(buffer: Buffer, offset: number): string {
  const packed = buffer.readBigInt64LE(offset);
  const size = packed < 0n ? -packed : packed;
  const whole = Number(size >> 24n);
  const text = clock((whole >> 12) & 1023, (whole >> 6) & 63, whole & 63) + fraction(Number(size & 0xffffffn), 6);
  return packed < 0n ? `-${text}` : text;
}
