import { inflateRawSync, inflateSync } from 'node:zlib';
import { corrupt } from '../event-errors.ts';

const METHOD = { STORED: 0, ZLIB: 8 };
const RAW = 0x08;

/**
 * A value of a MariaDB column with the attribute COMPRESSED (Field_longstr::compress of field.cc): nothing for '' · else a header u8:
 *   bits 4..7 method (0 stored, 8 zlib) · bit 3 deflate without zlib's frame · bits 0..2 bytes of the length
 * then, with zlib, the uncompressed length, most significant byte first · the bytes.
 *
 * `maxBytes` is the most that the column can hold: more is never made.
 */
export function decompressColumn(value: Buffer, maxBytes: number): Buffer {
  if (value.length === 0) return value;
  const header = value[0]!;
  const method = header >> 4;
  if (method === METHOD.STORED && header === 0) return value.subarray(1);
  const lengthBytes = header & 0x07;
  if (method !== METHOD.ZLIB || lengthBytes < 1 || lengthBytes > 4 || value.length < 1 + lengthBytes) {
    throw corrupt(`a compressed column's value with header 0x${header.toString(16)}`);
  }
  const length = value.readUIntBE(1, lengthBytes);
  if (length > maxBytes) throw corrupt(`${length} uncompressed bytes in a column of ${maxBytes}`);
  const inflate = (header & RAW) === 0 ? inflateSync : inflateRawSync;
  let plain: Buffer;
  try {
    plain = inflate(value.subarray(1 + lengthBytes), { maxOutputLength: Math.max(1, length) });
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw corrupt(`a compressed column's value does not inflate (${reason})`);
  }
  if (plain.length !== length)
    throw corrupt(`${plain.length} bytes inflated from a column's value, ${length} announced`);
  return plain;
}
