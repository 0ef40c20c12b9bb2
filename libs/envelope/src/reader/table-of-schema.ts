import type { Column } from '@tapline/schema';
import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve } from './read-types.ts';

/** What a schema of Tapline's records says of the table. */
export interface SchemaTable {
  /** Of the whole schema: the value's or the key's. */
  readonly kind: 'value' | 'key';
  /** `<source>.<db>.<table>` in names legal in Avro, unless the topic has a namespace of its own. */
  readonly namespace: string;
  readonly database: string;
  readonly name: string;
  /** Without lengths of texts and bytes, character sets and what is generated. */
  readonly columns: readonly Column[];
  /** Columns whose values the reader has changed. */
  readonly shaped: ReadonlySet<string>;
}

/** Reads the columns of an Avro schema as the reader writes it; undefined for a schema that is not of a table. */
export function tableOfSchema(text: string): SchemaTable | undefined {
  const schema = JSON.parse(text) as AvroObject;
  const { 'mysql.database': database, 'mysql.table': name, namespace } = schema;
  if (typeof database !== 'string' || typeof name !== 'string' || typeof namespace !== 'string') return undefined;
  const names = collectNames(schema, new Map());
  const kind = schema.name === 'Key' ? 'key' : 'value';
  const row = kind === 'key' ? schema : rowOf(schema, names);
  if (row === undefined) return undefined;
  // A key of several tables' topic begins with the table's name, which is no column.
  const fields = fieldsOf(row).filter((field) => field['mysql.type'] !== undefined);
  return {
    kind,
    namespace,
    database,
    name,
    columns: fields.map((field) => columnOf(field, names)),
    shaped: new Set(fields.filter((field) => field['tapline.shape'] !== undefined).map(nameOf)),
  };
}

function rowOf(envelope: AvroObject, names: NamedTypes): AvroObject | undefined {
  const after = fieldsOf(envelope).find(({ name }) => name === 'after');
  return after === undefined ? undefined : (notNull(after.type, names) as AvroObject);
}

function notNull(type: AvroType, names: NamedTypes): AvroType {
  const resolved = resolve(type, names);
  if (!Array.isArray(resolved)) return resolved;
  const [branch] = (resolved as readonly AvroType[]).filter((one) => one !== 'null');
  return resolve(branch as AvroType, names);
}

function nameOf(field: AvroField): string {
  return field['mysql.name'] ?? field.name;
}

/** `mysql.type` has the type's name, the digits of its fraction and `unsigned`; the rest is in the Avro type. */
function columnOf(field: AvroField, names: NamedTypes): Column {
  const [, type = '', fsp] = /^([a-z]+)(?:\((\d)\))?/.exec(field['mysql.type'] ?? '') ?? [];
  const unsigned = (field['mysql.type'] ?? '').endsWith(' unsigned');
  const avro = notNull(field.type, names);
  const object: AvroObject = typeof avro === 'string' ? { type: avro } : (avro as AvroObject);
  const decimal = type === 'decimal' ? decimalOf(object) : undefined;
  const members = type === 'enum' || type === 'set' ? membersOf(object) : undefined;
  const bits = type === 'bit' ? bitsOf(object) : undefined;
  const detail = decimal?.join() ?? members?.map((member) => `'${member.replaceAll("'", "''")}'`).join() ?? bits ?? fsp;
  return {
    name: nameOf(field),
    type,
    columnType: `${type}${detail === undefined ? '' : `(${detail})`}${unsigned ? ' unsigned' : ''}`,
    nullable: Array.isArray(field.type),
    unsigned,
    ...(decimal === undefined ? {} : { precision: decimal[0], scale: decimal[1] }),
    ...(members === undefined ? {} : { members }),
    ...(bits === undefined ? {} : { length: bits }),
    ...(fsp === undefined ? {} : { fsp: Number(fsp) }),
  };
}

function decimalOf({ precision, scale }: AvroObject): readonly [number, number] | undefined {
  return typeof precision === 'number' ? [precision, typeof scale === 'number' ? scale : 0] : undefined;
}

function membersOf(type: AvroObject): readonly string[] | undefined {
  const parameters = type['connect.parameters'] as Readonly<Record<string, string>> | undefined;
  // A comma in a member is escaped.
  return parameters?.['allowed']?.split(/(?<!\\),/).map((member) => member.replaceAll('\\,', ','));
}

function bitsOf(type: AvroObject): number {
  const parameters = type['connect.parameters'] as Readonly<Record<string, string>> | undefined;
  return type.type === 'boolean' ? 1 : Number(parameters?.['length'] ?? 64);
}
