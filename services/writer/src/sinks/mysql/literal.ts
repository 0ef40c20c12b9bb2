import type { Column } from '@tapline/schema';
import type { Value } from '@tapline/sink';

/** A value as SQL text. The session must have NO_BACKSLASH_ESCAPES: then a quote is the only character that means something in a literal. */
export type Literal = (value: Value) => string;

/** Above this, base64 in place of hexadecimal digits: a third more than the bytes, not twice as much. */
const HEX_BYTES = 256;

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

const EXACT_NUMBERS: ReadonlySet<string> = new Set([
  'tinyint',
  'smallint',
  'mediumint',
  'int',
  'integer',
  'bigint',
  'decimal',
  'numeric',
  'year',
  'bit',
]);

/** How values of a column of the target are written, so that the server stores exactly them. */
export function literalOf(column: Column, flavor: 'mysql' | 'mariadb'): Literal {
  if (EXACT_NUMBERS.has(column.type)) return orNull(exactNumber);
  switch (column.type) {
    case 'float':
      // All digits of the 32-bit number: of the greatest one the shortest name is above it, and out of range.
      return orNull((value) => floating(typeof value === 'number' ? Math.fround(value) : value));
    case 'double':
    case 'real':
      return orNull(floating);
    case 'datetime':
    case 'timestamp':
      return orNull((value) => (typeof value === 'string' ? quoted(moment(value)) : plain(value)));
    case 'vector': {
      const of = flavor === 'mysql' ? 'STRING_TO_VECTOR' : 'VEC_FromText';
      return orNull((value) => (typeof value === 'string' ? `${of}(${quoted(value)})` : plain(value)));
    }
    case 'enum':
      return orNull(memberOf(column.members ?? []));
    case 'set':
      return orNull(membersOf(column.members ?? []));
    default:
      return orNull(plain);
  }
}

/** What a value's own text is in a literal: a text in quotes, a number as it is, or neither always. */
export type LiteralForm = 'quoted' | 'number' | 'other';

const OTHER_FORMS: ReadonlySet<string> = new Set([
  ...['float', 'double', 'real', 'datetime', 'timestamp', 'vector', 'enum', 'set'],
]);

/** How `literalOf` writes texts (`quoted`) and whole numbers (`number`). */
export function literalForm({ type }: Column): LiteralForm {
  if (EXACT_NUMBERS.has(type)) return 'number';
  return OTHER_FORMS.has(type) ? 'other' : 'quoted';
}

/** A value of a column of which nothing is known, for people. */
export function plainLiteral(value: Value): string {
  if (value === null) return 'NULL';
  return typeof value === 'string' || typeof value === 'object' ? plain(value) : numberText(value);
}

/** A text literal under NO_BACKSLASH_ESCAPES. */
export function quoted(text: string): string {
  return text.includes("'") ? `'${text.replaceAll("'", "''")}'` : `'${text}'`;
}

function orNull(literal: (value: Exclude<Value, null>) => string): Literal {
  return (value) => (value === null ? 'NULL' : literal(value));
}

/** Unquoted, so that keys are compared as numbers and not, as a text would be, as floating point. */
function exactNumber(value: Exclude<Value, null>): string {
  if (typeof value === 'string') return NUMBER.test(value) ? value : quoted(value);
  return typeof value === 'object' ? bytes(value) : numberText(value);
}

/** With an exponent, so that the server reads floating point: a DECIMAL literal knows no -0 and has 30 places. */
function floating(value: Exclude<Value, null>): string {
  if (typeof value !== 'number') return exactNumber(value);
  const text = numberText(value);
  return text.includes('e') ? text : `${text}e0`;
}

function plain(value: Exclude<Value, null>): string {
  if (typeof value === 'string') return quoted(value);
  return typeof value === 'object' ? bytes(value) : quoted(numberText(value));
}

/** By their numbers: members that the collation holds for equal are told apart by nothing else. */
function memberOf(members: readonly string[]): (value: Exclude<Value, null>) => string {
  const numbers = new Map(members.map((member, at) => [member, String(at + 1)] as const));
  return (value) => (typeof value === 'string' ? (numbers.get(value) ?? quoted(value)) : plain(value));
}

function membersOf(members: readonly string[]): (value: Exclude<Value, null>) => string {
  const bits = new Map(members.map((member, at) => [member, 1n << BigInt(at)] as const));
  return (value) => {
    if (typeof value !== 'string') return plain(value);
    let all = 0n;
    for (const member of value === '' ? [] : value.split(',')) {
      const bit = bits.get(member);
      if (bit === undefined) return quoted(value);
      all |= bit;
    }
    return String(all);
  };
}

function numberText(value: number | bigint | boolean): string {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** `2026-02-28T23:59:59.5Z` → `2026-02-28 23:59:59.5`: the session is in UTC. */
function moment(text: string): string {
  if (text[10] !== 'T') return text;
  return `${text.slice(0, 10)} ${text.endsWith('Z') ? text.slice(11, -1) : text.slice(11)}`;
}

function bytes(value: Uint8Array): string {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return buffer.length <= HEX_BYTES ? `x'${buffer.toString('hex')}'` : `FROM_BASE64('${buffer.toString('base64')}')`;
}
