import { TaplineError } from '@tapline/kernel';
import { readAlterations, type TableAction } from './alter-table.ts';
import { readTableBody, type TableBody } from './create-table.ts';
import { Cursor, type TableName } from './cursor.ts';
import type { DdlDialect } from './dialect.ts';
import { type KeyDefinition, readKeyBody, takesIfNotExists } from './key-definition.ts';
import { readTextOptions, type TextOptions } from './text-options.ts';

/** A statement that changes what tables there are, or what they look like. */
export type Ddl =
  | {
      readonly kind: 'createTable';
      readonly table: TableName;
      readonly temporary: boolean;
      readonly ifNotExists: boolean;
      readonly orReplace: boolean;
      readonly body: TableBody;
    }
  | { readonly kind: 'alterTable'; readonly table: TableName; readonly actions: readonly TableAction[] }
  | { readonly kind: 'dropTables'; readonly tables: readonly TableName[]; readonly temporary: boolean }
  | {
      readonly kind: 'renameTables';
      readonly renames: readonly { readonly from: TableName; readonly to: TableName }[];
    }
  | { readonly kind: 'truncateTable'; readonly table: TableName }
  | {
      readonly kind: 'createDatabase';
      readonly name: string;
      readonly ifNotExists: boolean;
      readonly orReplace: boolean;
      readonly text: TextOptions;
    }
  | { readonly kind: 'alterDatabase'; readonly name: string; readonly text: TextOptions }
  | { readonly kind: 'dropDatabase'; readonly name: string }
  | Unread;

/** A statement on tables or databases that cannot be understood. */
export interface Unread {
  readonly kind: 'unread';
  /** The tables that it changes, as far as they could be read; none: not even that. */
  readonly tables: readonly TableName[];
  /** SCHEMA_DDL_UNREAD, with the statement and the first of the tables. */
  readonly error: TaplineError;
}

/**
 * Reads a statement out of a binlog; it never throws. Undefined: it changes no table's definition, and only its first words were looked at. Everything
 * that matters to a table's columns and keys is understood; what does not (engines, partitions, checks, comments) is passed over, known or not, so that a
 * server's new options stop nobody.
 *
 * @param database the session's default database.
 */
export function readDdl(sql: string, database: string, dialect: DdlDialect): Ddl | undefined {
  // Logged ahead of what it does, or in place of what it did not do.
  if (dialect.alterPhase === 'start' || dialect.alterPhase === 'rollback') return undefined;
  const cursor = new Cursor(sql, database, dialect);
  try {
    return readStatement(cursor, database);
  } catch (error) {
    if (!(error instanceof TaplineError) || error.code !== 'SCHEMA_DDL_UNREAD') throw error;
    return unread(cursor.targets, error);
  }
}

function unread(tables: readonly TableName[], { code, message }: TaplineError): Unread {
  const [first] = tables;
  const place = first === undefined ? {} : { table: `${first.database}.${first.name}` };
  return { kind: 'unread', tables, error: new TaplineError(code, { message, place }) };
}

/** As `readDdl` does, by a cursor that then knows where things stand. @throws TaplineError SCHEMA_DDL_UNREAD. */
export function readStatement(cursor: Cursor, database: string): Ddl | undefined {
  if (cursor.takes('SET', 'STATEMENT')) {
    while (!cursor.atEnd && !cursor.takes('FOR')) cursor.skip();
  }
  if (cursor.takes('CREATE')) return readCreate(cursor);
  if (cursor.takes('ALTER')) return readAlter(cursor, database);
  if (cursor.takes('DROP')) return readDrop(cursor);
  if (cursor.takes('RENAME', 'TABLE') || cursor.takes('RENAME', 'TABLES')) return readRename(cursor);
  if (cursor.takes('TRUNCATE')) {
    cursor.takes('TABLE');
    return { kind: 'truncateTable', table: cursor.target() };
  }
  return undefined;
}

/** The tables that a statement names and may change: also what they are renamed to. */
export function tablesOfDdl(ddl: Ddl): readonly TableName[] {
  switch (ddl.kind) {
    case 'alterTable':
      return [ddl.table, ...ddl.actions.flatMap((action) => (action.kind === 'renameTable' ? [action.to] : []))];
    case 'createTable':
    case 'truncateTable':
      return [ddl.table];
    case 'dropTables':
    case 'unread':
      return ddl.tables;
    case 'renameTables':
      return ddl.renames.flatMap(({ from, to }) => [from, to]);
    case 'createDatabase':
    case 'alterDatabase':
    case 'dropDatabase':
      return [];
  }
}

/** The database that a statement makes, changes or drops as a whole. */
export function databaseOfDdl(ddl: Ddl): string | undefined {
  const isDatabase = ddl.kind === 'createDatabase' || ddl.kind === 'alterDatabase' || ddl.kind === 'dropDatabase';
  return isDatabase ? ddl.name : undefined;
}

function readCreate(cursor: Cursor): Ddl | undefined {
  const orReplace = cursor.takes('OR', 'REPLACE');
  const temporary = cursor.takes('TEMPORARY');
  if (cursor.takes('TABLE')) {
    const ifNotExists = takesIfNotExists(cursor);
    const table = cursor.target();
    return { kind: 'createTable', table, temporary, ifNotExists, orReplace, body: readTableBody(cursor) };
  }
  if (cursor.takesOne('DATABASE', 'SCHEMA') !== undefined) {
    const ifNotExists = takesIfNotExists(cursor);
    return { kind: 'createDatabase', name: cursor.name(), ifNotExists, orReplace, text: readTextOptions(cursor) };
  }
  cursor.takesOne('ONLINE', 'OFFLINE');
  const kind = cursor.takes('UNIQUE') ? 'unique' : 'plain';
  if (kind === 'plain') cursor.takesOne('FULLTEXT', 'SPATIAL', 'VECTOR');
  return cursor.takes('INDEX') ? readCreateIndex(cursor, kind, orReplace) : undefined;
}

/** `[IF NOT EXISTS] name [USING type] ON table (part, …) …` */
function readCreateIndex(cursor: Cursor, kind: KeyDefinition['kind'], orReplace: boolean): Ddl {
  const ifNotExists = takesIfNotExists(cursor);
  const name = cursor.name();
  if (cursor.takesOne('USING', 'TYPE') !== undefined) cursor.next();
  cursor.expect('ON');
  const table = cursor.target();
  const key = readKeyBody(cursor, kind, name);
  const add: TableAction = { kind: 'addKey', key, ifNotExists };
  return {
    kind: 'alterTable',
    table,
    actions: orReplace ? [{ kind: 'dropKey', name, ifExists: true }, add] : [add],
  };
}

function readAlter(cursor: Cursor, database: string): Ddl | undefined {
  cursor.takesOne('ONLINE', 'OFFLINE');
  cursor.takes('IGNORE');
  if (cursor.takes('TABLE')) {
    cursor.takes('IF', 'EXISTS');
    const table = cursor.target();
    return { kind: 'alterTable', table, actions: readAlterations(cursor) };
  }
  if (cursor.takesOne('DATABASE', 'SCHEMA') === undefined) return undefined;
  const named = !DATABASE_OPTIONS.some((word) => cursor.sees(word));
  return { kind: 'alterDatabase', name: named ? cursor.name() : database, text: readTextOptions(cursor) };
}

const DATABASE_OPTIONS: readonly string[] = [
  'DEFAULT',
  'CHARACTER',
  'CHARSET',
  'COLLATE',
  'ENCRYPTION',
  'READ',
  'COMMENT',
];

function readDrop(cursor: Cursor): Ddl | undefined {
  const temporary = cursor.takes('TEMPORARY');
  if (cursor.takesOne('TABLE', 'TABLES') !== undefined) {
    cursor.takes('IF', 'EXISTS');
    return { kind: 'dropTables', tables: names(cursor), temporary };
  }
  if (cursor.takesOne('DATABASE', 'SCHEMA') !== undefined) {
    cursor.takes('IF', 'EXISTS');
    return { kind: 'dropDatabase', name: cursor.name() };
  }
  cursor.takesOne('ONLINE', 'OFFLINE');
  if (!cursor.takes('INDEX')) return undefined;
  const ifExists = cursor.takes('IF', 'EXISTS');
  const name = cursor.name();
  cursor.expect('ON');
  return { kind: 'alterTable', table: cursor.target(), actions: [{ kind: 'dropKey', name, ifExists }] };
}

function names(cursor: Cursor): TableName[] {
  const tables = [cursor.target()];
  while (cursor.takes(',')) tables.push(cursor.target());
  return tables;
}

function readRename(cursor: Cursor): Ddl {
  cursor.takes('IF', 'EXISTS');
  const renames: { from: TableName; to: TableName }[] = [];
  do {
    const from = cursor.target();
    if (cursor.takes('WAIT')) cursor.next();
    else cursor.takes('NOWAIT');
    cursor.expect('TO');
    renames.push({ from, to: cursor.target() });
  } while (cursor.takes(','));
  return { kind: 'renameTables', renames };
}
