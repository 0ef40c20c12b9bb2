/** Decodes to UTF-16. `?` for codes without a meaning, as the server prints them. */
export type Decode = (bytes: Buffer) => string;

/** Cells of a table of two-byte codes: from 0x8000 on. */
export const TABLE_CELLS = 0x8000;

export function textOf(units: Uint16Array, count: number): string {
  return Buffer.from(units.buffer, units.byteOffset, count * 2).toString('utf16le');
}
