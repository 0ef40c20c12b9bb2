import { packedOfDate } from '../calendar.ts';
import { unreadable } from '../reader/avro-read.ts';
import { DECIMAL, fractionDigits } from '../reader/read-types.ts';
import {
  bitsOf,
  dateText,
  datetimeText,
  decimalText,
  shortestFloat,
  timeText,
  unscaledOf,
  type Value,
  vectorText,
  withSrid,
} from '../reader/values.ts';
import { type ConnectSchema, TYPE_PARAMETER } from './connect-schema.ts';

/** A parsed JSON value (integers beyond 2^53 as bigint) → the value that ChangeReader gives for the column. */
export type FromJson = (json: unknown) => Value;

/** Compiles the reader of a column from its Connect schema. NULL is null whatever the type. */
export function jsonValueReader(schema: ConnectSchema): FromJson {
  const read = semanticReader(schema) ?? PLAIN[schema.type];
  if (read === undefined) throw unreadable(`Type ${JSON.stringify(schema).slice(0, 200)} has no form as a value.`);
  return (json) => (json === null || json === undefined ? null : read(json));
}

const PLAIN: Readonly<Record<string, FromJson>> = {
  int8: number,
  int16: number,
  int32: number,
  int64: (json) => BigInt(integer(json)),
  float: (json) => shortestFloat(number(json)),
  double: number,
  boolean(json) {
    if (typeof json === 'boolean') return json;
    throw misfit(json, 'a boolean');
  },
  string: text,
  bytes,
};

/** By `name`, as Debezium names its types; undefined for a plain type. */
function semanticReader({ name, type, parameters }: ConnectSchema): FromJson | undefined {
  const mysqlType = parameters?.[TYPE_PARAMETER] ?? '';
  switch (name) {
    case DECIMAL:
      return decimalReader(mysqlType, Number(parameters?.['scale'] ?? 0));
    case 'io.debezium.time.Date':
      return (json) => dateText(packedOfDate(number(json)));
    case 'io.debezium.time.Timestamp':
      return milliDatetimeReader(fractionDigits(mysqlType, 3));
    case 'io.debezium.time.MicroTimestamp':
      return microDatetimeReader(fractionDigits(mysqlType, 6));
    case 'io.debezium.time.MicroTime':
      return timeReader(fractionDigits(mysqlType, 6));
    case 'io.debezium.data.Bits':
      return (json) => bitsOf(bytes(json));
    case 'io.debezium.data.geometry.Geometry':
    case 'io.debezium.data.geometry.Point':
      return geometry;
    case 'io.debezium.data.FloatVector':
      return vector;
    default:
      return type === 'int64' && mysqlType === 'int unsigned' ? number : undefined;
  }
}

function decimalReader(mysqlType: string, scale: number): FromJson {
  if (mysqlType === 'bigint unsigned') return (json) => unscaledOf(bytes(json));
  return (json) => decimalText(String(unscaledOf(bytes(json))), scale);
}

function milliDatetimeReader(fsp: number): FromJson {
  return (json) => datetimeText(number(json), 0, fsp);
}

/** Microseconds pass 2^53 in 2255. */
function microDatetimeReader(fsp: number): FromJson {
  return (json) => {
    const micros = BigInt(integer(json));
    const rest = ((micros % 1000n) + 1000n) % 1000n;
    return datetimeText(Number((micros - rest) / 1000n), Number(rest), fsp);
  };
}

function timeReader(fsp: number): FromJson {
  return (json) => timeText(number(json), fsp);
}

function geometry(json: unknown): Buffer {
  const { wkb, srid } = (typeof json === 'object' ? json : {}) as { readonly wkb?: unknown; readonly srid?: unknown };
  return withSrid(wkb === null || wkb === undefined ? Buffer.alloc(0) : bytes(wkb), number(srid ?? 0));
}

function vector(json: unknown): string {
  if (!Array.isArray(json)) throw misfit(json, 'an array');
  return vectorText(json.map((item) => shortestFloat(number(item))));
}

/** Infinities and NaN are strings in JSON. */
function number(json: unknown): number {
  if (typeof json === 'number') return json;
  if (typeof json === 'bigint' || json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json);
  throw misfit(json, 'a number');
}

function integer(json: unknown): number | bigint {
  if (typeof json === 'bigint' || Number.isInteger(json)) return json as number | bigint;
  throw misfit(json, 'an integer');
}

function text(json: unknown): string {
  if (typeof json === 'string') return json;
  throw misfit(json, 'a string');
}

function bytes(json: unknown): Buffer {
  return Buffer.from(text(json), 'base64');
}

function misfit(json: unknown, what: string): Error {
  const seen = typeof json === 'bigint' ? String(json) : (JSON.stringify(json) ?? 'nothing').slice(0, 100);
  return unreadable(`${seen} is not ${what}, as its schema says.`);
}
