import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve } from '../reader/read-types.ts';
import { fieldName } from './transcode.ts';

/** A schema as Kafka Connect's JsonConverter writes it. */
export interface ConnectSchema {
  readonly type: string;
  readonly fields?: readonly ConnectSchema[];
  readonly items?: ConnectSchema;
  readonly optional?: boolean;
  /** Semantic type: `io.debezium.time.Date`. */
  readonly name?: string;
  readonly version?: number;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly default?: unknown;
  /** The field's name, inside of `fields`. */
  readonly field?: string;
}

/** Parameter of a column's schema: its type in MySQL with the digits of its fraction, as `mysql.type` is in Avro. */
export const TYPE_PARAMETER = 'mysql.type';

const TYPES: Readonly<Record<string, string>> = { int: 'int32', long: 'int64', record: 'struct' };

/** The Avro schema of a table's keys or values in Connect's JSON form: what Connect's Avro converter would read from it. */
export function connectSchema(schema: AvroObject): ConnectSchema {
  return connectType(schema, collectNames(schema, new Map()), {});
}

interface Place {
  readonly optional?: boolean;
  readonly field?: AvroField;
}

function connectType(type: AvroType, names: NamedTypes, place: Place): ConnectSchema {
  const resolved = resolve(type, names);
  if (Array.isArray(resolved)) {
    const [only] = (resolved as readonly AvroType[]).filter((branch) => branch !== 'null');
    return connectType(only as AvroType, names, { ...place, optional: true });
  }
  const object: AvroObject = typeof resolved === 'string' ? { type: resolved } : (resolved as AvroObject);
  const fields = fieldsOf(object).map((field) => connectType(field.type, names, { field }));
  const parameters = parametersOf(object, place.field);
  const name = textOf(object['connect.name']);
  const fallback = object['connect.default'];
  return {
    type: textOf(object['connect.type']) ?? TYPES[object.type] ?? object.type,
    ...(object.type === 'record' ? { fields } : {}),
    ...(object.items === undefined ? {} : { items: connectType(object.items as AvroType, names, {}) }),
    optional: place.optional ?? false,
    ...(name === undefined ? {} : { name }),
    ...(object['connect.version'] === undefined ? {} : { version: Number(object['connect.version']) }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(place.field === undefined ? {} : { field: fieldName(place.field) }),
  };
}

function textOf(attribute: unknown): string | undefined {
  return typeof attribute === 'string' ? attribute : undefined;
}

function parametersOf(type: AvroObject, field: AvroField | undefined): Readonly<Record<string, string>> | undefined {
  const own = type['connect.parameters'] as Readonly<Record<string, string>> | undefined;
  const mysqlType = field?.['mysql.type'];
  return mysqlType === undefined ? own : { ...own, [TYPE_PARAMETER]: mysqlType };
}
