import type { TableMap, WireColumn } from '@tapline/binlog';
import { WIRE_TYPE } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Column, Table } from '@tapline/schema';
import { charsetOfCollation } from './charsets/collations.ts';
import { decodeText } from './charsets/decode-text.ts';
import { expectedMeta } from './wire-meta.ts';

const text = [WIRE_TYPE.STRING, WIRE_TYPE.VAR_STRING, WIRE_TYPE.VARCHAR] as const;
/** MariaDB's COMPRESSED columns have types of their own. */
const varying = [...text, WIRE_TYPE.VARCHAR_COMPRESSED] as const;
const blob = [
  WIRE_TYPE.BLOB,
  WIRE_TYPE.TINY_BLOB,
  WIRE_TYPE.MEDIUM_BLOB,
  WIRE_TYPE.LONG_BLOB,
  WIRE_TYPE.BLOB_COMPRESSED,
] as const;

/** DATA_TYPE → the binlog types that may carry it. */
const WIRE_TYPES: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ['tinyint', [WIRE_TYPE.TINY]],
  ['smallint', [WIRE_TYPE.SHORT]],
  ['mediumint', [WIRE_TYPE.INT24]],
  ['int', [WIRE_TYPE.LONG]],
  ['integer', [WIRE_TYPE.LONG]],
  ['bigint', [WIRE_TYPE.LONGLONG]],
  ['year', [WIRE_TYPE.YEAR]],
  ['bit', [WIRE_TYPE.BIT]],
  ['decimal', [WIRE_TYPE.NEWDECIMAL]],
  ['numeric', [WIRE_TYPE.NEWDECIMAL]],
  ['float', [WIRE_TYPE.FLOAT]],
  ['double', [WIRE_TYPE.DOUBLE]],
  ['real', [WIRE_TYPE.DOUBLE]],
  ['date', [WIRE_TYPE.DATE, WIRE_TYPE.NEWDATE]],
  ['time', [WIRE_TYPE.TIME2, WIRE_TYPE.TIME]],
  ['datetime', [WIRE_TYPE.DATETIME2, WIRE_TYPE.DATETIME]],
  ['timestamp', [WIRE_TYPE.TIMESTAMP2, WIRE_TYPE.TIMESTAMP]],
  ['char', text],
  ['varchar', varying],
  ['binary', text],
  ['varbinary', varying],
  ['uuid', text],
  ['inet6', text],
  ['inet4', text],
  ...['tiny', '', 'medium', 'long'].flatMap((size) => [[`${size}text`, blob] as const, [`${size}blob`, blob] as const]),
  ['enum', [WIRE_TYPE.ENUM]],
  ['set', [WIRE_TYPE.SET]],
  ['json', [WIRE_TYPE.JSON]],
  ['vector', [WIRE_TYPE.VECTOR, ...text]],
]);

/**
 * Compares the table with what the binlog says of it: a difference means that the row was written with another schema, and would be
 * decoded into wrong values. Throws SCHEMA_MISMATCH with the column and both sides.
 */
export function checkWire(table: Table, wire: TableMap): void {
  if (wire.database !== table.database || wire.table !== table.name) {
    throw mismatch(table, `is ${table.database}.${table.name}`, `${wire.database}.${wire.table}`);
  }
  const columns = wireColumns(table, wire);
  if (wire.columns.length !== columns.length) {
    throw mismatch(table, `has ${columns.length} columns`, `${wire.columns.length}`);
  }
  columns.forEach((column, i) => {
    const found = difference(column, wire.columns[i] as WireColumn);
    if (found !== undefined) throw mismatch(table, `has column ${i + 1} ${column.name} ${found[0]}`, found[1]);
  });
}

/** The columns that rows must have. MariaDB forgets some of its hashes of keys when a table is altered. */
function wireColumns({ columns, hidden }: Table, wire: TableMap): readonly Column[] {
  if (hidden === undefined) return columns;
  const all = [...columns, ...hidden];
  const firm = all.length - hidden.filter(({ name }) => name.startsWith(HASH)).length;
  return all.slice(0, Math.max(firm, wire.columns.length));
}

const HASH = 'DB_ROW_HASH_';

export function mismatch(table: Table, known: string, seen: string): TaplineError {
  return new TaplineError('SCHEMA_MISMATCH', {
    message: `The table ${known} in the schema; the binlog says ${seen}.`,
    place: { table: `${table.database}.${table.name}` },
  });
}

/** [what the table says, what the wire says], or undefined. */
function difference(column: Column, wire: WireColumn): readonly [string, string] | undefined {
  if (wire.name !== undefined && wire.name !== column.name) return ['by that name', `the name is ${wire.name}`];
  const types = WIRE_TYPES.get(column.type) ?? [WIRE_TYPE.GEOMETRY];
  if (!types.includes(wire.type)) return [column.columnType, `type ${wireTypeName(wire.type)}`];
  if (wire.nullable !== column.nullable) return [nullability(column.nullable), nullability(wire.nullable)];
  if (wire.unsigned !== undefined && wire.unsigned !== column.unsigned && isNumber(column)) {
    return [column.unsigned ? 'unsigned' : 'signed', wire.unsigned ? 'unsigned' : 'signed'];
  }
  const charset = differentCharset(column, wire) ?? differentMembers(column, wire);
  if (charset !== undefined) return charset;
  const meta = expectedMeta(column, wire.type);
  if (meta !== undefined && meta !== wire.meta) return [column.columnType, `type metadata ${wire.meta}, not ${meta}`];
  return undefined;
}

const typeNames = new Map<number, string>(Object.entries(WIRE_TYPE).map(([name, type]) => [type, name]));

function wireTypeName(type: number): string {
  return typeNames.get(type) ?? String(type);
}

function nullability(nullable: boolean): string {
  return nullable ? 'NULL' : 'NOT NULL';
}

function isNumber(column: Column): boolean {
  return /^(tinyint|smallint|mediumint|int|integer|bigint|decimal|numeric|float|double|real)$/.test(column.type);
}

/** The same character set under two names. */
const SAME_CHARSET: Readonly<Record<string, string>> = { utf8: 'utf8mb3' };

function differentCharset(column: Column, wire: WireColumn): readonly [string, string] | undefined {
  if (wire.charsetId === undefined || !HAS_CHARSET.test(column.type)) return undefined;
  const seen = charsetOfCollation(wire.charsetId);
  const known = column.charset ?? 'binary';
  if (seen === undefined || seen === (SAME_CHARSET[known] ?? known)) return undefined;
  return [`in character set ${known}`, `character set ${seen} (collation ${wire.charsetId})`];
}

const HAS_CHARSET = /^(var)?char$|text$|binary$|blob$/;

/**
 * A `?` on either side may stand for any character: information_schema shows it for those beyond the basic plane, and a session that is not strict keeps it
 * for those that the column's character set lacks.
 */
function differentMembers(column: Column, wire: WireColumn): readonly [string, string] | undefined {
  const { members } = column;
  if (wire.memberBytes === undefined || members === undefined) return undefined;
  const seen = wire.memberBytes.map((bytes) => decodeText(column.charset ?? 'utf8mb4', bytes));
  const same = seen.length === members.length && seen.every((text, i) => isSameMember(members[i] as string, text));
  return same ? undefined : [`with members ${quotedList(members)}`, `members ${quotedList(seen)}`];
}

function isSameMember(known: string, seen: string): boolean {
  if (known === seen) return true;
  const [left, right] = [Array.from(known), Array.from(seen)];
  return left.length === right.length && left.every((char, i) => char === right[i] || char === '?' || right[i] === '?');
}

function quotedList(members: readonly string[]): string {
  const text = members.map((member) => `'${member}'`).join(', ');
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
