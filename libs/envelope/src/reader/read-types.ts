import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import {
  type ReadValue,
  readBits,
  readDate,
  readDecimal,
  readMicroDatetime,
  readMilliDatetime,
  readTime,
  readUnscaled,
  shortestFloat,
  type Value,
  vectorText,
  withSrid,
} from './values.ts';

/** Named types met so far in a schema: Avro defines each once and then goes by name. */
export type NamedTypes = Map<string, AvroObject>;

/** Follows a name to what it names; `undefined` for a primitive. */
export function resolve(type: AvroType, names: NamedTypes): AvroType {
  return typeof type === 'string' ? (names.get(type) ?? type) : type;
}

/** Collects the named types of a schema under their full names, and under the short ones where those are free. */
export function collectNames(type: AvroType, names: NamedTypes, namespace = ''): NamedTypes {
  if (Array.isArray(type)) for (const branch of type as readonly AvroType[]) collectNames(branch, names, namespace);
  else if (typeof type === 'object') {
    const object = type as AvroObject;
    const own = typeof object.namespace === 'string' ? object.namespace : namespace;
    if (typeof object.name === 'string') {
      const full = object.name.includes('.') || own === '' ? object.name : `${own}.${object.name}`;
      names.set(full, object);
      if (!names.has(object.name)) names.set(object.name, object);
    }
    for (const field of fieldsOf(object)) collectNames(field.type, names, own);
    if (object.items !== undefined) collectNames(object.items as AvroType, names, own);
  }
  return names;
}

export function fieldsOf(type: AvroObject): readonly AvroField[] {
  return type.type === 'record' ? (type.fields as readonly AvroField[]) : [];
}

/** Compiles the reader of a column. */
export function valueReader(field: AvroField, names: NamedTypes): ReadValue {
  return typeReader(field.type, names, field['mysql.type'] ?? '');
}

export function typeReader(type: AvroType, names: NamedTypes, mysqlType: string): ReadValue {
  const resolved = resolve(type, names);
  if (Array.isArray(resolved)) {
    return unionReader((resolved as readonly AvroType[]).map((branch) => typeReader(branch, names, mysqlType)));
  }
  const object: AvroObject = typeof resolved === 'string' ? { type: resolved } : (resolved as AvroObject);
  const meaning = semanticReader(object, mysqlType);
  if (meaning !== undefined) return meaning;
  const plain = PLAIN[object.type];
  if (plain !== undefined) return plain;
  throw unreadable(`Type ${JSON.stringify(object).slice(0, 200)} has no form as a value.`);
}

function unionReader(branches: readonly ReadValue[]): ReadValue {
  return (cursor) => {
    const branch = branches[cursor.int()];
    if (branch === undefined) throw unreadable('A union has no such branch.');
    return branch(cursor);
  };
}

export const readInt: ReadValue = (cursor) => cursor.int();
export const readString: ReadValue = (cursor) => cursor.string();

const PLAIN: Readonly<Record<string, ReadValue>> = {
  null: () => null,
  boolean: (cursor) => cursor.byte() === 1,
  int: readInt,
  long: (cursor) => cursor.longBig(),
  float: (cursor) => shortestFloat(readFloat(cursor)),
  double(cursor) {
    const { position } = cursor;
    cursor.position += 8;
    cursor.check();
    return cursor.buffer.readDoubleLE(position);
  },
  bytes: (cursor) => cursor.bytes(),
  string: readString,
};

function readFloat(cursor: Cursor): number {
  const { position } = cursor;
  cursor.position += 4;
  cursor.check();
  return cursor.buffer.readFloatLE(position);
}

/** By `connect.name`, as Debezium names its types; undefined for a plain type. */
function semanticReader(type: AvroObject, mysqlType: string): ReadValue | undefined {
  switch (type['connect.name'] ?? (type.logicalType === 'decimal' ? DECIMAL : undefined)) {
    case DECIMAL:
      return mysqlType === 'bigint unsigned' ? readUnscaled : readDecimal(Number(type.scale ?? 0));
    case 'io.debezium.time.Date':
      return readDate;
    case 'io.debezium.time.Timestamp':
      return readMilliDatetime(fractionDigits(mysqlType, 3));
    case 'io.debezium.time.MicroTimestamp':
      return readMicroDatetime(fractionDigits(mysqlType, 6));
    case 'io.debezium.time.MicroTime':
      return readTime(fractionDigits(mysqlType, 6));
    case 'io.debezium.data.Bits':
      return readBits;
    case 'io.debezium.data.geometry.Geometry':
      return readGeometry;
    case 'io.debezium.data.geometry.Point':
      return readPoint;
    case 'io.debezium.data.FloatVector':
      return readVector;
    default:
      return type.type === 'long' && mysqlType === 'int unsigned' ? (cursor) => cursor.longNumber() : undefined;
  }
}

export const DECIMAL = 'org.apache.kafka.connect.data.Decimal';

/** `mysql.type` without digits means none; a schema without `mysql.type` is not ours, and shows all. */
export function fractionDigits(mysqlType: string, all: number): number {
  const digits = /\((\d)\)/.exec(mysqlType)?.[1];
  if (digits !== undefined) return Number(digits);
  return mysqlType === '' ? all : 0;
}

const readGeometry: ReadValue = (cursor) => withSrid(cursor.bytes(), readNullableInt(cursor));

const readPoint: ReadValue = (cursor) => {
  cursor.position += 16;
  const wkb = cursor.int() === 0 ? Buffer.alloc(0) : cursor.bytes();
  return withSrid(wkb, readNullableInt(cursor));
};

function readNullableInt(cursor: Cursor): number {
  return cursor.int() === 0 ? 0 : cursor.int();
}

const readVector: ReadValue = (cursor): Value => {
  const numbers: number[] = [];
  for (let count = cursor.int(); count !== 0; count = cursor.int()) {
    if (count < 0) cursor.long();
    for (let i = Math.abs(count); i > 0; i--) numbers.push(shortestFloat(readFloat(cursor)));
  }
  return vectorText(numbers);
};
