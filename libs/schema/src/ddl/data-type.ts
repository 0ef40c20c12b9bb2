import type { Cursor } from './cursor.ts';

/** A column's type as a definition spells it, its synonyms resolved: https://dev.mysql.com/doc/refman/9.4/en/data-types.html. */
export interface DataType {
  /** As information_schema's DATA_TYPE: `int`, `varchar`, `enum`, …; `serial` stands for itself. */
  readonly name: string;
  /** `(10,2)`, `(255)`, … */
  readonly arguments: readonly number[];
  readonly members?: readonly string[];
  readonly unsigned: boolean;
  readonly zerofill: boolean;
  readonly charset?: string | undefined;
  readonly collation?: string | undefined;
  /** The attribute BINARY of a text. */
  readonly binary: boolean;
}

const SYNONYMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    INTEGER: 'int',
    INT1: 'tinyint',
    INT2: 'smallint',
    INT3: 'mediumint',
    INT4: 'int',
    INT8: 'bigint',
    MIDDLEINT: 'mediumint',
    DEC: 'decimal',
    FIXED: 'decimal',
    NUMERIC: 'decimal',
    NUMBER: 'decimal',
    FLOAT4: 'float',
    FLOAT8: 'double',
    CHARACTER: 'char',
    VARCHARACTER: 'varchar',
    VARCHAR2: 'varchar',
    NCHAR: 'char',
    NVARCHAR: 'varchar',
    CLOB: 'longtext',
    RAW: 'varbinary',
    GEOMETRYCOLLECTION: 'geomcollection',
  }),
);
const NATIONAL_CHARSET = 'utf8mb3';

/** Goes past a type with its arguments and the attributes that belong to it. */
export function readDataType(cursor: Cursor): DataType {
  const spelled = cursor.name().toUpperCase();
  let charset: string | undefined;
  let name: string;
  if (spelled === 'NATIONAL') {
    charset = NATIONAL_CHARSET;
    name = textName(cursor, cursor.name().toUpperCase());
  } else if (spelled === 'NCHAR' || spelled === 'NVARCHAR') {
    charset = NATIONAL_CHARSET;
    name = textName(cursor, spelled);
  } else if (spelled === 'LONG') {
    name = longName(cursor);
  } else if (spelled === 'BOOL' || spelled === 'BOOLEAN') {
    return { name: 'tinyint', arguments: [1], unsigned: false, zerofill: false, binary: false };
  } else if (spelled === 'DOUBLE') {
    cursor.takes('PRECISION');
    name = 'double';
  } else if (spelled === 'REAL') {
    name = cursor.dialect.realAsFloat === true ? 'float' : 'double';
  } else {
    name = textName(cursor, spelled);
  }
  return readAttributes(cursor, name, charset);
}

/** CHAR, and what VARYING behind it makes of it; other names as they are. */
function textName(cursor: Cursor, spelled: string): string {
  const name = SYNONYMS.get(spelled) ?? spelled.toLowerCase();
  if (name !== 'char') return name;
  return cursor.takes('VARYING') || cursor.takes('VARCHAR') ? 'varchar' : 'char';
}

/** LONG, LONG VARCHAR, LONG CHAR VARYING, LONG VARBINARY. */
function longName(cursor: Cursor): string {
  if (cursor.takes('VARBINARY')) return 'mediumblob';
  // CHARACTER alone begins CHARACTER SET.
  if (cursor.takesOne('VARCHAR', 'VARCHARACTER') === undefined && !cursor.takes('CHAR', 'VARYING')) {
    cursor.takes('CHARACTER', 'VARYING');
  }
  return 'mediumtext';
}

function readAttributes(cursor: Cursor, name: string, national: string | undefined): DataType {
  const isMembers = name === 'enum' || name === 'set';
  const members = isMembers ? cursor.list(() => readMember(cursor)) : undefined;
  const numbers = members === undefined && cursor.sees('(') ? readArguments(cursor) : [];
  let charset = national;
  let collation: string | undefined;
  let unsigned = false;
  let zerofill = false;
  let binary = false;
  for (;;) {
    if (cursor.takes('UNSIGNED')) unsigned = true;
    else if (cursor.takes('ZEROFILL')) zerofill = true;
    else if (cursor.takes('BINARY')) binary = true;
    else if (cursor.takes('BYTE')) charset = 'binary';
    else if (cursor.takes('ASCII')) charset = 'latin1';
    else if (cursor.takes('UNICODE')) charset = 'ucs2';
    else if (takesCharset(cursor)) charset = cursor.name();
    else if (cursor.takes('COLLATE')) collation = cursor.name();
    else if (!cursor.takes('SIGNED')) break;
  }
  return {
    name,
    arguments: numbers,
    ...(members === undefined ? {} : { members }),
    unsigned: unsigned || zerofill,
    zerofill,
    charset,
    collation,
    binary,
  };
}

/** `CHARACTER SET`, `CHAR SET`, `CHARSET`. */
export function takesCharset(cursor: Cursor): boolean {
  return cursor.takes('CHARACTER', 'SET') || cursor.takes('CHAR', 'SET') || cursor.takes('CHARSET');
}

/** A member may be written as text, with a character set in front, or as hexadecimal or binary digits. */
function readMember(cursor: Cursor): string {
  const first = cursor.peek();
  if (first.kind === 'text') return cursor.text();
  cursor.next();
  if (cursor.peek().kind !== 'text') return bytesText(first.upper.startsWith('0B') ? 2 : 16, first.text.slice(2));
  const text = cursor.text();
  if (first.upper === 'X') return bytesText(16, text);
  return first.upper === 'B' ? bytesText(2, text) : text;
}

function bytesText(radix: number, digits: string): string {
  const hex = radix === 16 ? digits : BigInt(`0b${digits || '0'}`).toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString();
}

/** `(M)`, `(M,D)`; MariaDB under sql_mode ORACLE writes `(10 CHAR)`. */
function readArguments(cursor: Cursor): number[] {
  return cursor.list(() => {
    const value = cursor.integer();
    cursor.takesOne('CHAR', 'BYTE');
    return value;
  });
}
