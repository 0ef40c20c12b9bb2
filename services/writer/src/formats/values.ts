import type { Value } from '@tapline/sink';
import { Fraction, isObject, jsonText, unreadable } from './json.ts';

/** One column's value from JSON. NULL is null whatever the type. */
export type ReadColumn = (json: unknown) => Value;

/** How a producer writes what JSON has no form for. */
export interface Encoding {
  /** `latin1`: one character a byte, as Canal writes binary columns; `base64`: as Maxwell does. */
  readonly bytes: 'latin1' | 'base64';
  /** What a TIMESTAMP's text, which has no zone, was written in: `+08:00`. */
  readonly zone: string;
}

/** Without a type: text, booleans and integers as they are, fractions as doubles, objects as JSON text, lists of texts (a SET) joined by commas. */
export const untyped: ReadColumn = (json) => {
  if (json === null || json === undefined) return null;
  if (typeof json === 'string' || typeof json === 'boolean' || typeof json === 'number' || typeof json === 'bigint')
    return json;
  if (json instanceof Fraction) return Number(json.text);
  if (Array.isArray(json) && json.every((item) => typeof item === 'string')) return json.join(',');
  return jsonText(json);
};

/** Reads a column of a MySQL type, such as `decimal(10,2)` or `INTEGER unsigned`, into the form that ChangeReader gives it. */
export function typed(mysqlType: string, encoding: Encoding): ReadColumn {
  const type = mysqlType.trim().toLowerCase();
  const word = /^[a-z]+/.exec(type)?.[0] ?? '';
  const read = KINDS[word]?.(type, encoding) ?? untyped;
  return (json) => (json === null || json === undefined ? null : read(json));
}

type Kind = (type: string, encoding: Encoding) => ReadColumn;

const integer: Kind = (type) => (json) => {
  const text = digits(json, type);
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw misfit(json, type);
};

const big: Kind = (type) => (json) => {
  const text = digits(json, type);
  if (/^[+-]?\d+$/.test(text)) return BigInt(text);
  throw misfit(json, type);
};

const float: Kind = (type) => (json) => {
  const text = digits(json, type);
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (!Number.isNaN(number)) return number;
  throw misfit(json, type);
};

/** All decimals that the type has. */
const decimal: Kind = (type) => {
  const scale = Number(/\(\s*\d+\s*,\s*(\d+)\s*\)/.exec(type)?.[1] ?? -1);
  return (json) => {
    const text = digits(json, type);
    const [, sign, whole, fraction = ''] = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
    if (whole === undefined) throw misfit(json, type);
    const all = scale < 0 ? fraction : fraction.padEnd(scale, '0');
    return `${sign === '-' ? '-' : ''}${whole}${all === '' ? '' : `.${all}`}`;
  };
};

const text: Kind = () => (json) => (typeof json === 'string' ? json : untyped(json));

/** `2026-02-28 23:59:59.123` → `2026-02-28T23:59:59.123` */
const datetime: Kind = (type) => (json) => {
  if (typeof json === 'string') return fractionOf(json.replace(' ', 'T'), type);
  throw misfit(json, type);
};

const timestamp: Kind = (type, { zone }) => {
  const shift = offsetMinutes(zone);
  return (json) => {
    if (typeof json !== 'string') throw misfit(json, type);
    if (/Z$|[+-]\d\d:\d\d$/.test(json)) return json;
    const local = fractionOf(json.replace(' ', 'T'), type);
    return `${shift === 0 || local.startsWith('0000-00-00') ? local : shifted(local, shift)}Z`;
  };
};

const time: Kind = (type) => (json) => (typeof json === 'string' ? fractionOf(json, type) : raise(json, type));

const bytes: Kind =
  (type, { bytes: form }) =>
  (json) =>
    typeof json === 'string' ? Buffer.from(json, form) : raise(json, type);

const bit: Kind = (type, encoding) => {
  const isFlag = /^bit(\s*\(\s*1\s*\))?\s*$/.test(type);
  const read = big(type, encoding);
  return (json) => {
    const value = typeof json === 'boolean' ? BigInt(json) : read(json);
    return isFlag ? value !== 0n : value;
  };
};

/** Canal writes an ENUM as the number of its member, from 1, and a SET as the bits of its members. */
const enumeration: Kind = (type) => {
  const members = membersOf(type);
  return (json) =>
    isNumber(json) ? (members[Number(json) - 1] ?? (Number(json) === 0 ? '' : untyped(json))) : untyped(json);
};

const set: Kind = (type) => {
  const members = membersOf(type);
  return (json) => {
    if (!isNumber(json) || members.length === 0) return untyped(json);
    const bits = BigInt(json as string | number | bigint);
    return members.filter((_, index) => (bits >> BigInt(index)) & 1n).join(',');
  };
};

const json: Kind = () => (value) => (typeof value === 'string' ? value : jsonText(value));

const KINDS: Readonly<Record<string, Kind>> = {
  tinyint: integer,
  smallint: integer,
  mediumint: integer,
  int: integer,
  integer,
  year: integer,
  bigint: big,
  float,
  double: float,
  real: float,
  decimal,
  numeric: decimal,
  date: text,
  datetime,
  timestamp,
  time,
  bit,
  enum: enumeration,
  set,
  json,
  binary: bytes,
  varbinary: bytes,
  tinyblob: bytes,
  blob: bytes,
  mediumblob: bytes,
  longblob: bytes,
  geometry: bytes,
  point: bytes,
  char: text,
  varchar: text,
  tinytext: text,
  text,
  mediumtext: text,
  longtext: text,
};

function digits(json: unknown, type: string): string {
  if (json instanceof Fraction) return json.text;
  if (typeof json === 'string' || typeof json === 'number' || typeof json === 'bigint') return String(json);
  if (typeof json === 'boolean') return json ? '1' : '0';
  throw misfit(json, type);
}

function isNumber(json: unknown): boolean {
  return typeof json === 'number' || typeof json === 'bigint' || (typeof json === 'string' && /^\d+$/.test(json));
}

/** `enum('a','it''s')` → a, it's */
function membersOf(type: string): string[] {
  return [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, member = '']) => member.replaceAll("''", "'"));
}

/** As many digits of a second's fraction as the type has. */
function fractionOf(given: string, type: string): string {
  const fsp = Number(/\((\d)\)/.exec(type)?.[1] ?? 0);
  const [whole = '', fraction = ''] = given.split('.');
  return fsp === 0 ? whole : `${whole}.${fraction.padEnd(fsp, '0').slice(0, fsp)}`;
}

function offsetMinutes(zone: string): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0));
}

/** `2026-03-01T07:59:59.123` minus minutes. */
function shifted(local: string, minutes: number): string {
  const [whole = '', fraction] = local.split('.');
  const ms = Date.parse(`${whole}Z`);
  if (Number.isNaN(ms)) throw unreadable(`A TIMESTAMP cannot be read: it has ${local.length} characters.`);
  const utc = new Date(ms - minutes * 60_000).toISOString().slice(0, 19);
  return fraction === undefined ? utc : `${utc}.${fraction}`;
}

function raise(value: unknown, type: string): never {
  throw misfit(value, type);
}

/** Values may be personal: only their kind is named. */
function misfit(value: unknown, type: string): Error {
  const kind = isObject(value) ? 'an object' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  return unreadable(`The value of a column of type ${type} is ${kind} of another form.`);
}
