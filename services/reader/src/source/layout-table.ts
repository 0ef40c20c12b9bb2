import { type Flavor, type TableMap, WIRE_TYPE, type WireColumn } from '@tapline/binlog';
import { decodeText } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import type { Collation } from '@tapline/mysql';
import { type Column, SPATIAL_TYPES, type Table } from '@tapline/schema';

const BINARY_COLLATION = 63;

/** Types whose wire type says it all. */
const PLAIN: ReadonlyMap<number, string> = new Map<number, string>([
  [WIRE_TYPE.TINY, 'tinyint'],
  [WIRE_TYPE.SHORT, 'smallint'],
  [WIRE_TYPE.INT24, 'mediumint'],
  [WIRE_TYPE.LONG, 'int'],
  [WIRE_TYPE.LONGLONG, 'bigint'],
  [WIRE_TYPE.FLOAT, 'float'],
  [WIRE_TYPE.DOUBLE, 'double'],
  [WIRE_TYPE.YEAR, 'year'],
  [WIRE_TYPE.DATE, 'date'],
  [WIRE_TYPE.NEWDATE, 'date'],
  [WIRE_TYPE.JSON, 'json'],
]);

const TEMPORAL: ReadonlyMap<number, string> = new Map<number, string>([
  [WIRE_TYPE.TIME, 'time'],
  [WIRE_TYPE.TIME2, 'time'],
  [WIRE_TYPE.DATETIME, 'datetime'],
  [WIRE_TYPE.DATETIME2, 'datetime'],
  [WIRE_TYPE.TIMESTAMP, 'timestamp'],
  [WIRE_TYPE.TIMESTAMP2, 'timestamp'],
]);

/** By the bytes of the length in front of the value, which is what tells them apart. */
const BLOB_SIZES: readonly string[] = ['', 'tiny', '', 'medium', 'long'];

/**
 * The table as it was when its rows were written, from the metadata that binlog_row_metadata=FULL puts in front of them. That holds
 * wherever in the binlog the reader is: the source may have altered or dropped the table long since. In everything that a message's schema
 * is made of it equals what information_schema says of the same table (a test compares them for every type).
 *
 * @throws TaplineError SOURCE_ROW_METADATA when the metadata lacks names; SCHEMA_UNSUPPORTED for a type or collation that is not known.
 */
export function tableOfLayout(layout: TableMap, source: LayoutSource): Table {
  const body = bodyOf(layout, source.collations);
  if (source.flavor === 'mariadb') requireKnownFractions(layout, body.columns, source.tables);
  return { database: layout.database, name: layout.table, ...body };
}

/** A table without its name. */
type TableBody = Omit<Table, 'database' | 'name'>;

/** Tables of the same form have one list of columns in their layouts. It stands for one body here, too: of thousands of tables they would be most of what is kept. */
const bodies = new WeakMap<LayoutSource['collations'], WeakMap<TableMap['columns'], TableBody>>();

function bodyOf(layout: TableMap, collations: LayoutSource['collations']): TableBody {
  let known = bodies.get(collations);
  if (known === undefined) {
    known = new WeakMap();
    bodies.set(collations, known);
  }
  let body = known.get(layout.columns);
  if (body === undefined) {
    const columns = layout.columns.map((wire) => columnOf(wire, layout, collations));
    const key = layout.primaryKey?.map((index) => (columns[index] as Column).name);
    body = { columns, ...(key === undefined || key.length === 0 ? {} : { primaryKey: key }), uniqueKeys: [] };
    known.set(layout.columns, body);
  }
  return body;
}

/** What must be known of the source besides what its binlog says. */
export interface LayoutSource {
  readonly flavor: Flavor;
  readonly collations: ReadonlyMap<number, Collation>;
  /** The captured tables as the source had them when the reader started. */
  readonly tables: readonly Table[];
}

const OLD_TEMPORALS: ReadonlySet<number> = new Set([WIRE_TYPE.TIME, WIRE_TYPE.DATETIME, WIRE_TYPE.TIMESTAMP]);

/**
 * MariaDB's own temporal format (mysql56_temporal_format = OFF) has a fraction in some bytes more, and the binlog says neither the digits nor the
 * bytes: such rows would be cut in the wrong places. Without a fraction it is the old format of MySQL. Only the source can tell.
 */
function requireKnownFractions(layout: TableMap, columns: readonly Column[], tables: readonly Table[]): void {
  const old = columns.filter((_, i) => OLD_TEMPORALS.has(layout.columns[i]?.type ?? 0));
  if (old.length === 0) return;
  const known = tables.find(({ database, name }) => database === layout.database && name === layout.table);
  for (const { name } of old) {
    const column = known?.columns.find((candidate) => candidate.name === name);
    if (column?.fsp === 0) continue;
    const digits = column === undefined ? 'an unknown number of' : String(column.fsp);
    const table = `${layout.database}.${layout.table}`;
    throw new TaplineError('SCHEMA_UNSUPPORTED', {
      message: `Column ${name} has MariaDB's format of mysql56_temporal_format = OFF with ${digits} fraction digits, which the binlog does not describe.`,
      place: { table },
      remedy: `SET GLOBAL mysql56_temporal_format = ON; and ALTER TABLE ${table} FORCE; then exclude the table, or load it anew.`,
    });
  }
}

function columnOf(wire: WireColumn, layout: TableMap, collations: ReadonlyMap<number, Collation>): Column {
  const place = { table: `${layout.database}.${layout.table}` };
  if (wire.name === undefined) {
    throw new TaplineError('SOURCE_ROW_METADATA', {
      message:
        'Rows were logged without the names of their columns (binlog_row_metadata was MINIMAL when they were written).',
      place,
    });
  }
  const collation = collations.get(wire.charsetId ?? BINARY_COLLATION);
  if (collation === undefined) {
    throw new TaplineError('SCHEMA_UNSUPPORTED', {
      message: `Column ${wire.name} has the collation ${wire.charsetId}, which the source does not know.`,
      place,
    });
  }
  const { type, ...details } = describe(wire, collation);
  // The binlog says it of YEAR too, information_schema does not.
  const unsigned = type !== 'year' && (wire.unsigned ?? false);
  return {
    name: wire.name,
    type,
    columnType: unsigned ? `${type} unsigned` : type,
    nullable: wire.nullable,
    unsigned,
    ...details,
  };
}

type Details = Pick<Column, 'type'> & Partial<Column>;

function describe(wire: WireColumn, collation: Collation): Details {
  const temporal = TEMPORAL.get(wire.type);
  if (temporal !== undefined) return { type: temporal, fsp: wire.meta };
  const isBinary = wire.charsetId === BINARY_COLLATION;
  const text = { charset: collation.charset, collation: collation.name };
  switch (wire.type) {
    case WIRE_TYPE.NEWDECIMAL:
      return { type: 'decimal', precision: wire.meta >> 8, scale: wire.meta & 0xff };
    case WIRE_TYPE.BIT:
      return { type: 'bit', length: wire.meta };
    case WIRE_TYPE.STRING:
      return isBinary ? { type: 'binary', length: wire.meta } : { type: 'char', ...text };
    case WIRE_TYPE.VARCHAR:
    case WIRE_TYPE.VAR_STRING:
    case WIRE_TYPE.VARCHAR_COMPRESSED: {
      // MariaDB counts the byte in front of what is compressed.
      const length = wire.type === WIRE_TYPE.VARCHAR_COMPRESSED ? wire.meta - 1 : wire.meta;
      return isBinary ? { type: 'varbinary', length } : { type: 'varchar', ...text };
    }
    case WIRE_TYPE.BLOB:
    case WIRE_TYPE.BLOB_COMPRESSED: {
      const size = BLOB_SIZES[wire.meta] ?? '';
      return isBinary ? { type: `${size}blob` } : { type: `${size}text`, ...text };
    }
    case WIRE_TYPE.ENUM:
    case WIRE_TYPE.SET:
      return {
        type: wire.type === WIRE_TYPE.ENUM ? 'enum' : 'set',
        members: (wire.memberBytes ?? []).map((bytes) => decodeText(collation.charset, bytes)),
        ...text,
      };
    case WIRE_TYPE.GEOMETRY:
      return { type: SPATIAL_TYPES[wire.geometryType ?? 0] ?? 'geometry' };
    case WIRE_TYPE.VECTOR:
      return { type: 'vector', ...(wire.dimensions === undefined ? {} : { length: wire.dimensions }) };
    default:
      return { type: PLAIN.get(wire.type) ?? `wire type ${wire.type}` };
  }
}
