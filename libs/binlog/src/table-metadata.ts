import { corrupt } from './event-errors.ts';
import { EventReader } from './event-reader.ts';
import type { WireColumn } from './types.ts';
import { WIRE_TYPE } from './wire-types.ts';

export type MutableColumn = { -readonly [K in keyof WireColumn]: WireColumn[K] };

const NUMERIC: ReadonlySet<number> = new Set([
  WIRE_TYPE.TINY,
  WIRE_TYPE.SHORT,
  WIRE_TYPE.INT24,
  WIRE_TYPE.LONG,
  WIRE_TYPE.LONGLONG,
  WIRE_TYPE.FLOAT,
  WIRE_TYPE.DOUBLE,
  WIRE_TYPE.NEWDECIMAL,
  WIRE_TYPE.YEAR,
]);

const CHARACTER: ReadonlySet<number> = new Set([
  WIRE_TYPE.STRING,
  WIRE_TYPE.VAR_STRING,
  WIRE_TYPE.VARCHAR,
  WIRE_TYPE.TINY_BLOB,
  WIRE_TYPE.MEDIUM_BLOB,
  WIRE_TYPE.LONG_BLOB,
  WIRE_TYPE.BLOB,
  WIRE_TYPE.BLOB_COMPRESSED,
  WIRE_TYPE.VARCHAR_COMPRESSED,
]);

/** What is a Field_blob inside is counted among the columns with a character set: MySQL's VECTOR (as binary), though not its geometry; MariaDB's geometry. */
const MYSQL_CHARACTER: ReadonlySet<number> = new Set([...CHARACTER, WIRE_TYPE.VECTOR]);
const MARIADB_CHARACTER: ReadonlySet<number> = new Set([...CHARACTER, WIRE_TYPE.GEOMETRY]);

type Chosen = readonly MutableColumn[];

/**
 * The optional metadata of TABLE_MAP (Table_map_event::Optional_metadata_fields): type u8 · packed length · value, until the event's end.
 * Each field lists values for the columns of one kind only, in column order. Unknown types are skipped: they only add knowledge.
 * Returns the primary key's column indexes, when told.
 */
export function applyMetadata(
  event: EventReader,
  columns: readonly MutableColumn[],
  isMariadb: boolean,
): readonly number[] | undefined {
  const character = isMariadb ? MARIADB_CHARACTER : MYSQL_CHARACTER;
  const of = (types: ReadonlySet<number>): Chosen => columns.filter((column) => types.has(column.type));
  const ofType = (type: number): Chosen => columns.filter((column) => column.type === type);
  const named = (): Chosen => columns.filter(({ type }) => type === WIRE_TYPE.ENUM || type === WIRE_TYPE.SET);
  const field = new EventReader();
  let primaryKey: number[] | undefined;
  while (event.remaining > 0) {
    const type = event.u8('metadata type');
    const length = event.packed('metadata length');
    const start = event.take(length, 'metadata value');
    field.reset(event.buffer, start, start + length);
    switch (type) {
      case 1:
        readFlags(field, of(NUMERIC), (column, set) => {
          column.unsigned = set;
        });
        break;
      case 2:
        readDefaultCharset(field, of(character));
        break;
      case 3:
        for (const column of of(character)) column.charsetId = field.packed('collation');
        break;
      case 4:
        for (const column of columns) column.name = field.text(field.packed('column name length'), 'column name');
        break;
      case 5:
        for (const column of ofType(WIRE_TYPE.SET)) column.memberBytes = readMembers(field);
        break;
      case 6:
        for (const column of ofType(WIRE_TYPE.ENUM)) column.memberBytes = readMembers(field);
        break;
      case 7:
        for (const column of ofType(WIRE_TYPE.GEOMETRY)) column.geometryType = field.packed('geometry type');
        break;
      case 8:
      case 9:
        primaryKey = readKey(field, columns.length, type === 9);
        break;
      case 10:
        readDefaultCharset(field, named());
        break;
      case 11:
        for (const column of named()) column.charsetId = field.packed('collation');
        break;
      case 12:
        readFlags(field, columns, (column, visible) => {
          column.invisible = !visible;
        });
        break;
      case 13:
        for (const column of ofType(WIRE_TYPE.VECTOR)) column.dimensions = field.packed('vector dimensions');
        break;
      default:
        break;
    }
  }
  return primaryKey;
}

/** A bitmap, most significant bit first. */
function readFlags(field: EventReader, columns: Chosen, set: (column: MutableColumn, flag: boolean) => void): void {
  const bits = field.bytes((columns.length + 7) >> 3, 'metadata bitmap');
  for (const [i, column] of columns.entries()) set(column, (bits[i >> 3]! & (0x80 >> (i & 7))) !== 0);
}

/** packed default collation · pairs of (packed index among these columns, packed collation) for those that differ. */
function readDefaultCharset(field: EventReader, columns: Chosen): void {
  const usual = field.packed('default collation');
  for (const column of columns) column.charsetId = usual;
  while (field.remaining > 0) {
    const index = field.packed('column index');
    const column = columns[index];
    if (column === undefined) throw corrupt(`a collation for character column ${index} of ${columns.length}`);
    column.charsetId = field.packed('collation');
  }
}

/** packed count · each: packed length, bytes in the column's character set. */
function readMembers(field: EventReader): Buffer[] {
  const count = field.packed('number of members');
  const members: Buffer[] = [];
  for (let i = 0; i < count; i++) members.push(Buffer.from(field.bytes(field.packed('member length'), 'member')));
  return members;
}

/** packed column index each, with a prefix length (packed, 0 = whole) after it in the second form. */
function readKey(field: EventReader, columns: number, withPrefixes: boolean): number[] {
  const key: number[] = [];
  while (field.remaining > 0) {
    const index = field.packed('key column');
    if (index >= columns) throw corrupt(`primary key column ${index} of ${columns}`);
    if (withPrefixes) field.packed('key prefix');
    key.push(index);
  }
  return key;
}
