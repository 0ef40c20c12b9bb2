import type { Row, Value } from '@tapline/sink';

/** A row as JSON can show it: integers beyond 2^53 as text, bytes as `base64:…`. */
export function shownRow(row: Row | null): Readonly<Record<string, string | number | boolean | null>> | null {
  if (row === null) return null;
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, shownValue(value)]));
}

function shownValue(value: Value): string | number | boolean | null {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return `base64:${Buffer.from(value).toString('base64')}`;
  return value;
}
