import type { Value } from '../reader/values.ts';
import { type ConnectSchema, TYPE_PARAMETER } from './connect-schema.ts';
import { jsonValueReader } from './json-values.ts';

/** By the first word of a MySQL type; what is not here is text. */
const SCHEMAS: Readonly<Record<string, Omit<ConnectSchema, 'parameters'>>> = {
  tinyint: { type: 'int16' },
  smallint: { type: 'int16' },
  mediumint: { type: 'int32' },
  int: { type: 'int32' },
  integer: { type: 'int32' },
  year: { type: 'int32' },
  bigint: { type: 'int64' },
  bool: { type: 'boolean' },
  boolean: { type: 'boolean' },
  float: { type: 'float' },
  double: { type: 'double' },
  decimal: { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal' },
  numeric: { type: 'bytes', name: 'org.apache.kafka.connect.data.Decimal' },
  date: { type: 'int32', name: 'io.debezium.time.Date' },
  time: { type: 'int64', name: 'io.debezium.time.MicroTime' },
  binary: { type: 'bytes' },
  varbinary: { type: 'bytes' },
  tinyblob: { type: 'bytes' },
  blob: { type: 'bytes' },
  mediumblob: { type: 'bytes' },
  longblob: { type: 'bytes' },
  geometry: { type: 'struct', name: 'io.debezium.data.geometry.Geometry' },
  point: { type: 'struct', name: 'io.debezium.data.geometry.Point' },
};

/**
 * Reads a column as Debezium writes it into JSON without schemas, given the column's type in MySQL (`datetime(6)`, `decimal(10,2)`): with it the
 * numbers of days and microseconds and the bytes of decimals mean something again. Values as ChangeReader gives them.
 */
export function bareValueReader(mysqlType: string): (json: unknown) => Value {
  const type = mysqlType.trim().toLowerCase();
  const read = jsonValueReader(schemaOf(type));
  const isDecimal = /^(decimal|numeric)/.test(type);
  // decimal.handling.mode `string` and `double`: what is no base64 of an integer is a number.
  return isDecimal ? (json) => (isNumber(json) ? String(json) : read(json)) : read;
}

function isNumber(json: unknown): boolean {
  return typeof json === 'number' || typeof json === 'bigint' || (typeof json === 'string' && /[.-]/.test(json));
}

function schemaOf(type: string): ConnectSchema {
  const word = /^[a-z]+/.exec(type)?.[0] ?? '';
  const [, first, second] = /\((\d+)(?:\s*,\s*(\d+))?\)/.exec(type) ?? [];
  const parameters = { [TYPE_PARAMETER]: type, scale: second ?? '0' };
  if (word === 'datetime') {
    const name = Number(first ?? 0) > 3 ? 'io.debezium.time.MicroTimestamp' : 'io.debezium.time.Timestamp';
    return { type: 'int64', name, parameters };
  }
  if (word === 'bit')
    return Number(first ?? 1) === 1 ? { type: 'boolean' } : { type: 'bytes', name: 'io.debezium.data.Bits' };
  const known = SCHEMAS[word] ?? { type: 'string' };
  return { ...known, parameters };
}
