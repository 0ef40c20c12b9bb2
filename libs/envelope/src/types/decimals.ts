import type { Column } from '@tapline/schema';
import { decimal } from '../avro-schema.ts';
import { badValue, type ColumnCodec, plainColumn } from '../codec.ts';
import { Unscaled } from '../unscaled.ts';

/** Bytes that 0..9 decimal digits take in MySQL's binary decimal (`dig2bytes` in strings/decimal.cc). */
const BYTES_OF_DIGITS: readonly number[] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
const MAX_BYTES = 40;
const unscaled = new Unscaled();

interface DigitGroup {
  readonly digits: number;
  readonly bytes: number;
}

/**
 * The groups of MySQL's binary decimal, big endian: the integer digits left over from whole nines, then nines of four bytes each; the fraction
 * as nines, then what is left over. The first bit is 1 for positive numbers; a negative number has every bit inverted.
 */
export function decimalGroups(precision: number, scale: number): DigitGroup[] {
  const integer = precision - scale;
  const groups = [integer % 9, ...nines(integer), ...nines(scale), scale % 9];
  return groups.filter((digits) => digits > 0).map((digits) => ({ digits, bytes: BYTES_OF_DIGITS[digits] as number }));
}

function nines(digits: number): number[] {
  return new Array<number>(Math.floor(digits / 9)).fill(9);
}

/** DECIMAL → bytes, logical type decimal(precision, scale), from the digits of the wire or of the text. */
export function decimalCodec(column: Column): ColumnCodec {
  const precision = column.precision ?? 10;
  const scale = column.scale ?? 0;
  const groups = decimalGroups(precision, scale);
  const digits = groups.map((group) => group.digits);
  const widths = groups.map((group) => group.bytes);
  const wireBytes = widths.reduce((sum, width) => sum + width, 0);
  return {
    schema: decimal(precision, scale),
    fromWire(buffer, offset, length, sink) {
      if (length !== wireBytes)
        throw badValue(`${length} bytes, but decimal(${precision},${scale}) takes ${wireBytes}`);
      sink.ensure(MAX_BYTES);
      const first = buffer[offset] as number;
      const invert = first >= 0x80 ? 0 : 0xff;
      let at = offset;
      let flip = invert ^ 0x80;
      unscaled.start();
      for (let g = 0; g < widths.length; g++) {
        let value = 0;
        const end = at + (widths[g] as number);
        for (; at < end; at++) {
          value = (value << 8) | ((buffer[at] as number) ^ flip);
          flip = invert;
        }
        unscaled.append(value >>> 0, digits[g] as number);
      }
      unscaled.put(sink, invert !== 0);
    },
    fromText(bytes, sink) {
      sink.ensure(MAX_BYTES);
      const negative = bytes[0] === 0x2d;
      unscaled.start();
      let at = unscaled.appendText(bytes, negative ? 1 : 0, bytes.length);
      if (bytes[at] === 0x2e) at = unscaled.appendText(bytes, at + 1, bytes.length);
      const fraction = bytes.lastIndexOf(0x2e);
      const seen = fraction < 0 ? 0 : bytes.length - fraction - 1;
      if (at !== bytes.length || seen !== scale) {
        throw badValue(`'${bytes.toString('latin1', 0, 80)}' is not a decimal(${precision},${scale})`);
      }
      unscaled.put(sink, negative);
    },
    select: plainColumn,
  };
}
