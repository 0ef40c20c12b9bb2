import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { decodeGb18030 } from './gb18030.ts';
import { type Decode, TABLE_CELLS } from './units.ts';

/*
 * Multi-byte character sets as MySQL decodes them. Not by TextDecoder: its tables are other people's readings of the same standards (WHATWG's,
 * through ICU) and give another character for hundreds of codes, and ICU's swap some control characters in Shift JIS.
 */

/** The tables of multi-byte.br, in order. A prefix is a byte in front of the two. */
export const MULTI_BYTE: readonly { readonly charset: string; readonly prefix: '' | '8f' }[] = [
  { charset: 'big5', prefix: '' },
  { charset: 'cp932', prefix: '' },
  { charset: 'eucjpms', prefix: '' },
  { charset: 'euckr', prefix: '' },
  { charset: 'gb18030', prefix: '' },
  { charset: 'gb2312', prefix: '' },
  { charset: 'gbk', prefix: '' },
  { charset: 'sjis', prefix: '' },
  { charset: 'ujis', prefix: '' },
  { charset: 'eucjpms', prefix: '8f' },
  { charset: 'ujis', prefix: '8f' },
];

let unpacked: Buffer | undefined;

/** undefined when there is no such table. */
function tableOf(charset: string, prefix: '' | '8f'): Uint16Array | undefined {
  const index = MULTI_BYTE.findIndex((table) => table.charset === charset && table.prefix === prefix);
  if (index < 0) return undefined;
  unpacked ??= brotliDecompressSync(readFileSync(new URL('multi-byte.br', import.meta.url)));
  const table = new Uint16Array(TABLE_CELLS);
  let unit = 0;
  for (let cell = 0; cell < TABLE_CELLS; cell++) {
    unit = (unit + unpacked.readUInt16LE((index * TABLE_CELLS + cell) * 2)) & 0xffff;
    table[cell] = unit;
  }
  return table;
}

/** The decoder of a character set with two-byte codes; undefined when it is none. */
export function multiByteDecoder(charset: string): Decode | undefined {
  const two = tableOf(charset, '');
  if (two === undefined) return undefined;
  if (charset === 'gb18030') return (bytes, at, end, units) => decodeGb18030(bytes, at, end, units, two);
  const three = tableOf(charset, '8f');
  const halfWidth = charset === 'sjis' || charset === 'cp932';
  return (bytes, at, end, units) => decode({ two, three, halfWidth }, bytes, at, end, units);
}

interface Tables {
  readonly two: Uint16Array;
  readonly three: Uint16Array | undefined;
  readonly halfWidth: boolean;
}

const UNKNOWN = 0x3f;

function decode({ two, three, halfWidth }: Tables, ...[bytes, start, end, units]: Parameters<Decode>): void {
  for (let at = start; at < end; ) {
    const byte = bytes[at] as number;
    if (byte < 0x80) {
      units.put(byte);
      at++;
    } else if (halfWidth && byte >= 0xa1 && byte <= 0xdf) {
      units.put(0xff61 + byte - 0xa1);
      at++;
    } else if (three !== undefined && byte === 0x8f && at + 2 < end) {
      units.put(cell(three, bytes, at + 1));
      at += 3;
    } else if (at + 1 < end && !(three !== undefined && isSingle(byte, bytes[at + 1] as number))) {
      units.put(cell(two, bytes, at));
      at += 2;
    } else {
      units.put(UNKNOWN);
      at++;
    }
  }
}

/** In EUC-JP 0x80 … 0xa0 stand alone, without a meaning, but for 0x8e (in front of half-width katakana) and 0x8f. */
function isSingle(byte: number, next: number): boolean {
  if (byte === 0x8e) return next < 0xa1 || next > 0xdf;
  return byte <= 0xa0 && byte !== 0x8f;
}

function cell(table: Uint16Array, bytes: Buffer, at: number): number {
  return table[(((bytes[at] as number) << 8) | (bytes[at + 1] as number)) - TABLE_CELLS] || UNKNOWN;
}
