import { WIRE_TYPE } from '@tapline/binlog';
import type { Column } from '@tapline/schema';

/** Most bytes that a character takes, of the character sets where it is not one. */
const MOST_BYTES: ReadonlyMap<string, number> = new Map([
  ['big5', 2],
  ['cp932', 2],
  ['eucjpms', 3],
  ['euckr', 2],
  ['gb18030', 4],
  ['gb2312', 2],
  ['gbk', 2],
  ['sjis', 2],
  ['ucs2', 2],
  ['ujis', 3],
  ['utf16', 4],
  ['utf16le', 4],
  ['utf32', 4],
  ['utf8', 3],
  ['utf8mb3', 3],
  ['utf8mb4', 4],
]);

/** Bytes of the length in front of a value. */
const LENGTH_BYTES: ReadonlyMap<string, number> = new Map([
  ['tiny', 1],
  ['', 2],
  ['medium', 3],
  ['long', 4],
]);

/**
 * The type metadata that the binlog must have for the column, where a difference would change values, or would mean that this is another column;
 * undefined where it says nothing, or the column does not say enough.
 */
export function expectedMeta(column: Column, wireType: number): number | undefined {
  switch (wireType) {
    case WIRE_TYPE.NEWDECIMAL:
      return ((column.precision ?? 10) << 8) | (column.scale ?? 0);
    case WIRE_TYPE.TIME2:
    case WIRE_TYPE.DATETIME2:
    case WIRE_TYPE.TIMESTAMP2:
      return column.fsp ?? 0;
    case WIRE_TYPE.BIT:
      return column.length ?? 1;
    case WIRE_TYPE.ENUM:
      return column.members && (column.members.length < 256 ? 1 : 2);
    case WIRE_TYPE.SET:
      return column.members && setBytes(column.members.length);
    case WIRE_TYPE.STRING:
    case WIRE_TYPE.VARCHAR:
    case WIRE_TYPE.VAR_STRING:
      return bytesOf(column);
    case WIRE_TYPE.VARCHAR_COMPRESSED: {
      // A byte in front says how it is compressed.
      const bytes = bytesOf(column);
      return bytes === undefined ? undefined : bytes + 1;
    }
    case WIRE_TYPE.BLOB:
    case WIRE_TYPE.BLOB_COMPRESSED:
      return LENGTH_BYTES.get(column.type.replace(/(?:text|blob)$/, ''));
    default:
      return undefined;
  }
}

function setBytes(members: number): number {
  const bytes = (members + 7) >> 3;
  return bytes > 4 ? 8 : bytes;
}

function bytesOf({ length, charset }: Column): number | undefined {
  return length === undefined ? undefined : length * (MOST_BYTES.get(charset ?? '') ?? 1);
}
