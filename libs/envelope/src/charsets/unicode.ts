import { type Decode, textOf } from './units.ts';

/** ucs2 and utf16 are big endian in MySQL. */
const decodeUtf16: Decode = (bytes) => {
  const units = new Uint16Array(bytes.length >> 1);
  for (let i = 0; i < units.length; i++) units[i] = ((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number);
  return textOf(units, units.length);
};

const decodeUtf32: Decode = (bytes) => {
  let text = '';
  for (let at = 0; at + 3 < bytes.length; at += 4) {
    const code = bytes.readUInt32BE(at);
    text += code > 0x10_ffff ? '?' : String.fromCodePoint(code);
  }
  return text;
};

export const UNICODE: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['ucs2', decodeUtf16],
  ['utf16', decodeUtf16],
  ['utf16le', (bytes) => bytes.toString('utf16le')],
  ['utf32', decodeUtf32],
]);
