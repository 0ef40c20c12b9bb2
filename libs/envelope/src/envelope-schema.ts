import type { Column, Table } from '@tapline/schema';
import { type AvroField, type AvroObject, type AvroType, nullable, schemaText, semantic } from './avro-schema.ts';
import type { ColumnCodec } from './codec.ts';
import { type AvroDefault, fillDefault } from './fill-default.ts';
import { typeName } from './mysql-type.ts';
import { avroName, avroNamespace, fieldNames } from './names.ts';
import { type ColumnShape, shapeName } from './shape/column-shape.ts';

/** Values of `source.snapshot`, as Debezium's. */
export const SNAPSHOT_VALUES = [
  'true',
  'first',
  'first_in_data_collection',
  'last_in_data_collection',
  'last',
  'false',
  'incremental',
] as const;
export type SnapshotValue = (typeof SNAPSHOT_VALUES)[number];

/** The kind of server, as `source.connector` says it. */
export type Connector = 'mysql' | 'mariadb';

interface SchemaParts {
  readonly source: string;
  readonly connector: Connector;
  readonly table: Table;
  readonly codecs: readonly ColumnCodec[];
  /** Columns that rows may come without, in partial mode; undefined where rows are whole. */
  readonly optional: ReadonlySet<Column> | undefined;
  /** Of columns whose values are not as the table has them. */
  readonly shapes: ReadonlyMap<Column, ColumnShape>;
  /** In place of `<source>.<db>.<table>`. */
  readonly namespace: string | undefined;
  readonly tableInKey: string | undefined;
}

/**
 * The block that says where a change comes from. Debezium's fields, in another order (Avro readers go by name): first what is constant for a table,
 * then for a transaction, then for a row, so that each part is encoded once.
 */
function sourceSchema(connector: Connector): AvroObject {
  return {
    type: 'record',
    name: 'Source',
    namespace: `io.debezium.connector.${connector}`,
    fields: [
      { name: 'version', type: 'string' },
      { name: 'connector', type: 'string' },
      { name: 'name', type: 'string' },
      { name: 'db', type: 'string' },
      { name: 'table', type: nullable('string'), default: null },
      { name: 'sequence', type: nullable('string'), default: null },
      { name: 'ts_ms', type: 'long' },
      { name: 'ts_us', type: nullable('long'), default: null },
      {
        name: 'snapshot',
        type: [
          {
            ...semantic('string', 'io.debezium.data.Enum', { allowed: SNAPSHOT_VALUES.join(',') }),
            'connect.default': 'false',
          },
          'null',
        ],
        default: 'false',
      },
      { name: 'server_id', type: 'long' },
      { name: 'gtid', type: nullable('string'), default: null },
      { name: 'file', type: 'string' },
      { name: 'pos', type: 'long' },
      { name: 'row', type: 'int' },
      { name: 'thread', type: nullable('long'), default: null },
      { name: 'query', type: nullable('string'), default: null },
    ],
    'connect.version': 1,
    'connect.name': `io.debezium.connector.${connector}.Source`,
  };
}

const TRANSACTION: AvroObject = {
  type: 'record',
  name: 'block',
  namespace: 'event',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'total_order', type: 'long' },
    { name: 'data_collection_order', type: 'long' },
  ],
  'connect.version': 1,
  'connect.name': 'event.block',
};

/** Names of the columns that the event does not carry: absent is not NULL. */
const ABSENT: AvroObject = {
  type: 'record',
  name: 'Absent',
  namespace: 'tapline',
  fields: [
    { name: 'before', type: { type: 'array', items: 'string' } },
    { name: 'after', type: { type: 'array', items: 'string' } },
  ],
  'connect.version': 1,
  'connect.name': 'tapline.Absent',
};

/** The schema of a table's values: `<source>.<db>.<table>.Envelope`. Changes with the columns only. */
export function valueSchemaText(parts: SchemaParts): string {
  const namespace = namespaceOf(parts);
  const shown = parts.table.columns.filter((column) => parts.shapes.get(column)?.kind !== 'exclude');
  const row = rowRecord(parts, 'Value', shown);
  return schemaText({
    type: 'record',
    name: 'Envelope',
    namespace,
    fields: [
      { name: 'before', type: nullable(row), default: null },
      { name: 'after', type: nullable(row), default: null },
      ...(parts.optional === undefined ? [] : [{ name: 'absent', type: nullable(ABSENT), default: null }]),
      { name: 'source', type: sourceSchema(parts.connector) },
      { name: 'op', type: 'string' },
      { name: 'ts_ms', type: nullable('long'), default: null },
      { name: 'transaction', type: nullable(TRANSACTION), default: null },
    ],
    'connect.version': 2,
    'connect.name': `${namespace}.Envelope`,
    'mysql.database': parts.table.database,
    'mysql.table': parts.table.name,
  });
}

/** The schema of a table's keys, `<source>.<db>.<table>.Key`, with the key's columns in key order. */
export function keySchemaText(parts: SchemaParts, keyColumns: readonly Column[]): string {
  const record = rowRecord(parts, 'Key', keyColumns);
  const fields = record.fields as readonly AvroField[];
  return schemaText({
    ...record,
    fields: parts.tableInKey === undefined ? fields : [{ name: TABLE_IN_KEY, type: 'string' }, ...fields],
    'mysql.database': parts.table.database,
    'mysql.table': parts.table.name,
  });
}

/** As Debezium's ByLogicalTableRouter names it. */
const TABLE_IN_KEY = '__dbz__physicalTableIdentifier';

function namespaceOf({ source, table, namespace }: SchemaParts): string {
  return namespace === undefined
    ? avroNamespace(source, table.database, table.name)
    : namespace.split('.').map(avroName).join('.');
}

function rowRecord(parts: SchemaParts, name: 'Key' | 'Value', columns: readonly Column[]): AvroObject {
  const { table, codecs } = parts;
  const namespace = namespaceOf(parts);
  const names = fieldNames(table.columns.map((column) => column.name));
  const fields = columns.map((column) => {
    const index = table.columns.indexOf(column);
    const isNullable = column.nullable || (parts.optional?.has(column) ?? false);
    const { schema } = codecs[index] as ColumnCodec;
    const shape = parts.shapes.get(column);
    return columnField({
      column,
      name: names[index] as string,
      type: schema,
      isNullable,
      shape,
      // A key is never read by another schema than its own.
      fill: name === 'Key' ? undefined : fillDefault(column, shape),
    });
  });
  return { type: 'record', name, namespace, fields, 'connect.name': `${namespace}.${name}` };
}

/**
 * `mysql.type` tells what the Avro type alone does not (how many digits a TIME shows, that a long is an INT UNSIGNED); it leaves lengths out, so
 * that a wider VARCHAR is no new schema. `mysql.name` is there when the column's name is not legal in Avro. `tapline.shape` says that the values are not
 * those of the table: a hash, for one, is a text whatever the column's type is.
 */
function columnField(field: {
  readonly column: Column;
  readonly name: string;
  readonly type: AvroType;
  readonly isNullable: boolean;
  readonly shape: ColumnShape | undefined;
  readonly fill: AvroDefault;
}): AvroField {
  const { column, name, type, isNullable, shape, fill } = field;
  const ofValue = fill === undefined ? { type } : { type, default: fill };
  return {
    name,
    ...(isNullable ? { type: nullable(type), default: null } : ofValue),
    'mysql.type': shape?.kind === 'hash' ? HASH_TYPE : typeName(column),
    ...(name === column.name ? {} : { 'mysql.name': column.name }),
    ...(shape === undefined ? {} : { 'tapline.shape': shapeName(shape) }),
  };
}

const HASH_TYPE = 'char';
