import type { Cursor } from './cursor.ts';
import { type DataType, readDataType, takesCharset } from './data-type.ts';
import { type DefaultValue, readDefault, skipValue } from './default-value.ts';

/** A column as CREATE or ALTER TABLE defines it, before the table's defaults are applied. */
export interface ColumnDefinition {
  readonly name: string;
  readonly type: DataType;
  /** Undefined: the definition does not say. */
  readonly nullable: boolean | undefined;
  readonly generated: 'virtual' | 'stored' | undefined;
  readonly srid: number | undefined;
  /** Undefined: none, or NULL. */
  readonly fallback: DefaultValue | undefined;
  /** It numbers its rows itself. */
  readonly numbered: boolean;
  /** Of this column alone; SERIAL PRIMARY KEY makes two. */
  readonly keys: readonly ('primary' | 'unique')[];
  /** MariaDB's attribute COMPRESSED. */
  readonly compressed: boolean;
  /** MariaDB's GENERATED ALWAYS AS ROW START: the table shows what else hides in its rows. */
  readonly rowStart: boolean;
  /** MariaDB's WITH SYSTEM VERSIONING on a column, which makes its table versioned. */
  readonly versioned: boolean;
}

interface Attributes {
  charset: string | undefined;
  collation: string | undefined;
  nullable: boolean | undefined;
  generated: 'virtual' | 'stored' | undefined;
  srid: number | undefined;
  fallback: DefaultValue | undefined;
  numbered: boolean;
  primary: boolean;
  unique: boolean;
  compressed: boolean;
  rowStart: boolean;
  versioned: boolean;
}

/** What ends a definition: a partitioning may stand behind the last column of an ALTER TABLE without a comma. */
const BEHIND: readonly string[] = [',', ')', 'FIRST', 'AFTER', 'PARTITION'];

/** `type attribute …`, up to the comma or parenthesis behind it, or to FIRST or AFTER. */
export function readColumnDefinition(cursor: Cursor, name: string): ColumnDefinition {
  const type = readDataType(cursor);
  const serial = type.name === 'serial';
  const found: Attributes = {
    charset: type.charset,
    collation: type.collation,
    nullable: serial ? false : undefined,
    generated: undefined,
    srid: undefined,
    fallback: undefined,
    numbered: serial,
    primary: false,
    unique: serial,
    compressed: false,
    rowStart: false,
    versioned: false,
  };
  while (!cursor.atEnd && !BEHIND.some((word) => cursor.sees(word))) {
    if (!readAttribute(cursor, found)) cursor.skip();
  }
  return {
    name,
    type: {
      ...type,
      ...(serial ? { name: 'bigint', unsigned: true } : {}),
      charset: found.charset,
      collation: found.collation,
    },
    nullable: found.primary ? false : found.nullable,
    generated: found.generated,
    srid: found.srid,
    fallback: found.fallback,
    numbered: found.numbered,
    keys: [...(found.primary ? (['primary'] as const) : []), ...(found.unique ? (['unique'] as const) : [])],
    compressed: found.compressed,
    rowStart: found.rowStart,
    versioned: found.versioned,
  };
}

/** Takes an attribute that matters, or one with words in it that would look like one; false: nothing was taken. */
function readAttribute(cursor: Cursor, found: Attributes): boolean {
  if (cursor.takes('NOT', 'NULL')) found.nullable = false;
  else if (cursor.takes('NULL')) found.nullable = true;
  else if (cursor.takes('AUTO_INCREMENT')) Object.assign(found, { nullable: false, numbered: true });
  else if (cursor.takes('PRIMARY', 'KEY') || cursor.takes('KEY')) found.primary = true;
  else if (cursor.takes('UNIQUE', 'KEY') || cursor.takes('UNIQUE')) found.unique = true;
  else if (cursor.takes('SERIAL', 'DEFAULT', 'VALUE'))
    Object.assign(found, { nullable: false, unique: true, numbered: true });
  else if (takesCharset(cursor)) found.charset = cursor.name();
  else if (cursor.takes('COLLATE')) found.collation = cursor.name();
  else if (cursor.takes('COMPRESSED')) found.compressed = true;
  else if (cursor.takes('SRID') || cursor.takes('REF_SYSTEM_ID')) found.srid = readSrid(cursor);
  else if (cursor.takes('AS') || cursor.takes('GENERATED', 'ALWAYS', 'AS')) readGenerated(cursor, found);
  else if (cursor.takes('DEFAULT')) found.fallback = readDefault(cursor);
  else if (cursor.takes('ON', 'UPDATE')) skipValue(cursor);
  else if (cursor.takesOne('COMMENT', 'COLUMN_FORMAT', 'STORAGE') !== undefined) cursor.next();
  else if (cursor.takes('WITH', 'SYSTEM', 'VERSIONING')) found.versioned = true;
  else if (cursor.takes('CHECK')) cursor.skip();
  else if (cursor.takes('REFERENCES')) skipReference(cursor);
  else return false;
  return true;
}

function readSrid(cursor: Cursor): number {
  cursor.takes('=');
  return cursor.integer();
}

/** `(expression) [VIRTUAL | STORED | PERSISTENT]`, or MariaDB's `ROW START | ROW END`. */
function readGenerated(cursor: Cursor, found: Attributes): void {
  if (cursor.takes('ROW')) {
    found.rowStart = cursor.next().upper === 'START';
    found.nullable = false;
    found.generated = 'stored';
    return;
  }
  cursor.skip();
  const kept = cursor.takesOne('VIRTUAL', 'STORED', 'PERSISTENT');
  found.generated = kept === 'STORED' || kept === 'PERSISTENT' ? 'stored' : 'virtual';
}

/** `REFERENCES t [(columns)] [MATCH x] [ON DELETE action] [ON UPDATE action]`: actions hold words that are attributes elsewhere (SET NULL). */
export function skipReference(cursor: Cursor): void {
  cursor.tableName();
  if (cursor.sees('(')) cursor.skip();
  for (;;) {
    if (cursor.takes('MATCH')) cursor.next();
    else if (cursor.takes('ON', 'DELETE') || cursor.takes('ON', 'UPDATE')) skipAction(cursor);
    else return;
  }
}

/** CASCADE, RESTRICT, SET NULL, SET DEFAULT, NO ACTION. */
function skipAction(cursor: Cursor): void {
  cursor.takesOne('SET', 'NO');
  cursor.next();
}
