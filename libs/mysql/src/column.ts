import type { Column } from '@tapline/schema';

/** A row of information_schema.COLUMNS, as text. */
export interface ColumnRow {
  readonly name: string;
  readonly dataType: string;
  readonly columnType: string;
  readonly nullable: string;
  readonly characterLength: string | null;
  readonly numericPrecision: string | null;
  readonly numericScale: string | null;
  readonly datetimePrecision: string | null;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly extra: string | null;
  readonly srid: string | null;
}

const TEXT_TYPES: ReadonlySet<string> = new Set([
  'char',
  'varchar',
  'tinytext',
  'text',
  'mediumtext',
  'longtext',
  'enum',
  'set',
]);
const TIME_TYPES: ReadonlySet<string> = new Set(['time', 'datetime', 'timestamp']);
/** MariaDB's types that are fixed byte strings in the binlog: their lengths. */
const BYTE_TYPES: ReadonlyMap<string, number> = new Map([
  ['uuid', 16],
  ['inet6', 16],
  ['inet4', 4],
]);

export function columnOf(row: ColumnRow): Column {
  const type = row.dataType.toLowerCase();
  const length = lengthOf(type, row);
  const generated = /\b(VIRTUAL|STORED|PERSISTENT) GENERATED\b/i.exec(row.extra ?? '')?.[1]?.toLowerCase();
  return {
    name: row.name,
    type,
    columnType: row.columnType,
    nullable: row.nullable === 'YES',
    unsigned: isUnsigned(type, row.columnType),
    // MySQL gives no character set for `enum(…) character set binary`, MariaDB says binary.
    ...(TEXT_TYPES.has(type) ? { charset: row.charset ?? 'binary', collation: row.collation ?? 'binary' } : {}),
    ...(length === undefined ? {} : { length }),
    ...(type === 'decimal' ? { precision: Number(row.numericPrecision), scale: Number(row.numericScale ?? 0) } : {}),
    ...(TIME_TYPES.has(type) ? { fsp: Number(row.datetimePrecision ?? 0) } : {}),
    ...(type === 'enum' || type === 'set' ? { members: membersOf(row.columnType) } : {}),
    ...(row.srid === null ? {} : { srid: Number(row.srid) }),
    ...(generated === undefined ? {} : { generated: generated === 'virtual' ? 'virtual' : 'stored' }),
  };
}

function isUnsigned(type: string, columnType: string): boolean {
  return type !== 'enum' && type !== 'set' && /\bunsigned\b/i.test(columnType);
}

function lengthOf(type: string, row: ColumnRow): number | undefined {
  if (type === 'bit') return Number(row.numericPrecision);
  // CHARACTER_MAXIMUM_LENGTH of a vector is in bytes; its dimensions stand in the column type.
  if (type === 'vector') return Number(/\((\d+)\)/.exec(row.columnType)?.[1]);
  const bytes = BYTE_TYPES.get(type);
  if (bytes !== undefined) return bytes;
  return row.characterLength === null ? undefined : Number(row.characterLength);
}

const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r' };

/**
 * The members in `enum('a','b')` or `set(…)`, as SHOW CREATE TABLE and COLUMN_TYPE print them under every sql_mode:
 *
 *     members := "'" (character | "''" | "\\" | "\0" | "\n" | "\r")* "'" (',' …)*
 *
 * The server prints them in its three-byte utf8, so a character beyond the basic plane has become `?` there; binlog_row_metadata=FULL
 * carries the exact bytes.
 */
export function membersOf(columnType: string): string[] {
  const members: string[] = [];
  const list = columnType.slice(columnType.indexOf('(') + 1, columnType.lastIndexOf(')'));
  for (const [, quoted = ''] of list.matchAll(/'((?:[^'\\]|''|\\.)*)'/gsu)) {
    members.push(
      quoted.replaceAll(/''|\\(.)/gsu, (_, escaped: string | undefined) =>
        escaped === undefined ? "'" : (ESCAPES[escaped] ?? escaped),
      ),
    );
  }
  return members;
}
