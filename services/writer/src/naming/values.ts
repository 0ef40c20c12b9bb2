import type { Value } from '@tapline/sink';

/** A value as text, exact: what keys and names hold. Bytes become base64. */
export function textOf(value: Exclude<Value, null>): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'bigint') return value.toString();
  return base64(value);
}

export function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
