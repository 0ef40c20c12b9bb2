import { WIRE_TYPE } from '@tapline/binlog';
import type { Column } from '@tapline/schema';
import { semantic } from '../avro-schema.ts';
import type { ByteSink } from '../byte-sink.ts';
import { packedOfDays } from '../calendar.ts';
import type { ColumnCodec, TextWriter } from '../codec.ts';
import { fractionMicros, readBigEndian, readFraction, readLittleEndian } from './digits.ts';

const MAX_BYTES = 30;
const ZERO = Buffer.from('0000-00-00T00:00:00Z');
const DAY_SECONDS = 86_400;
const DATE_BYTES = 12;

/**
 * TIMESTAMP → io.debezium.time.ZonedTimestamp, UTC, with as many fraction digits as the column has: `2026-11-20T12:00:00.5Z`. The zero timestamp (stored
 * as second 0, which no real value uses) is `0000-00-00T00:00:00Z`.
 *
 * SELECT gives UNIX_TIMESTAMP(column), which is what is stored, whatever the session's time zone is: in a zone with summer time
 * the plain column says the same text for two different moments once a year.
 */
export function timestampCodec(column: Column, wireType?: number): ColumnCodec {
  const fsp = column.fsp ?? 0;
  const date = new DateText(fsp);
  const fromText: TextWriter = (bytes, sink) => {
    let seconds = 0;
    let at = 0;
    for (; at < bytes.length && bytes[at] !== 0x2e; at++) seconds = seconds * 10 + (bytes[at] as number) - 48;
    putTimestamp(sink, date, seconds, fractionMicros(bytes, at + 1), fsp);
  };
  return {
    schema: semantic('string', 'io.debezium.time.ZonedTimestamp'),
    fromWire:
      wireType === WIRE_TYPE.TIMESTAMP
        ? (buffer, offset, _length, sink) => putTimestamp(sink, date, readLittleEndian(buffer, offset, 4), 0, 0)
        : (buffer, offset, _length, sink) =>
            putTimestamp(sink, date, readBigEndian(buffer, offset, 4), readFraction(buffer, offset + 4, fsp), fsp),
    fromText,
    select: (name) => `UNIX_TIMESTAMP(${name})`,
  };
}

/** The date in front of a timestamp, `2026-11-20T` behind the string's length: rows come in the order of time, so it is mostly that of the row before. */
class DateText {
  readonly bytes: Uint8Array = new Uint8Array(DATE_BYTES);
  #day = -1;

  constructor(fsp: number) {
    this.bytes[0] = (fsp === 0 ? 20 : 21 + fsp) << 1;
  }

  set day(day: number) {
    if (day === this.#day) return;
    this.#day = day;
    const packed = packedOfDays(day);
    const year = packed >> 9;
    const { bytes } = this;
    putTwo(bytes, 1, Math.floor(year / 100), 0);
    putTwo(bytes, 3, year % 100, 0x2d);
    putTwo(bytes, 6, (packed >> 5) & 15, 0x2d);
    putTwo(bytes, 9, packed & 31, 0x54);
  }
}

function putTimestamp(sink: ByteSink, date: DateText, seconds: number, micros: number, fsp: number): void {
  sink.ensure(MAX_BYTES);
  const out = sink.buffer;
  let position = sink.position;
  if (seconds === 0 && micros === 0) {
    out[position++] = ZERO.length << 1;
    ZERO.copy(out, position);
    sink.position = position + ZERO.length;
    return;
  }
  date.day = Math.floor(seconds / DAY_SECONDS);
  for (let i = 0; i < DATE_BYTES; i++) out[position++] = date.bytes[i] as number;
  const second = seconds % DAY_SECONDS;
  position = putTwo(out, position, Math.floor(second / 3600), 0x3a);
  position = putTwo(out, position, Math.floor(second / 60) % 60, 0x3a);
  position = putTwo(out, position, second % 60, fsp === 0 ? 0x5a : 0x2e);
  if (fsp > 0) {
    let rest = micros;
    let unit = 100_000;
    for (let i = 0; i < fsp; i++) {
      const digit = Math.floor(rest / unit);
      out[position++] = 48 + digit;
      rest -= digit * unit;
      unit /= 10;
    }
    out[position++] = 0x5a;
  }
  sink.position = position;
}

/** Two digits and, unless 0, the sign behind them. */
function putTwo(out: Uint8Array, position: number, number: number, then: number): number {
  const tens = Math.floor(number / 10);
  out[position] = 48 + tens;
  out[position + 1] = 48 + number - tens * 10;
  if (then === 0) return position + 2;
  out[position + 2] = then;
  return position + 3;
}
