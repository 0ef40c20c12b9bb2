import { quoteName, quoteTable } from '@tapline/mysql';
import { type Column, SPATIAL_TYPES, type Table } from '@tapline/schema';
import { quoted } from './literal.ts';
import { type Dialect, VERSION_COLUMN } from './target.ts';

/**
 * Types that only one of the two servers has, as what the other one stores the same values in. MySQL has no UUID and addresses; their binlog form is what
 * records have.
 */
const MYSQL_TYPES: Readonly<Record<string, string>> = {
  uuid: 'binary(16)',
  inet6: 'varbinary(16)',
  inet4: 'binary(4)',
};

const TEXT_WITH_MEMBERS: ReadonlySet<string> = new Set(['enum', 'set']);

const SPATIAL: ReadonlySet<string> = new Set(SPATIAL_TYPES);

/**
 * CREATE TABLE for a copy of a source's table: columns with their types, character sets and collations, the primary and unique keys. Computed columns become
 * plain ones, since their values are in the records and their expressions are not in the history. Defaults are left out: every record has every column.
 */
export function createTable(name: string, shape: Table, keyNames: readonly string[], dialect: Dialect): string {
  const lines = shape.columns.map((column) => columnDefinition(column, dialect));
  const own = shape.primaryKey ?? [];
  const key = own.length > 0 ? own : keyNames;
  if (key.length > 0) lines.push(`PRIMARY KEY (${list(key)})`);
  for (const { name: keyName, columns } of shape.uniqueKeys) {
    if (columns.join() === key.join()) continue;
    lines.push(`UNIQUE KEY ${quoteName(keyName)} (${list(columns)})`);
  }
  return `CREATE TABLE ${name} (${lines.join(', ')})`;
}

/** CREATE TABLE for the versions of a table's rows: the key as it is in the target, so that both find the same rows equal. */
export function createVersions(name: string, target: Table, keyNames: readonly string[], dialect: Dialect): string {
  const columns = keyNames.flatMap((keyName) => target.columns.filter((column) => column.name === keyName));
  const lines = columns.map((column) => columnDefinition({ ...column, nullable: false }, dialect));
  lines.push(`${quoteName(VERSION_COLUMN)} BIGINT UNSIGNED NOT NULL`, `PRIMARY KEY (${list(keyNames)})`);
  return `CREATE TABLE IF NOT EXISTS ${name} (${lines.join(', ')}) ENGINE=InnoDB`;
}

/** `ALTER TABLE … ADD COLUMN`, for columns that the source's table has got. They are nullable, as the rows there already lack them. */
export function addColumns(
  table: Pick<Table, 'database' | 'name'>,
  columns: readonly Column[],
  dialect: Dialect,
): string {
  const lines = columns.map((column) => `ADD COLUMN ${columnDefinition({ ...column, nullable: true }, dialect)}`);
  return `ALTER TABLE ${quoteTable(table.database, table.name)} ${lines.join(', ')}`;
}

/** A column as CREATE and ALTER TABLE define it, but for its default. */
export function columnDefinition(column: Column, dialect: Dialect): string {
  const srid =
    column.srid !== undefined && dialect.flavor === 'mysql' && dialect.unicode !== 'tidb' && SPATIAL.has(column.type);
  return [
    quoteName(column.name),
    typeText(column, dialect),
    ...textOptions(column, dialect),
    column.nullable ? 'NULL' : 'NOT NULL',
    ...(srid ? [`SRID ${column.srid}`] : []),
  ].join(' ');
}

/** What the target calls the column's type. */
export function typeText(column: Column, dialect: Dialect): string {
  if (TEXT_WITH_MEMBERS.has(column.type)) {
    return `${column.type}(${(column.members ?? []).map(quoted).join(',')})`;
  }
  // TiDB has no spatial types: their bytes as the binlog has them.
  if (dialect.unicode === 'tidb' && SPATIAL.has(column.type)) return 'longblob';
  if (column.type === 'geomcollection') return 'geometrycollection';
  return (dialect.flavor === 'mysql' ? MYSQL_TYPES[column.type] : undefined) ?? column.columnType;
}

function textOptions({ type, charset, collation }: Column, dialect: Dialect): string[] {
  if (charset === undefined || charset === 'binary' || type === 'json') return [];
  const name = collation === undefined ? undefined : collationFor(collation, dialect);
  const set = charsetFor(charset, dialect);
  if (name === undefined && set !== charset) return [`CHARACTER SET ${set}`, 'COLLATE utf8mb4_bin'];
  return [`CHARACTER SET ${set}`, ...(name === undefined ? [] : [`COLLATE ${name}`])];
}

/** TiDB has few character sets, and its utf8mb4 holds what all of them do. */
export function charsetFor(charset: string, { unicode }: Dialect): string {
  return unicode === 'tidb' && charset !== 'binary' ? 'utf8mb4' : charset;
}

/** `0900_ai_ci`, `ja_0900_as_cs_ks`, `uca1400_german2_nopad_ai_ci`, and what says nothing of accents and case. */
const NEWER = /^(?:utf8mb4_)?(?:[a-z_]+_)?(0900|uca1400)_(?:.*_)?(bin|a[is]_c[is])(?:_ks)?$/;

/**
 * The servers call the collations of Unicode 9 and 14 differently, and each compares by its own table; for keys what counts is accents, case, and that
 * blanks at the end are not padded. Where a server has none like it, one that tells more apart: then no two rows of the source are one.
 */
export function collationFor(collation: string, { unicode, flavor }: Dialect): string {
  if (unicode === 'tidb') return collationOfTidb(collation);
  const name = collation === 'utf8mb4_nopad_bin' ? 'utf8mb4_0900_bin' : collation;
  const [, version, kind] = NEWER.exec(name) ?? [];
  if (version === undefined || kind === undefined) return collation;
  const isOwn = unicode === (version === '0900' ? 'uca900' : 'uca1400');
  if (flavor === 'mariadb') {
    if (kind === 'bin') return 'utf8mb4_nopad_bin';
    if (isOwn) return collation;
    if (unicode === 'uca1400') return `utf8mb4_uca1400_nopad_${kind}`;
    return kind === 'ai_ci' ? 'utf8mb4_unicode_520_nopad_ci' : 'utf8mb4_nopad_bin';
  }
  if (isOwn) return name;
  if (unicode === 'uca520') return kind === 'ai_ci' ? 'utf8mb4_unicode_520_ci' : 'utf8mb4_bin';
  // MySQL has accents ignored and cases told apart only in language-specific ones.
  return `utf8mb4_0900_${kind === 'ai_cs' ? 'as_cs' : kind}`;
}

/** "Character Set and Collation" of TiDB's manual. Of the others, those that ignore accents and case become the newest that does; else bytes count. */
function collationOfTidb(collation: string): string {
  // Of Unicode in other lengths they compare alike.
  const own = collation.replace(/^(?:utf8|utf8mb3|ucs2|utf16|utf16le|utf32)_/, 'utf8mb4_');
  if (TIDB.has(own)) return own;
  const [, , kind] = NEWER.exec(collation) ?? [];
  if (kind === 'ai_ci') return 'utf8mb4_0900_ai_ci';
  // Blanks at the end count in the newer ones.
  return kind !== undefined || collation.includes('nopad') ? 'utf8mb4_0900_bin' : 'utf8mb4_bin';
}

const TIDB: ReadonlySet<string> = new Set(
  ['general_ci', 'unicode_ci', 'bin', '0900_ai_ci', '0900_bin'].map((name) => `utf8mb4_${name}`),
);

function list(names: readonly string[]): string {
  return names.map(quoteName).join(', ');
}
