import type { LowerCaseTableNames } from '../pattern.ts';
import type { Column } from '../table.ts';
import { applyActions, keysOfColumn } from './apply-alter.ts';
import { bookOfSession, type CollationBook, resolveText, type TextDefaults } from './collations.ts';
import { columnOfDefinition } from './column-of-definition.ts';
import type { TableBody, TableItem } from './create-table.ts';
import type { TableName } from './cursor.ts';
import type { DdlDialect } from './dialect.ts';
import { withHidden } from './hidden-columns.ts';
import { Pool } from './pool.ts';
import type { Ddl } from './statement.ts';
import { type Key, type TableState, withKey, withNotNullKey } from './table-state.ts';
import { unknowable } from './unknowable.ts';

/** What a statement did to one table. `before` without `after`: it is gone; `after` without `before`: it is new. */
export interface TableChange {
  readonly before: TableState | undefined;
  readonly after: TableState | undefined;
}

export interface CatalogOptions {
  readonly lowerCaseTableNames: LowerCaseTableNames;
  readonly book: CollationBook;
  /** The server's: for databases made without a choice of their own. */
  readonly serverText: TextDefaults;
}

interface Database {
  readonly name: string;
  readonly text: TextDefaults;
  readonly tables: Map<string, TableState>;
}

/**
 * All tables of a source at one position of its binlog. Statements are applied in the order of the binlog, as the server has accepted each of them: what cannot
 * be, such as an ALTER of a table that is not there, is about a view, a temporary table or a table outside, and changes nothing.
 */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #databases = new Map<string, Database>();
  readonly #columns = new Pool<Column>();
  readonly #keys = new Pool<Key>();

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  /** Puts a table in as it is, over what may be there. */
  set(state: TableState): void {
    this.#put(state);
  }

  setDatabase(name: string, text: TextDefaults): void {
    const tables = this.#databases.get(this.#fold(name))?.tables ?? new Map<string, TableState>();
    this.#databases.set(this.#fold(name), { name: this.#spelled(name), text, tables });
  }

  table({ database, name }: TableName): TableState | undefined {
    return this.#databases.get(this.#fold(database))?.tables.get(this.#fold(name));
  }

  *databases(): Generator<{ readonly name: string; readonly text: TextDefaults }, void> {
    for (const { name, text } of this.#databases.values()) yield { name, text };
  }

  *tables(): Generator<TableState, void> {
    for (const { tables } of this.#databases.values()) yield* tables.values();
  }

  /**
   * Applies a statement and says which tables it changed. What cannot be known of a table afterwards is noted in its state (`unread`), and stays with it under
   * new names until it is dropped or made anew: so a statement on a table that nobody needs stops nobody.
   */
  apply(ddl: Ddl, dialect: DdlDialect): TableChange[] {
    switch (ddl.kind) {
      case 'createTable':
        return this.#createTable(ddl, dialect);
      case 'alterTable':
        return this.#alterTable(ddl, dialect);
      case 'dropTables':
        return ddl.temporary ? [] : ddl.tables.flatMap((table) => this.#drop(table));
      case 'renameTables':
        return ddl.renames.flatMap(({ from, to }) => this.#rename(from, to));
      case 'truncateTable':
        return [];
      case 'createDatabase':
        return this.#createDatabase(ddl, dialect);
      case 'alterDatabase':
        return this.#alterDatabase(ddl, dialect);
      case 'dropDatabase':
        return this.#dropDatabase(ddl.name);
      case 'unread':
        return ddl.tables.map((table) => this.#markUnread(table, ddl.error.message));
    }
  }

  #createTable(ddl: Extract<Ddl, { kind: 'createTable' }>, dialect: DdlDialect): TableChange[] {
    const { table, temporary, ifNotExists, orReplace, body } = ddl;
    const before = this.table(table);
    if (temporary || (before !== undefined && ifNotExists && !orReplace)) return [];
    const names = { database: this.#spelled(table.database), name: this.#spelled(table.name) };
    if (body.kind === 'like') {
      const model = this.table(body.table);
      return model === undefined ? [] : [this.#put({ ...model, ...names })];
    }
    if (body.fromSelect || body.items.length === 0) {
      this.#drop(table);
      return [this.#markUnread(table, 'The table was made from a SELECT, and the statement does not say its columns.')];
    }
    const book = bookOfSession(this.#options.book, dialect);
    const text = resolveText(body.options, this.#textOf(table.database), book);
    const context = { dialect, book, text };
    const columns = body.items.flatMap((item) =>
      item.kind === 'column' ? [columnOfDefinition(item.definition, context)] : [],
    );
    const { periods } = body;
    const { engine } = body.options;
    const state: TableState = {
      ...names,
      text,
      columns,
      keys: keysOf(body.items, { columns, periods }),
      ...(periods.length === 0 ? {} : { periods }),
      ...(engine === undefined || dialect.flavor === 'mysql' ? {} : { engine }),
    };
    return [this.#put(withHidden(withNotNullKey(state), hidesVersions(body), context))];
  }

  #alterTable(ddl: Extract<Ddl, { kind: 'alterTable' }>, dialect: DdlDialect): TableChange[] {
    const before = this.table(ddl.table);
    if (before === undefined) return [];
    const book = bookOfSession(this.#options.book, dialect);
    const context = { dialect, book, databaseText: this.#textOf(ddl.table.database) };
    const unread = before.unread ?? unknowable(before, ddl.actions);
    const after = applyActions(before, ddl.actions, context);
    const change = this.#put(unread === undefined ? after : { ...after, unread });
    const to = ddl.actions.findLast((action) => action.kind === 'renameTable')?.to;
    if (to === undefined) return [change];
    const moved = this.#rename(ddl.table, to);
    return moved.length === 0 ? [change] : [{ before, after: moved.at(-1)?.after }];
  }

  #rename(from: TableName, to: TableName): TableChange[] {
    const before = this.table(from);
    if (before === undefined || this.#key(from) === this.#key(to)) return [];
    this.#remove(from);
    const { after } = this.#put({ ...before, database: this.#spelled(to.database), name: this.#spelled(to.name) });
    return [{ before, after }];
  }

  #drop(table: TableName): TableChange[] {
    const before = this.table(table);
    if (before === undefined) return [];
    this.#remove(table);
    return [{ before, after: undefined }];
  }

  #createDatabase(ddl: Extract<Ddl, { kind: 'createDatabase' }>, dialect: DdlDialect): TableChange[] {
    if (ddl.ifNotExists && this.#databases.has(this.#fold(ddl.name))) return [];
    const gone = ddl.orReplace ? this.#dropDatabase(ddl.name) : [];
    const book = bookOfSession(this.#options.book, dialect);
    this.setDatabase(ddl.name, resolveText(ddl.text, this.#serverText(dialect), book));
    return gone;
  }

  #alterDatabase({ name, text }: Extract<Ddl, { kind: 'alterDatabase' }>, dialect: DdlDialect): TableChange[] {
    const book = bookOfSession(this.#options.book, dialect);
    // DEFAULT is the server's here, not what the database had.
    const isDefault = text.charset?.toLowerCase() === 'default';
    this.setDatabase(name, resolveText(text, isDefault ? this.#serverText(dialect) : this.#textOf(name), book));
    return [];
  }

  /** collation_server of the session that makes a database. */
  #serverText({ serverCollation }: DdlDialect): TextDefaults {
    const known = serverCollation === undefined ? undefined : this.#options.book.collationById(serverCollation);
    return known === undefined ? this.#options.serverText : { charset: known.charset, collation: known.name };
  }

  #dropDatabase(name: string): TableChange[] {
    const tables = this.#databases.get(this.#fold(name))?.tables.values() ?? [];
    this.#databases.delete(this.#fold(name));
    return [...tables].map((before) => ({ before, after: undefined }));
  }

  #textOf(database: string): TextDefaults {
    return this.#databases.get(this.#fold(database))?.text ?? this.#options.serverText;
  }

  #put(state: TableState): TableChange {
    const before = this.table(state);
    if (!this.#databases.has(this.#fold(state.database))) this.setDatabase(state.database, this.#options.serverText);
    const after: TableState = {
      ...state,
      columns: state.columns.map((column) => this.#columns.shared(column)),
      keys: state.keys.map((key) => this.#keys.shared(key)),
    };
    this.#tablesOf(state.database).set(this.#fold(state.name), after);
    return { before, after };
  }

  #markUnread(table: TableName, unread: string): TableChange {
    const names = { database: this.#spelled(table.database), name: this.#spelled(table.name) };
    const before = this.table(table) ?? { ...names, text: this.#textOf(table.database), columns: [], keys: [] };
    return this.#put({ ...before, unread });
  }

  #remove(table: TableName): void {
    this.#tablesOf(table.database).delete(this.#fold(table.name));
  }

  #tablesOf(database: string): Map<string, TableState> {
    return (this.#databases.get(this.#fold(database)) as Database).tables;
  }

  /** How names are compared. */
  #fold(name: string): string {
    return this.#options.lowerCaseTableNames === 0 ? name : name.toLowerCase();
  }

  /** How names are kept. */
  #spelled(name: string): string {
    return this.#options.lowerCaseTableNames === 1 ? name.toLowerCase() : name;
  }

  #key({ database, name }: TableName): string {
    return `${this.#fold(database)}\0${this.#fold(name)}`;
  }
}

/** Whether a new table is versioned without columns of its own for that. */
function hidesVersions({ items, options }: Extract<TableBody, { kind: 'items' }>): boolean {
  const definitions = items.flatMap((item) => (item.kind === 'column' ? [item.definition] : []));
  if (definitions.some(({ rowStart }) => rowStart)) return false;
  return options.versioned || definitions.some(({ versioned }) => versioned);
}

function keysOf(items: readonly TableItem[], table: Pick<TableState, 'columns' | 'periods'>): readonly Key[] {
  return items
    .flatMap((item) => (item.kind === 'key' ? [item.key] : keysOfColumn(item.definition)))
    .reduce<readonly Key[]>((keys, key) => withKey(keys, key, table), []);
}
