import { type Column, SPATIAL_TYPES } from '@tapline/schema';
import type { TableShape, Value } from '@tapline/sink';
import { base64, numberText } from '../naming/values.ts';
import type { SearchDialect } from './client.ts';
import type { SearchConfig } from './config.ts';
import { geoJsonOf } from './geojson.ts';

type Given = NonNullable<Value>;

/** What a column becomes: how it is mapped, and how a value of it is written in JSON. */
export interface ColumnPlan {
  readonly mapping: Readonly<Record<string, unknown>>;
  readonly json: (value: Given) => string;
}

export interface PlanOptions {
  readonly types: SearchConfig['types'];
  readonly dialect: SearchDialect;
}

/** Longer terms are not put in the index of a keyword (they stay stored): Lucene takes 32,766 bytes, and a character has up to four. */
const KEYWORD = { type: 'keyword', ignore_above: 8191 };
const LONG = { type: 'long' };
/** As many digits as a double holds, whatever they are. */
const EXACT_DIGITS = 15;
const NUMBER = /^-?\d+(\.\d+)?$/;

const TEXT: ColumnPlan = { mapping: { type: 'text', fields: { keyword: KEYWORD } }, json: jsonOf };

/** Whole numbers of every size are `long`, so that a column that grows from INT to BIGINT keeps its mapping. */
const BY_TYPE: Readonly<Record<string, (column: Column, options: PlanOptions) => ColumnPlan>> = {
  ...each(['tinyint', 'smallint', 'mediumint', 'int', 'integer', 'year'], () => ({ mapping: LONG, json: jsonOf })),
  ...each(['bigint', 'bit'], bigint),
  float: () => ({ mapping: { type: 'float' }, json: jsonOf }),
  ...each(['double', 'real'], () => ({ mapping: { type: 'double' }, json: jsonOf })),
  ...each(['decimal', 'numeric'], decimal),
  ...each(['date', 'datetime', 'timestamp'], date),
  // Up to 838 hours and below zero: no time of a day.
  ...each(['time', 'enum', 'uuid', 'inet4', 'inet6'], () => ({ mapping: KEYWORD, json: jsonOf })),
  set: () => ({ mapping: KEYWORD, json: membersOf }),
  json,
  ...each(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'], () => ({
    mapping: { type: 'binary' },
    json: jsonOf,
  })),
  vector: () => ({ mapping: { type: 'float', index: false }, json: rawOr(/^\[[-+0-9.eE,]*\]$/) }),
  ...each(SPATIAL_TYPES, geometry),
};

/** Plans of all columns. Those whose values the reader has changed (masked, hashed) are texts, whatever the table says. */
export function planTable(shape: TableShape, options: PlanOptions): ReadonlyMap<string, ColumnPlan> {
  return new Map(
    shape.columns.map((column) => {
      const plan = shape.shaped.has(column.name) ? undefined : BY_TYPE[column.type]?.(column, options);
      return [column.name, plan ?? (options.types.text === 'keyword' ? { mapping: KEYWORD, json: jsonOf } : TEXT)];
    }),
  );
}

/** A value of no known column: whole numbers with all digits, decimals and dates as texts, bytes as base64. */
export function jsonOf(value: Given): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return `"${base64(value)}"`;
}

function each<T>(names: readonly string[], value: T): Readonly<Record<string, T>> {
  return Object.fromEntries(names.map((name) => [name, value]));
}

/** A text that is JSON already, where it has the form; what a transform made of it is a text. */
function rawOr(form: RegExp): (value: Given) => string {
  return (value) => (typeof value === 'string' && form.test(value) ? value : jsonOf(value));
}

function bigint(column: Column, { types }: PlanOptions): ColumnPlan {
  if (column.type === 'bit' && column.length === 1) return { mapping: { type: 'boolean' }, json: jsonOf };
  const beyondLong = column.type === 'bit' ? (column.length ?? 64) > 63 : column.unsigned;
  if (!beyondLong) return { mapping: LONG, json: jsonOf };
  if (types.unsignedBigint === 'unsigned_long') return { mapping: { type: 'unsigned_long' }, json: jsonOf };
  return { mapping: KEYWORD, json: (value) => `"${String(value)}"` };
}

function decimal({ precision = 65, scale = 30 }: Column, { types }: PlanOptions): ColumnPlan {
  if (types.decimal === 'keyword') return { mapping: KEYWORD, json: jsonOf };
  const json = rawOr(NUMBER);
  if (precision > EXACT_DIGITS) return { mapping: { type: 'double' }, json };
  return { mapping: scale === 0 ? LONG : { type: 'scaled_float', scaling_factor: 10 ** scale }, json };
}

/** `ignore_malformed` keeps a date that no calendar has in the stored document and out of the index. */
function date(_: Column, { types }: PlanOptions): ColumnPlan {
  if (types.dates === 'keyword') return { mapping: KEYWORD, json: jsonOf };
  const json = types.zeroDates === 'keep' ? jsonOf : realDateOf;
  return { mapping: { type: 'date', ignore_malformed: true }, json };
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function realDateOf(value: Given): string {
  const [, year = '', month = '', day = ''] = /^(\d{4})-(\d{2})-(\d{2})/.exec(String(value)) ?? [];
  const leap = new Date(Date.UTC(Number(year), 1, 29)).getUTCMonth() === 1;
  const days = month === '02' && !leap ? 28 : (DAYS[Number(month) - 1] ?? 0);
  return Number(day) >= 1 && Number(day) <= days ? jsonOf(value) : 'null';
}

function membersOf(value: Given): string {
  return JSON.stringify(value === '' ? [] : String(value).split(','));
}

function json(_: Column, { types, dialect }: PlanOptions): ColumnPlan {
  if (types.json === 'keyword') return { mapping: KEYWORD, json: jsonOf };
  if (types.json === 'object') return { mapping: { type: 'object' }, json: (value) => oneLine(String(value)) };
  return {
    mapping: { type: dialect.flattened, ...(dialect.flattened === 'flattened' ? { ignore_above: 8191 } : {}) },
    json: (value) => {
      const text = oneLine(String(value));
      return text.startsWith('{') ? text : `{"value":${text}}`;
    },
  };
}

/** A line of a bulk is a document; inside of JSON's texts line ends are escaped, so that those that are left mean nothing. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').trimStart();
}

function geometry(column: Column, { types }: PlanOptions): ColumnPlan {
  if (types.geometry === 'binary') return { mapping: { type: 'binary' }, json: jsonOf };
  const type = column.type === 'point' ? 'geo_point' : 'geo_shape';
  return {
    // What is no place on earth stays stored and out of the index.
    mapping: { type, ignore_malformed: true },
    json: (value) => (value instanceof Uint8Array ? (geoJsonOf(value) ?? jsonOf(value)) : jsonOf(value)),
  };
}
