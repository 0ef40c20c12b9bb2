import type { RowImage, WireColumn } from '../types.ts';
import { readDecimal } from '../values/decimal.ts';
import { jsonText } from '../values/json-text.ts';
import { readBit, readEnum, readSet } from '../values/scalars.ts';
import {
  readDate,
  readDatetime,
  readDatetime2,
  readTime,
  readTime2,
  readTimestamp,
  readTimestamp2,
  readYear,
} from '../values/temporal.ts';
import { WIRE_TYPE } from '../wire-types.ts';

/** The expression whose text a SELECT gives must equal `valueText` of the same value. */
export function selectExpression(column: WireColumn, name: string): string {
  switch (column.type) {
    case WIRE_TYPE.FLOAT:
    case WIRE_TYPE.DOUBLE:
      return `CAST(${name} AS DOUBLE)`;
    case WIRE_TYPE.BIT:
    case WIRE_TYPE.ENUM:
    case WIRE_TYPE.SET:
      return `CAST(${name} AS UNSIGNED)`;
    case WIRE_TYPE.JSON:
      return name;
    case WIRE_TYPE.GEOMETRY:
    case WIRE_TYPE.VECTOR:
      return `HEX(${name})`;
    default:
      return isText(column) || column.charsetId !== undefined ? `HEX(${name})` : name;
  }
}

const TEXT_TYPES: ReadonlySet<number> = new Set([
  WIRE_TYPE.STRING,
  WIRE_TYPE.VARCHAR,
  WIRE_TYPE.VAR_STRING,
  WIRE_TYPE.BLOB,
  WIRE_TYPE.BLOB_COMPRESSED,
  WIRE_TYPE.VARCHAR_COMPRESSED,
]);
const isText = ({ type }: WireColumn): boolean => TEXT_TYPES.has(type);

const BINARY = 63;

/** The sign of zero counts too. */
const floatText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

/** The value as text: null for NULL, undefined where the image does not have the column. Strings and binaries as hex of their own bytes. */
export function valueText(column: WireColumn, image: RowImage, index: number): string | null | undefined {
  const state = image.states[index];
  if (state !== 0) return state === 1 ? null : undefined;
  const at = image.offsets[index]!;
  const length = image.lengths[index]!;
  const { buffer } = image;
  if (isText(column) || column.type === WIRE_TYPE.GEOMETRY || column.type === WIRE_TYPE.VECTOR) {
    const hex = buffer.toString('hex', at, at + length).toUpperCase();
    // BINARY(n) loses its zeros at the end on the wire.
    return column.type === WIRE_TYPE.STRING && column.charsetId === BINARY ? hex.padEnd(column.meta * 2, '0') : hex;
  }
  const integer = (bytes: number): string =>
    String(column.unsigned === true ? buffer.readUIntLE(at, bytes) : buffer.readIntLE(at, bytes));
  switch (column.type) {
    case WIRE_TYPE.TINY:
    case WIRE_TYPE.SHORT:
    case WIRE_TYPE.INT24:
    case WIRE_TYPE.LONG:
      return integer(length);
    case WIRE_TYPE.LONGLONG:
      return String(column.unsigned === true ? buffer.readBigUInt64LE(at) : buffer.readBigInt64LE(at));
    case WIRE_TYPE.FLOAT:
      return floatText(buffer.readFloatLE(at));
    case WIRE_TYPE.DOUBLE:
      return floatText(buffer.readDoubleLE(at));
    case WIRE_TYPE.NEWDECIMAL:
      return readDecimal(buffer, at, column.meta >> 8, column.meta & 0xff);
    case WIRE_TYPE.YEAR:
      return String(readYear(buffer, at)).padStart(4, '0');
    case WIRE_TYPE.DATE:
      return readDate(buffer, at);
    case WIRE_TYPE.TIME:
      return readTime(buffer, at);
    case WIRE_TYPE.TIME2:
      return readTime2(buffer, at, column.meta);
    case WIRE_TYPE.DATETIME:
      return readDatetime(buffer, at);
    case WIRE_TYPE.DATETIME2:
      return readDatetime2(buffer, at, column.meta);
    case WIRE_TYPE.TIMESTAMP:
      return readTimestamp(buffer, at);
    case WIRE_TYPE.TIMESTAMP2:
      return readTimestamp2(buffer, at, column.meta);
    case WIRE_TYPE.BIT:
      return String(readBit(buffer, at, length));
    case WIRE_TYPE.ENUM:
      return String(readEnum(buffer, at, length));
    case WIRE_TYPE.SET:
      return String(readSet(buffer, at, length));
    case WIRE_TYPE.JSON:
      return jsonText(buffer, at, length);
    default:
      throw new Error(`no text for wire type ${column.type}`);
  }
}
