import { type Decode, TABLE_CELLS, type Units } from './units.ts';

/*
 * GB 18030: one byte below 0x80, two bytes by a table, or four bytes: 81–fe, 30–39, 81–fe, 30–39. Codes of four bytes are numbers in
 * mixed base 126 · 10 · 126 · 10. From 90 30 81 30 on they are U+10000 and so on in order; below they are, in order, the characters of the basic plane that have no
 * code of two bytes. One pair is crossed: U+1E3F got two bytes, and its old place 81 35 f4 37 got U+E7C7.
 */
const SUPPLEMENTARY = (0x90 - 0x81) * 10 * 126 * 10;
const BASIC = 39_420;
const UNKNOWN = 0x3f;

let fourBytes: Uint16Array | undefined;

/** The basic plane's characters of four bytes, in order of their codes. */
function basicPlane(two: Uint16Array): Uint16Array {
  const taken = new Uint8Array(0x1_0000);
  for (const unit of two) taken[unit] = 1;
  taken[0x1e3f] = 0;
  taken[0xe7c7] = 1;
  const units = new Uint16Array(BASIC);
  let count = 0;
  for (let unit = 0x80; unit < 0x1_0000; unit++) {
    const surrogate = unit >= 0xd800 && unit < 0xe000;
    if (taken[unit] === 0 && !surrogate) units[count++] = unit === 0x1e3f ? 0xe7c7 : unit;
  }
  return units;
}

export function decodeGb18030(...[bytes, start, end, units, two]: [...Parameters<Decode>, Uint16Array]): void {
  fourBytes ??= basicPlane(two);
  for (let at = start; at < end; ) {
    const first = bytes[at] as number;
    const second = at + 1 < end ? (bytes[at + 1] as number) : 0;
    if (first < 0x80) {
      units.put(first);
      at++;
    } else if (second >= 0x40) {
      units.put(two[((first << 8) | second) - TABLE_CELLS] || UNKNOWN);
      at += 2;
    } else if (second >= 0x30 && at + 3 < end) {
      const third = bytes[at + 2] as number;
      const linear =
        (((first - 0x81) * 10 + second - 0x30) * 126 + third - 0x81) * 10 + (bytes[at + 3] as number) - 0x30;
      putLinear(units, linear, fourBytes);
      at += 4;
    } else {
      units.put(UNKNOWN);
      at++;
    }
  }
}

function putLinear(units: Units, linear: number, basic: Uint16Array): void {
  const offset = linear - SUPPLEMENTARY;
  if (offset < 0) units.put(basic[linear] || UNKNOWN);
  else if (offset < 0x10_0000) units.putPair(0x1_0000 + offset);
  else units.put(UNKNOWN);
}
