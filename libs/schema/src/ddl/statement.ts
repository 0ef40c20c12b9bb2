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
  | { readonly kind: 'dropDatabase'; readonly name: string };

/**
 * Reads a statement out of a binlog. Undefined: it changes no table's definition, and only its first words were looked at. Everything that matters
 * to a table's columns and keys is understood; what does not (engines, partitions, checks, comments) is passed over, known or not, so that a server's
 * new options stop nobody.
 *
 * @param database the session's default database.
 * @throws TaplineError SCHEMA_DDL_UNREAD for a statement on tables or databases that cannot be understood.
 */
export function readDdl(sql: string, database: string, dialect: DdlDialect): Ddl | undefined {
  const cursor = new Cursor(sql, database, dialect);
  if (cursor.takes('SET', 'STATEMENT')) {
    while (!cursor.atEnd && !cursor.takes('FOR')) cursor.skip();
  }
  if (cursor.takes('CREATE')) return readCreate(cursor);
  if (cursor.takes('ALTER')) return readAlter(cursor, database);
  if (cursor.takes('DROP')) return readDrop(cursor);
  if (cursor.takes('RENAME', 'TABLE') || cursor.takes('RENAME', 'TABLES')) return readRename(cursor);
  if (cursor.takes('TRUNCATE')) {
    cursor.takes('TABLE');
    return { kind: 'truncateTable', table: cursor.tableName() };
  }
  return undefined;
}

function readCreate(cursor: Cursor): Ddl | undefined {
  const orReplace = cursor.takes('OR', 'REPLACE');
  const temporary = cursor.takes('TEMPORARY');
  if (cursor.takes('TABLE')) {
    const ifNotExists = takesIfNotExists(cursor);
    const table = cursor.tableName();
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
  const table = cursor.tableName();
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
    const table = cursor.tableName();
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
  return { kind: 'alterTable', table: cursor.tableName(), actions: [{ kind: 'dropKey', name, ifExists }] };
}

function names(cursor: Cursor): TableName[] {
  const tables = [cursor.tableName()];
  while (cursor.takes(',')) tables.push(cursor.tableName());
  return tables;
}

function readRename(cursor: Cursor): Ddl {
  cursor.takes('IF', 'EXISTS');
  const renames: { from: TableName; to: TableName }[] = [];
  do {
    const from = cursor.tableName();
    if (cursor.takes('WAIT')) cursor.next();
    else cursor.takes('NOWAIT');
    cursor.expect('TO');
    renames.push({ from, to: cursor.tableName() });
  } while (cursor.takes(','));
  return { kind: 'renameTables', renames };
}
