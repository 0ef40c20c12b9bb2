import type { Cursor } from './cursor.ts';
import type { Token } from './tokens.ts';

/**
 * The value of a DEFAULT, as far as a statement tells it without its server: a number as it is written, a text, the bytes of `x'4d'` and `b'101'` (a character
 * each), the time of the statement. `unknown`: an expression, which may be another value in each row.
 */
export type DefaultValue =
  | { readonly kind: 'number' | 'text' | 'bytes'; readonly text: string }
  | { readonly kind: 'now' }
  | { readonly kind: 'unknown' };

const UNKNOWN: DefaultValue = { kind: 'unknown' };

/** Takes what stands behind DEFAULT. Undefined: NULL. */
export function readDefault(cursor: Cursor): DefaultValue | undefined {
  const tokens = cursor.taken(() => skipValue(cursor));
  // Texts side by side are one text.
  return cursor.peek().kind === 'text' ? UNKNOWN : valueOf(tokens);
}

/** A default: a literal with its sign or introducer, a function with its arguments, or an expression in parentheses. */
export function skipValue(cursor: Cursor): void {
  cursor.takesOne('-', '+');
  // `.5`
  cursor.takes('.');
  const first = cursor.peek();
  cursor.skip();
  if (first.kind !== 'word') return;
  if (/^\d+$/.test(first.text) && cursor.takes('.')) {
    skipExponent(cursor, cursor.next().upper);
  } else if (/^\d/.test(first.text)) {
    skipExponent(cursor, first.upper);
  } else if (cursor.peek().kind === 'text') {
    cursor.next();
  } else {
    if (cursor.takes('.')) cursor.next();
    if (cursor.sees('(')) cursor.skip();
  }
}

/** `1e-5` comes as `1e`, `-`, `5`. */
function skipExponent(cursor: Cursor, digits: string): void {
  if (/^\d*E$/.test(digits) && cursor.takesOne('-', '+') !== undefined) cursor.next();
}

function valueOf(tokens: readonly Token[]): DefaultValue | undefined {
  const [first, second] = tokens;
  if (first === undefined) return UNKNOWN;
  const isBare = first.kind !== 'text' && first.kind !== 'name';
  if (isBare && first.text === '(' && tokens.at(-1)?.text === ')') return valueOf(tokens.slice(1, -1));
  if (tokens.length === 1 && first.kind === 'text') return { kind: 'text', text: first.text };
  if (tokens.length === 2 && second?.kind === 'text') return introduced(first.upper, second.text);
  if (tokens.some(({ kind }) => kind === 'text' || kind === 'name')) return UNKNOWN;
  const text = tokens.map((token) => token.text).join('');
  if (NUMBER.test(text)) return { kind: 'number', text };
  const [, hex, bits] = /^0x([0-9a-f]+)$|^0b([01]+)$/i.exec(text) ?? [];
  if (hex !== undefined || bits !== undefined) return bytesOf(hex ?? hexOfBits(bits ?? ''));
  return (
    NAMED.get(text.toUpperCase().replace(/\(\d?\)$/, '()')) ?? (text.toUpperCase() === 'NULL' ? undefined : UNKNOWN)
  );
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** `x'4d'`, `b'101'`, `N'text'`, `_utf8mb4'text'`: of a character set that is named, only what is the same in all. */
function introduced(word: string, text: string): DefaultValue {
  if (word === 'X') return bytesOf(text);
  if (word === 'B') return bytesOf(hexOfBits(text));
  const isText = word === 'N' || (word.startsWith('_') && /^[ -~]*$/.test(text));
  return isText ? { kind: 'text', text } : UNKNOWN;
}

function hexOfBits(bits: string): string {
  return bits === '' ? '' : BigInt(`0b${bits}`).toString(16);
}

function bytesOf(hex: string): DefaultValue {
  return { kind: 'bytes', text: Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('latin1') };
}

const NOW: DefaultValue = { kind: 'now' };

const NAMED: ReadonlyMap<string, DefaultValue> = new Map<string, DefaultValue>([
  ['TRUE', { kind: 'number', text: '1' }],
  ['FALSE', { kind: 'number', text: '0' }],
  ...['CURRENT_TIMESTAMP', 'NOW', 'LOCALTIME', 'LOCALTIMESTAMP'].flatMap((name): [string, DefaultValue][] => [
    [name, NOW],
    [`${name}()`, NOW],
  ]),
  ['JSON_ARRAY()', { kind: 'text', text: '[]' }],
  ['JSON_OBJECT()', { kind: 'text', text: '{}' }],
]);
