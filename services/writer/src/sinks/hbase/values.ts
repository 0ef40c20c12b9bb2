import { TaplineError } from '@tapline/kernel';
import type { Value } from '@tapline/sink';
import { textOf } from '../../naming/values.ts';
import type { ENCODINGS } from './config.ts';

export type Encoding = (typeof ENCODINGS)[number];

/** What a cell holds: text is encoded straight into the request. */
export type CellValue = string | Uint8Array;

export type EncodeValue = (value: NonNullable<Value>, column: string) => CellValue;

/** How a column's values become what its cells hold, by the name in `sink.encode`. Numbers are as `Bytes.toBytes` of HBase's own client writes them: big endian. */
export const ENCODE: Readonly<Record<Encoding, EncodeValue>> = {
  text: (value) => (value instanceof Uint8Array ? value : textOf(value)),
  boolean: (value, column) => Buffer.from([truthOf(value, column) ? 255 : 0]),
  short: (value, column) => integer(value, column, 2),
  int: (value, column) => integer(value, column, 4),
  long: (value, column) => integer(value, column, 8),
  float(value, column) {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatBE(numberOf(value, column));
    return bytes;
  },
  double(value, column) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(numberOf(value, column));
    return bytes;
  },
};

function truthOf(value: NonNullable<Value>, column: string): boolean {
  if (typeof value === 'boolean') return value;
  const number = numberOf(value, column);
  return number !== 0;
}

function numberOf(value: NonNullable<Value>, column: string): number {
  const number = value instanceof Uint8Array || value === '' ? Number.NaN : Number(value);
  if (Number.isNaN(number)) throw misfit(column, value, 'is no number');
  return number;
}

/** Two's complement; a value that needs an unsigned type of the same width has the bytes of that. */
function integer(value: NonNullable<Value>, column: string, width: number): Buffer {
  const number = integerOf(value);
  if (number === undefined) throw misfit(column, value, 'is no integer');
  const bits = 8 * width;
  if (BigInt.asIntN(bits, number) !== number && BigInt.asUintN(bits, number) !== number) {
    throw misfit(column, value, `does not fit ${width} bytes`);
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, number));
  return bytes.subarray(8 - width);
}

/** An integer that stands as a number or as decimal digits; undefined for anything else. */
export function integerOf(value: NonNullable<Value>): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  return typeof value === 'string' && /^-?\d{1,100}$/.test(value) ? BigInt(value) : undefined;
}

export function misfit(column: string, value: NonNullable<Value>, problem: string): TaplineError {
  const shown = value instanceof Uint8Array ? `binary of ${value.byteLength} bytes` : typeof value;
  return new TaplineError('SINK_HBASE_ROW', {
    message: `The value of column ${column} (${shown}) ${problem}.`,
  });
}
