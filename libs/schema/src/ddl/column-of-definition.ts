import type { Column } from '../table.ts';
import { type CollationBook, resolveText, type TextDefaults } from './collations.ts';
import type { ColumnDefinition } from './column-definition.ts';
import type { DataType } from './data-type.ts';
import { type DdlDialect, showsDisplayWidth } from './dialect.ts';

/** What decides, beside the definition itself, what a column becomes. */
export interface ColumnContext {
  readonly dialect: DdlDialect;
  readonly book: CollationBook;
  /** The table's. */
  readonly text: TextDefaults;
}

/** The column that the server makes of a definition, in the words of information_schema. */
export function columnOfDefinition(definition: ColumnDefinition, context: ColumnContext): Column {
  const { name, type, generated, srid } = definition;
  const isNotNull = type.name === 'timestamp' && context.dialect.explicitTimestamps === false;
  const described = describe(type, context);
  return {
    name,
    nullable: definition.nullable ?? !isNotNull,
    ...described,
    ...(definition.compressed ? { columnType: `${described.columnType}${compressed(context.dialect)}` } : {}),
    // MariaDB shows it nowhere.
    ...(srid === undefined || context.dialect.flavor === 'mariadb' ? {} : { srid }),
    ...(generated === undefined ? {} : { generated }),
  };
}

/** As information_schema shows the attribute. */
function compressed({ version }: DdlDialect): string {
  return version < 100_600 ? ' /*!100301 COMPRESSED*/' : ' /*M!100301 COMPRESSED*/';
}

type Described = Omit<Column, 'name' | 'nullable'>;

/** Digits that an integer of the type can have, its sign included: the width shown when none is given. */
const INTEGER_WIDTHS: ReadonlyMap<string, { readonly signed: number; readonly unsigned: number }> = new Map([
  ['tinyint', { signed: 4, unsigned: 3 }],
  ['smallint', { signed: 6, unsigned: 5 }],
  ['mediumint', { signed: 9, unsigned: 8 }],
  ['int', { signed: 11, unsigned: 10 }],
  ['bigint', { signed: 20, unsigned: 20 }],
]);

/** Most bytes of each size of text and blob, smallest first. */
const SIZES: readonly (readonly [string, number])[] = [
  ['tiny', 255],
  ['', 65_535],
  ['medium', 16_777_215],
  ['long', 4_294_967_295],
];
const MAX_VARCHAR_BYTES = 65_535;
const DEFAULT_DIMENSIONS = 2048;

function describe(type: DataType, context: ColumnContext): Described {
  const { name } = type;
  const first = type.arguments[0];
  if (INTEGER_WIDTHS.has(name)) return integer(type, context.dialect);
  switch (name) {
    case 'decimal':
      return decimal(type);
    case 'float':
    case 'double':
      return floating(type);
    case 'bit':
      return { ...plain('bit', `bit(${first ?? 1})`), length: first ?? 1 };
    case 'year':
      return plain('year', showsDisplayWidth(context.dialect) ? 'year(4)' : 'year');
    case 'time':
    case 'datetime':
    case 'timestamp':
      return { ...plain(name, first ? `${name}(${first})` : name), fsp: first ?? 0 };
    case 'char':
    case 'varchar':
      return characters(type, context);
    case 'binary':
    case 'varbinary':
      // Without strict mode the server makes a BLOB of one that is too long for a row.
      if ((first ?? 1) > MAX_VARCHAR_BYTES) return sized({ ...type, name: 'blob' }, context);
      return { ...plain(name, `${name}(${first ?? 1})`), length: first ?? 1 };
    case 'enum':
    case 'set':
      return members(type, context);
    case 'vector':
      return vector(first ?? DEFAULT_DIMENSIONS, context.dialect);
    case 'json':
      return context.dialect.flavor === 'mariadb' ? mariadbJson() : plain(name);
    case 'geomcollection':
      return plain(
        context.dialect.flavor === 'mariadb' || context.dialect.version < 80_000 ? 'geometrycollection' : name,
      );
    case 'uuid':
    case 'inet6':
      return { ...plain(name), length: 16 };
    case 'inet4':
      return { ...plain(name), length: 4 };
    default:
      return /(?:text|blob)$/.test(name) ? sized(type, context) : plain(name);
  }
}

/** MariaDB's is bytes in its binlog, and so it is here. */
function vector(dimensions: number, { flavor }: DdlDialect): Described {
  const columnType = `vector(${dimensions})`;
  if (flavor === 'mysql') return { ...plain('vector', columnType), length: dimensions };
  return { ...plain('varbinary', columnType), length: dimensions * 4 };
}

function plain(type: string, columnType: string = type): Described {
  return { type, columnType, unsigned: false };
}

function integer(type: DataType, dialect: DdlDialect): Described {
  const { name, unsigned, zerofill } = type;
  const widths = INTEGER_WIDTHS.get(name) as { signed: number; unsigned: number };
  const width = type.arguments[0] ?? (unsigned ? widths.unsigned : widths.signed);
  const isBoolean = name === 'tinyint' && width === 1 && !unsigned;
  const shown = showsDisplayWidth(dialect) || zerofill || isBoolean ? `(${width})` : '';
  return { type: name, columnType: `${name}${shown}${signs(type)}`, unsigned };
}

function signs({ unsigned, zerofill }: DataType): string {
  return `${unsigned ? ' unsigned' : ''}${zerofill ? ' zerofill' : ''}`;
}

function decimal(type: DataType): Described {
  const precision = type.arguments[0] || 10;
  const scale = type.arguments[1] ?? 0;
  const columnType = `decimal(${precision},${scale})${signs(type)}`;
  return { type: 'decimal', columnType, unsigned: type.unsigned, precision, scale };
}

/** FLOAT(p) chooses between float and double by p; FLOAT(m,d) is shown with both. */
function floating(type: DataType): Described {
  const [first, second] = type.arguments;
  const name = type.name === 'float' && second === undefined && (first ?? 0) > 24 ? 'double' : type.name;
  const digits = second === undefined ? '' : `(${first},${second})`;
  return { type: name, columnType: `${name}${digits}${signs(type)}`, unsigned: type.unsigned };
}

/** CHAR and VARCHAR: in the character set `binary` they are BINARY and VARBINARY; too long for a row, a VARCHAR becomes a TEXT. */
function characters(type: DataType, context: ColumnContext): Described {
  const text = resolveText(type, context.text, context.book);
  const length = type.arguments[0] ?? 1;
  if (text.charset === 'binary') {
    const name = type.name === 'char' ? 'binary' : 'varbinary';
    if (length <= MAX_VARCHAR_BYTES) return { ...plain(name, `${name}(${length})`), length };
  }
  if (length * bytesOf(text, context.book) > MAX_VARCHAR_BYTES) return sized({ ...type, name: 'text' }, context);
  return { ...plain(type.name, `${type.name}(${length})`), ...text, length };
}

function bytesOf(text: TextDefaults, book: CollationBook): number {
  return book.charset(text.charset)?.maxBytes ?? 4;
}

/** TEXT and BLOB of a size, or of the size that n characters need: TEXT(n). */
function sized(type: DataType, context: ColumnContext): Described {
  const isBlob = type.name.endsWith('blob');
  const text = isBlob ? BINARY : resolveText(type, context.text, context.book);
  const family = text.charset === 'binary' ? 'blob' : 'text';
  const [asked] = type.arguments;
  const size =
    asked === undefined || asked === 0
      ? type.name.slice(0, -4)
      : sizeFor(asked * (isBlob ? 1 : bytesOf(text, context.book)));
  return {
    ...plain(`${size}${family}`),
    ...(family === 'blob' ? {} : text),
    length: lengthOf(size, text.charset),
  };
}

const BINARY: TextDefaults = { charset: 'binary', collation: 'binary' };

function sizeFor(bytes: number): string {
  return SIZES.find(([, most]) => bytes <= most)?.[0] ?? 'long';
}

function members(type: DataType, context: ColumnContext): Described {
  const text = resolveText(type, context.text, context.book);
  // Trailing spaces of a member are dropped when the table is made, except under the character set binary.
  const list = (type.members ?? []).map((member) => (text.charset === 'binary' ? member : member.replace(/ +$/, '')));
  const lengths = list.map((member) => Array.from(member).length);
  const length = type.name === 'enum' ? Math.max(...lengths) : lengths.reduce((sum, n) => sum + n, list.length - 1);
  return { ...plain(type.name, `${type.name}(${list.map(quoted).join(',')})`), ...text, length, members: list };
}

const ESCAPED: Readonly<Record<string, string>> = { "'": "''", '\\': '\\\\', '\0': '\\0', '\n': '\\n', '\r': '\\r' };

function quoted(member: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is a character that a member may have.
  return `'${member.replaceAll(/['\\\0\n\r]/g, (char) => ESCAPED[char] as string)}'`;
}

/** MariaDB's JSON is a LONGTEXT with a check: https://mariadb.com/kb/en/json-data-type/ */
function mariadbJson(): Described {
  return { ...plain('longtext'), charset: 'utf8mb4', collation: 'utf8mb4_bin', length: 4_294_967_295 };
}

/**
 * The column in another character set, as ALTER TABLE … CONVERT TO makes it: what is too short for the same characters grows. Columns that are no text
 * stay as they are.
 */
export function convertedColumn(column: Column, text: TextDefaults, book: CollationBook): Column {
  const { charset, collation, type } = column;
  const recoded = recodedColumn(column, text);
  if (recoded === column || charset === undefined || collation === undefined || text.charset === 'binary')
    return recoded;
  const length = column.length ?? 0;
  if (type === 'varchar') {
    const bytes = length * bytesOf(text, book);
    return bytes <= MAX_VARCHAR_BYTES ? recoded : { ...recoded, ...textOfSize(sizeFor(bytes), text.charset, column) };
  }
  if (!type.endsWith('text')) return recoded;
  const old = type.slice(0, -4);
  const bytes = SIZES.find(([name]) => name === old)?.[1] ?? 0;
  const needed = sizeFor(Math.floor(bytes / bytesOf({ charset, collation }, book)) * bytesOf(text, book));
  return { ...recoded, ...textOfSize(isLarger(needed, old) ? needed : old, text.charset, column) };
}

function isLarger(size: string, than: string): boolean {
  const rank = (name: string): number => SIZES.findIndex(([known]) => known === name);
  return rank(size) > rank(than);
}

/** What the column becomes; MariaDB's COMPRESSED stays with it. */
function textOfSize(
  size: string,
  charset: string,
  { columnType }: Column,
): { type: string; columnType: string; length: number } {
  const type = `${size}text`;
  const attribute = / \/\*.*$/.exec(columnType)?.[0] ?? '';
  return { type, columnType: `${type}${attribute}`, length: lengthOf(size, charset) };
}

/** CHARACTER_MAXIMUM_LENGTH: the bytes, over the fewest that a character takes. */
function lengthOf(size: string, charset: string): number {
  return Math.floor((SIZES.find(([name]) => name === size)?.[1] ?? 0) / (FEWEST_BYTES.get(charset) ?? 1));
}

/** Of the character sets where it is not one. */
const FEWEST_BYTES: ReadonlyMap<string, number> = new Map([
  ['ucs2', 2],
  ['utf16', 2],
  ['utf16le', 2],
  ['utf32', 4],
]);

/** The column with another character set, as large as it is; unchanged when it is no text. */
export function recodedColumn(column: Column, text: TextDefaults): Column {
  if (column.charset === undefined || column.charset === 'binary') return column;
  if (text.charset === 'binary') return binaryColumn(column);
  if (!column.type.endsWith('text')) return { ...column, ...text };
  return { ...column, ...text, length: lengthOf(column.type.slice(0, -4), text.charset) };
}

function binaryColumn(column: Column): Column {
  const type = column.type.replace('char', 'binary').replace('text', 'blob');
  if (type === column.type) return { ...column, charset: 'binary', collation: 'binary' };
  const { charset: _charset, collation: _collation, ...rest } = column;
  return { ...rest, type, columnType: column.columnType.replace(column.type, type) };
}
