import { DECIMAL_GROUP_BYTES } from '../wire-types.ts';

/**
 * NEWDECIMAL (decimal.cc, decimal2bin): groups of 9 digits in 4 bytes, most significant first; a first integral and a last fractional group of fewer
 * digits in DECIMAL_GROUP_BYTES bytes. The first bit is inverted, so that values sort as bytes; a negative value has all bytes inverted besides.
 *
 * Returns the text as MySQL prints it: `-0.50`, all fractional digits, no needless zeros in front. Exact: no float takes part.
 */
export function readDecimal(buffer: Buffer, offset: number, precision: number, scale: number): string {
  const negative = (buffer[offset]! & 0x80) === 0;
  const mask = negative ? 0xff : 0;
  let at = offset;
  const group = (digits: number): string => {
    const bytes = DECIMAL_GROUP_BYTES[digits]!;
    let value = 0;
    for (let i = 0; i < bytes; i++, at++) {
      const byte = (buffer[at]! ^ mask) & 0xff;
      value = value * 256 + (at === offset ? byte ^ 0x80 : byte);
    }
    return digits === 0 ? '' : String(value).padStart(digits, '0');
  };
  const integral = precision - scale;
  let text = group(integral % 9);
  for (let left = Math.floor(integral / 9); left > 0; left--) text += group(9);
  text = text.replace(/^0+/, '') || '0';
  if (scale > 0) {
    text += '.';
    for (let left = Math.floor(scale / 9); left > 0; left--) text += group(9);
    text += group(scale % 9);
  }
  return negative ? `-${text}` : text;
}
