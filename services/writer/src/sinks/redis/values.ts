import type { Row, Value } from '@tapline/sink';
import { base64, numberText } from '../../naming/values.ts';

/**
 * A row as one JSON text, the version first: the script finds it there by its place. Integers of any size are JSON numbers (JSON sets no limit; parsers
 * that read numbers as doubles need an option for those beyond 2^53), bytes are base64, NULL is null, an absent column has no member.
 */
export function jsonOf(row: Row, head: string): string {
  let text = head;
  for (const column in row) {
    const value = row[column];
    if (value === undefined) continue;
    text += `,${JSON.stringify(column)}:${jsonValue(value)}`;
  }
  return `${text}}`;
}

function jsonValue(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return numberText(value);
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return JSON.stringify(base64(value));
}

/** A version as the 16 hexadecimal digits that the script compares. */
export function versionText(version: bigint): string {
  return version.toString(16).padStart(16, '0');
}
