import type { Row, Value } from '@tapline/sink';

/** A value as text, exact: what `hash` and keys hold. Bytes become base64 here; a hash holds them as they are. */
export function textOf(value: Exclude<Value, null>): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint') return value.toString();
  return base64(value);
}

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

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** A version as the 16 hexadecimal digits that the script compares. */
export function versionText(version: bigint): string {
  return version.toString(16).padStart(16, '0');
}
