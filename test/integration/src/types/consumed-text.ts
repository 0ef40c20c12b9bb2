import type { Row } from '@tapline/envelope';
import type { TypeColumn } from './column.ts';
import { float, hex } from './decoded-text.ts';

/** A value of ChangeReader's in the words of a SELECT. */
export function consumedText(row: Row | null, { name, type }: TypeColumn): string | null {
  const value = row?.[name] ?? null;
  if (value === null) return null;
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value);
    return type === 'point' ? `${bytes.readUInt32LE(0)} ${hex(bytes.subarray(4))}` : hex(bytes);
  }
  if (typeof value === 'number') return float(type === 'float' ? Math.fround(value) : value);
  const text = String(value);
  return /^(?:datetime|timestamp)/.test(type) ? text.replace('T', ' ').replace('Z', '') : text;
}
