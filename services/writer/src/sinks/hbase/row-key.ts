import { hash } from 'node:crypto';
import { TaplineError } from '@tapline/kernel';
import type { Change, Value } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { textOf } from '../../naming/values.ts';
import { integerOf, misfit } from './values.ts';

const PATH = 'sink.rowKey';
const PLACEHOLDER = /\$\{([^}]*)\}/g;

/** A row key made ready: gives the bytes for a change. */
export type RowKey = (change: Change) => Buffer;

/** Bytes, each a character of its code: they are put together faster so than as buffers. */
type Bytes = string;
type Part = (change: Change) => Bytes;
type Form = (value: NonNullable<Value>, column: string) => Bytes;

/** @throws TaplineError CONFIG_INVALID */
export function compileRowKey(text: string): RowKey {
  const plain = plainTemplate(text);
  if (plain !== undefined) return (change) => Buffer.from(plain(change));
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index > at) parts.push(constant(text.slice(at, match.index)));
    parts.push(partOf(match[1] ?? ''));
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push(constant(text.slice(at)));
  return (change) => {
    let bytes = '';
    for (const part of parts) bytes += part(change);
    return Buffer.from(bytes, 'latin1');
  };
}

/** Whether a row is one key, as all of the key's columns are in the row key. */
export function holdsWholeKey(text: string): (change: Change) => boolean {
  const subjects = [...text.matchAll(PLACEHOLDER)].map((match) => match[1]?.split(':')[0] ?? '');
  if (subjects.includes('key')) return () => true;
  const columns = new Set(subjects.flatMap((subject) => /^key\.(.+)$/s.exec(subject)?.[1] ?? []));
  return ({ key }) => key !== null && Object.keys(key).every((column) => columns.has(column));
}

const whole = compileTemplate('${key}', { path: PATH, row: false, nullText: '' });

/** The template, when all of it is text. */
function plainTemplate(text: string): Template | undefined {
  for (const match of text.matchAll(PLACEHOLDER)) if (match[1]?.includes(':')) return undefined;
  return compileTemplate(text, { path: PATH, row: false, nullText: '' });
}

function constant(text: string): Part {
  const bytes = encoded(text);
  return () => bytes;
}

function partOf(name: string): Part {
  const [subject = '', ...forms] = name.split(':');
  if (subject === 'salt' || subject === 'hash') return spreadPart(subject, forms);
  if (forms.length === 0) {
    const template = compileTemplate(`\${${subject}}`, { path: PATH, row: false, nullText: '' });
    return (change) => encoded(template(change));
  }
  const column = /^key\.(.+)$/s.exec(subject)?.[1];
  if (column === undefined && subject !== 'key')
    throw invalid(`\${${name}} is not known: forms belong to \${key} and \${key.COLUMN}`);
  const form = compileForms(forms);
  return (change) => {
    const value = column === undefined ? whole(change) : keyValue(change, column);
    return form(value, column ?? 'key');
  };
}

function keyValue(change: Change, column: string): NonNullable<Value> {
  const value = change.key?.[column];
  if (value !== undefined && value !== null) return value;
  throw new TaplineError('SINK_KEY', {
    message: `${PATH} uses \${key.${column}}, but a record of topic ${change.topic} has no such key column, or NULL in it.`,
    place: { topic: change.topic, path: PATH },
  });
}

/** `salt:16`: one of 16 prefixes of equal width; `hash:4`: hexadecimal digits of the MD5 of the whole key. */
function spreadPart(subject: 'salt' | 'hash', forms: readonly string[]): Part {
  const count = Number(/^\d{1,5}$/.exec(forms.join(':'))?.[0]);
  if (subject === 'hash') {
    if (!(count >= 1 && count <= 32)) throw invalid('${hash:DIGITS} needs 1 to 32 digits');
    return (change) => hash('md5', whole(change)).slice(0, count);
  }
  if (!(count >= 2 && count <= 65_536)) throw invalid('${salt:COUNT} needs a count of 2 to 65536');
  return (change) => saltText(Number.parseInt(hash('md5', whole(change)).slice(0, 8), 16) % count, count);
}

function saltText(salt: number, count: number): string {
  return salt.toString(16).padStart((count - 1).toString(16).length, '0');
}

const WIDTHS: Readonly<Record<string, number>> = { '8': 1, '16': 2, '32': 4, '64': 8 };

/** A form, and what `desc` and `reverse` behind it make of it. */
function compileForms(names: readonly string[]): Form {
  const [first = '', ...turns] = names;
  let form = first === 'reverse' ? reversedText : formOf(first);
  for (const turn of turns) {
    const inner = form;
    if (turn === 'desc' && isBinary(first))
      form = (value, column) => turned(inner(value, column), (bytes) => bytes.map((byte) => byte ^ 255));
    else if (turn === 'reverse') form = (value, column) => turned(inner(value, column), (bytes) => bytes.toReversed());
    else throw invalid(`:${turn} is not known behind :${first}`);
  }
  return form;
}

function isBinary(form: string): boolean {
  return /^(u?int|decimal|text)/.test(form);
}

function formOf(name: string): Form {
  const integers = /^(u?)int(8|16|32|64)$/.exec(name);
  if (integers !== null) return fixedInteger(WIDTHS[integers[2] ?? ''] as number, integers[1] === 'u');
  const decimal = /^decimal\((\d{1,2}),(\d{1,2})\)$/.exec(name);
  if (decimal !== null) return fixedDecimal(Number(decimal[1]), Number(decimal[2]));
  const digits = /^pad(\d{1,2})$/.exec(name);
  if (digits !== null) return paddedDigits(Number(digits[1]));
  const text = /^text(\d{1,4})$/.exec(name);
  if (text !== null) return fixedText(Number(text[1]));
  throw invalid(
    `the form :${name} is not known; there are int8 to int64, uint8 to uint64, decimal(P,S), padN, textN, reverse and desc`,
  );
}

/** Big endian. Of a signed one the sign bit is turned round, so that negative numbers come first. */
function fixedInteger(width: number, unsigned: boolean): Form {
  const most = 2 ** (8 * width);
  return (value, column) => {
    if (typeof value === 'number' && width <= 4 && Number.isInteger(value)) {
      const shifted = unsigned ? value : value + most / 2;
      if (shifted >= 0 && shifted < most) return bigEndian(shifted, width);
    }
    const number = integerOf(value);
    if (number === undefined) throw misfit(column, value, 'is no integer, and its form in the row key is one');
    return fixed(number, { width, unsigned, column, value });
  };
}

interface Fixed {
  readonly width: number;
  readonly unsigned: boolean;
  readonly column: string;
  readonly value: NonNullable<Value>;
}

/** Of up to 32 bits. */
function bigEndian(number: number, width: number): Bytes {
  let bytes = '';
  for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes += String.fromCharCode((number >>> shift) & 255);
  return bytes;
}

function fixed(number: bigint, { width, unsigned, column, value }: Fixed): Bytes {
  const bits = BigInt(8 * width);
  const shifted = unsigned ? number : number + (1n << (bits - 1n));
  if (shifted < 0n || shifted >> bits !== 0n) throw misfit(column, value, `does not fit ${width} bytes of the row key`);
  return Buffer.from(shifted.toString(16).padStart(2 * width, '0'), 'hex').toString('latin1');
}

/** The number times 10^scale, as a signed integer of as many bytes as the precision needs. */
function fixedDecimal(precision: number, scale: number): Form {
  if (precision < 1 || precision > 65 || scale > precision)
    throw invalid('decimal(P,S) needs P of 1 to 65 and S of at most P');
  const width = Math.ceil(((10n ** BigInt(precision)).toString(2).length + 1) / 8);
  return (value, column) => {
    const [, sign = '', before = '', after = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(textOf(value)) ?? [];
    if (before === '' || after.length > scale)
      throw misfit(column, value, `is no decimal of ${scale} digits behind the point`);
    const number = BigInt(`${before}${after.padEnd(scale, '0')}`);
    return fixed(sign === '' ? number : -number, { width, unsigned: false, column, value });
  };
}

function paddedDigits(width: number): Form {
  return (value, column) => {
    const number = integerOf(value);
    if (number === undefined || number < 0n || number.toString().length > width)
      throw misfit(column, value, `is no integer of at most ${width} digits`);
    return number.toString().padStart(width, '0');
  };
}

function fixedText(width: number): Form {
  return (value, column) => {
    const bytes = value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : encoded(textOf(value));
    if (bytes.length > width) throw misfit(column, value, `is longer than ${width} bytes of the row key`);
    return bytes.padEnd(width, '\0');
  };
}

function reversedText(value: NonNullable<Value>): Bytes {
  return encoded(Array.from(textOf(value)).toReversed().join(''));
}

/** Text as UTF-8. */
function encoded(text: string): Bytes {
  return /^[\x20-\x7e]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}

function turned(bytes: Bytes, turn: (bytes: Uint8Array) => Uint8Array): Bytes {
  return Buffer.from(turn(Buffer.from(bytes, 'latin1'))).toString('latin1');
}

/**
 * Where a table of `regions` regions is split so that each gets an equal part: by the salt or hash that the row key begins with.
 *
 * @throws TaplineError CONFIG_INVALID when it begins with nothing that is spread evenly.
 */
export function evenSplits(rowKey: string, regions: number): readonly Buffer[] {
  if (regions === 1) return [];
  const start = /^\$\{([^}]*)\}/.exec(rowKey)?.[1] ?? '';
  const salt = /^salt:(\d+)$/.exec(start)?.[1];
  const digits = /^hash:(\d+)$/.exec(start)?.[1];
  if (salt !== undefined && regions <= Number(salt))
    return between(regions, BigInt(salt), (at) => Buffer.from(saltText(Number(at), Number(salt))));
  if (digits !== undefined && regions <= 16 ** Number(digits))
    return between(regions, 16n ** BigInt(digits), (at) => Buffer.from(at.toString(16).padStart(Number(digits), '0')));
  throw new TaplineError('CONFIG_INVALID', {
    message: `sink.regions: ${regions} regions need a row key that begins with \${salt:COUNT} or \${hash:DIGITS} of at least so many; or give sink.splitKeys.`,
    place: { path: 'sink.regions' },
  });
}

function between(regions: number, range: bigint, keyAt: (at: bigint) => Buffer): Buffer[] {
  return Array.from({ length: regions - 1 }, (_, index) => keyAt((range * BigInt(index + 1)) / BigInt(regions)));
}

function invalid(problem: string): TaplineError {
  return new TaplineError('CONFIG_INVALID', { message: `${PATH}: ${problem}.`, place: { path: PATH } });
}
