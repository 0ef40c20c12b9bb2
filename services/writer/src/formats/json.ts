import { TaplineError } from '@tapline/kernel';

/** A number with a fraction, as it is written: what its column's type makes of it, exact text or a double, is decided where that is known. */
export class Fraction {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Worth a look at every number: a fraction, an exponent, or 16 digits and more. In a string they cost time only. */
const INEXACT = /[0-9][.eE][0-9+-]|[0-9]{16}/;
const INTEGER = /^-?[0-9]+$/;

/** ECMAScript 2026 gives revivers the text of a number; the library's types do not know of it yet. */
type ParseWithSource = (text: string, reviver: typeof exactly) => unknown;

function exactly(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context.source ?? '';
  if (!INTEGER.test(source)) return new Fraction(source);
  return Number.isSafeInteger(value) ? value : BigInt(source);
}

/** A JSON object without loss: integers beyond 2^53 are bigints, fractions keep their digits. @throws TaplineError ENVELOPE_UNREADABLE. */
export function parseObject(bytes: Buffer): JsonObject {
  const text = bytes.toString();
  let json: unknown;
  try {
    json = INEXACT.test(text) ? (JSON.parse as ParseWithSource)(text, exactly) : JSON.parse(text);
  } catch (cause) {
    throw unreadable(`The record is not JSON: ${(cause as Error).message}`, cause);
  }
  if (isObject(json)) return json;
  throw unreadable('The record is not a JSON object.');
}

export function isObject(json: unknown): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof Fraction);
}

export function textOf(json: unknown): string {
  return typeof json === 'string' ? json : '';
}

/** Integers and fractions alike; 0 for anything else. */
export function numberOf(json: unknown): number {
  if (json instanceof Fraction) return Number(json.text);
  return typeof json === 'number' || typeof json === 'bigint' ? Number(json) : 0;
}

/** The JSON text of a parsed value, with the digits that it had. */
export function jsonText(json: unknown): string {
  if (json instanceof Fraction) return json.text;
  if (typeof json === 'bigint') return String(json);
  if (Array.isArray(json)) return `[${json.map(jsonText).join(',')}]`;
  if (!isObject(json)) return JSON.stringify(json);
  const members = Object.entries(json).map(([name, item]) => `${JSON.stringify(name)}:${jsonText(item)}`);
  return `{${members.join(',')}}`;
}

export function unreadable(message: string, cause?: unknown): TaplineError {
  return new TaplineError('ENVELOPE_UNREADABLE', { message, cause });
}
