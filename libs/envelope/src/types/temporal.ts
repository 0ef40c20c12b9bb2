import { WIRE_TYPE } from '@tapline/binlog';
import type { Column } from '@tapline/schema';
import { semantic } from '../avro-schema.ts';
import { LONG_BYTES, putInt, putLong, putSafeLong } from '../avro-write.ts';
import type { ByteSink } from '../byte-sink.ts';
import { dateDays, datetimeMs } from '../calendar.ts';
import { badValue, type ColumnCodec, plainColumn, type TextWriter, type WireWriter } from '../codec.ts';
import { digits2, digits4, fractionMicros, readBigEndian, readFraction, readLittleEndian } from './digits.ts';

/*
 * Wire formats: sql-common/my_time.cc (my_datetime_packed_from_binary and its kin). Since MySQL 5.6.4 big endian with the fraction in (fsp + 1) / 2 bytes
 * behind; columns made before keep the old decimal formats until they are rebuilt.
 */

/** DATE, 3 bytes little endian: year << 9 | month << 5 | day. */
export function dateCodec(): ColumnCodec {
  return {
    schema: semantic('int', 'io.debezium.time.Date'),
    fromWire(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      const packed = readLittleEndian(buffer, offset, 3);
      putInt(sink, dateDays(packed >> 9, (packed >> 5) & 15, packed & 31));
    },
    fromText(bytes, sink) {
      if (bytes.length !== 10) throw badValue(`'${bytes.toString('latin1', 0, 40)}' is not a date`);
      sink.ensure(LONG_BYTES);
      putInt(sink, dateDays(digits4(bytes, 0), digits2(bytes, 5), digits2(bytes, 8)));
    },
    select: plainColumn,
  };
}

/** DATETIME(0..3) → milliseconds, DATETIME(4..6) → microseconds since the epoch, read as if it were UTC. */
export function datetimeCodec(column: Column, wireType?: number): ColumnCodec {
  const fsp = column.fsp ?? 0;
  const micro = fsp > 3;
  const put = micro ? putMicroDatetime : putMilliDatetime;
  return {
    schema: semantic('long', micro ? 'io.debezium.time.MicroTimestamp' : 'io.debezium.time.Timestamp'),
    fromWire: wireType === WIRE_TYPE.DATETIME ? oldDatetimeFromWire(put) : datetimeFromWire(fsp, put),
    fromText: datetimeFromText(put),
    select: plainColumn,
  };
}

/** `dayMs`: what datetimeMs gives for the day's midnight. */
type PutDatetime = (sink: ByteSink, dayMs: number, second: number, micros: number) => void;

const putMilliDatetime: PutDatetime = (sink, dayMs, second, micros) => {
  sink.ensure(LONG_BYTES);
  putSafeLong(sink, dayMs + second * 1000 + Math.floor(micros / 1000));
};

/** Microseconds pass 2^53 in 2255: the product of milliseconds and 1000 is made in two halves. */
const putMicroDatetime: PutDatetime = (sink, dayMs, second, micros) => {
  sink.ensure(LONG_BYTES);
  const ms = dayMs + second * 1000;
  const high = Math.floor(ms / 0x1_0000_0000);
  const low = (ms - high * 0x1_0000_0000) * 1000 + micros;
  putLong(sink, high * 1000 + Math.floor(low / 0x1_0000_0000), low);
};

/**
 * 40 bits big endian, offset 2^39: sign 1, year × 13 + month 17, day 5, hour 5, minute 6, second 6; then the fraction. The calendar is asked once a
 * day: rows come in the order of time, so a column's date is mostly that of the row before.
 */
function datetimeFromWire(fsp: number, put: PutDatetime): WireWriter {
  let seenDay = -1;
  let dayMs = 0;
  return (buffer, offset, _length, sink) => {
    const third = buffer[offset + 2] as number;
    const day = (((buffer[offset] as number) & 0x7f) << 15) | ((buffer[offset + 1] as number) << 7) | (third >> 1);
    const clock = ((third & 1) << 16) | ((buffer[offset + 3] as number) << 8) | (buffer[offset + 4] as number);
    if (day !== seenDay) {
      seenDay = day;
      const yearMonth = day >> 5;
      dayMs = datetimeMs(Math.floor(yearMonth / 13), yearMonth % 13, day & 31, 0);
    }
    const second = (clock >> 12) * 3600 + ((clock >> 6) & 63) * 60 + (clock & 63);
    put(sink, dayMs, second, readFraction(buffer, offset + 5, fsp));
  };
}

/** Before 5.6.4: 8 bytes little endian, the decimal number yyyymmddhhmmss. */
function oldDatetimeFromWire(put: PutDatetime): WireWriter {
  return (buffer, offset, _length, sink) => {
    const number = readLittleEndian(buffer, offset, 4) + readLittleEndian(buffer, offset + 4, 4) * 0x1_0000_0000;
    const date = Math.floor(number / 1e6);
    const time = number - date * 1e6;
    const dayMs = datetimeMs(Math.floor(date / 1e4), Math.floor(date / 100) % 100, date % 100, 0);
    put(sink, dayMs, clockSeconds(time), 0);
  };
}

function datetimeFromText(put: PutDatetime): TextWriter {
  return (bytes, sink) => {
    if (bytes.length < 19) throw badValue(`'${bytes.toString('latin1', 0, 40)}' is not a datetime`);
    const second = digits2(bytes, 11) * 3600 + digits2(bytes, 14) * 60 + digits2(bytes, 17);
    const dayMs = datetimeMs(digits4(bytes, 0), digits2(bytes, 5), digits2(bytes, 8), 0);
    put(sink, dayMs, second, fractionMicros(bytes, 20));
  };
}

/** TIME → microseconds, −838:59:59 to 838:59:59. */
export function timeCodec(column: Column, wireType?: number): ColumnCodec {
  return {
    schema: semantic('long', 'io.debezium.time.MicroTime'),
    fromWire: wireType === WIRE_TYPE.TIME ? oldTimeFromWire : timeFromWire(column.fsp ?? 0),
    fromText: timeFromText,
    select: plainColumn,
  };
}

/**
 * 24 bits big endian, offset 2^23: sign 1, unused 1, hour 10, minute 6, second 6; then the fraction. Whole and fraction are one number: a
 * negative time is its two's complement over all bytes.
 */
function timeFromWire(fsp: number): WireWriter {
  const fractionBytes = (fsp + 1) >> 1;
  const fractionRange = 256 ** fractionBytes;
  const microsPerUnit = [1e6, 10_000, 100, 1][fractionBytes] as number;
  return (buffer, offset, _length, sink) => {
    sink.ensure(LONG_BYTES);
    const number = readBigEndian(buffer, offset, 3 + fractionBytes) - 0x80_0000 * fractionRange;
    const magnitude = Math.abs(number);
    const whole = Math.floor(magnitude / fractionRange);
    const micros = fractionBytes === 0 ? 0 : (magnitude - whole * fractionRange) * microsPerUnit;
    const seconds = ((whole >> 12) & 1023) * 3600 + ((whole >> 6) & 63) * 60 + (whole & 63);
    const total = seconds * 1e6 + micros;
    putSafeLong(sink, number < 0 ? -total : total);
  };
}

/** Before 5.6.4: 3 bytes little endian, signed, the decimal number hhhmmss. */
const oldTimeFromWire: WireWriter = (buffer, offset, _length, sink) => {
  sink.ensure(LONG_BYTES);
  const number = (readLittleEndian(buffer, offset, 3) << 8) >> 8;
  const total = clockSeconds(Math.abs(number)) * 1e6;
  putSafeLong(sink, number < 0 ? -total : total);
};

const timeFromText: TextWriter = (bytes, sink) => {
  sink.ensure(LONG_BYTES);
  const start = bytes[0] === 0x2d ? 1 : 0;
  const colon = bytes.indexOf(0x3a);
  if (colon < 0 || bytes.length < colon + 6) throw badValue(`'${bytes.toString('latin1', 0, 40)}' is not a time`);
  let hours = 0;
  for (let at = start; at < colon; at++) hours = hours * 10 + (bytes[at] as number) - 48;
  const seconds = hours * 3600 + digits2(bytes, colon + 1) * 60 + digits2(bytes, colon + 4);
  const total = seconds * 1e6 + fractionMicros(bytes, colon + 7);
  putSafeLong(sink, start === 1 ? -total : total);
};

/** Seconds of the decimal number hhmmss. */
function clockSeconds(number: number): number {
  return Math.floor(number / 10_000) * 3600 + (Math.floor(number / 100) % 100) * 60 + (number % 100);
}
