import type { Decode } from './units.ts';

/** ucs2 and utf16 are big endian in MySQL. */
const decodeUtf16: Decode = (bytes, start, end, units) => {
  for (let at = start; at + 1 < end; at += 2) units.put(((bytes[at] as number) << 8) | (bytes[at + 1] as number));
};

const decodeUtf16Little: Decode = (bytes, start, end, units) => {
  for (let at = start; at + 1 < end; at += 2) units.put((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
};

const decodeUtf32: Decode = (bytes, start, end, units) => {
  for (let at = start; at + 3 < end; at += 4) {
    const code = bytes.readUInt32BE(at);
    if (code > 0x10_ffff) units.put(0x3f);
    else if (code > 0xffff) units.putPair(code);
    else units.put(code);
  }
};

export const UNICODE: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['ucs2', decodeUtf16],
  ['utf16', decodeUtf16],
  ['utf16le', decodeUtf16Little],
  ['utf32', decodeUtf32],
]);
