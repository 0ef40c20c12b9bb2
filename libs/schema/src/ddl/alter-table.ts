import { type ColumnDefinition, readColumnDefinition } from './column-definition.ts';
import { readTableItems } from './create-table.ts';
import type { Cursor, TableName } from './cursor.ts';
import { isPeriod, type KeyDefinition, type Period, readConstraint, takesIfNotExists } from './key-definition.ts';
import { readTableOptions, type TableOptions } from './text-options.ts';

/** Where a column goes: at the end, to the front, or behind another. */
export type ColumnPlace = 'last' | 'first' | { readonly after: string };

/** One change that an ALTER TABLE makes. What does not touch columns or keys is not among them. */
export type TableAction =
  | {
      readonly kind: 'addColumn';
      readonly definition: ColumnDefinition;
      readonly place: ColumnPlace;
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: 'changeColumn';
      readonly from: string;
      readonly ifExists: boolean;
      readonly definition: ColumnDefinition;
      /** Undefined: it stays where it is. */
      readonly place: ColumnPlace | undefined;
    }
  | { readonly kind: 'dropColumn'; readonly name: string; readonly ifExists: boolean }
  | { readonly kind: 'renameColumn'; readonly from: string; readonly to: string; readonly ifExists: boolean }
  | { readonly kind: 'addKey'; readonly key: KeyDefinition; readonly ifNotExists: boolean }
  | { readonly kind: 'dropKey'; readonly name: string; readonly ifExists: boolean }
  | { readonly kind: 'renameKey'; readonly from: string; readonly to: string }
  | { readonly kind: 'showKey'; readonly name: string; readonly visible: boolean }
  | { readonly kind: 'addPeriod'; readonly period: Period }
  | { readonly kind: 'convertText'; readonly options: TableOptions }
  | { readonly kind: 'setOptions'; readonly options: TableOptions }
  /** MariaDB: the rows are kept with the time when they were valid, or no more. */
  | { readonly kind: 'version'; readonly versioned: boolean }
  | { readonly kind: 'renameTable'; readonly to: TableName };

/** Everything behind the name in ALTER TABLE. */
export function readAlterations(cursor: Cursor): TableAction[] {
  const actions: TableAction[] = [];
  if (cursor.takes('WAIT')) cursor.next();
  else cursor.takes('NOWAIT');
  do {
    actions.push(...readAction(cursor));
    cursor.skipItem();
  } while (cursor.takes(','));
  return actions;
}

function readAction(cursor: Cursor): TableAction[] {
  if (cursor.takes('ADD')) return readAdd(cursor);
  if (cursor.takes('DROP')) return readDrop(cursor);
  if (cursor.takes('MODIFY')) return [readModify(cursor)];
  if (cursor.takes('CHANGE')) return [readChange(cursor)];
  if (cursor.takes('ALTER')) return readAlterIndex(cursor);
  if (cursor.takes('RENAME')) return [readRename(cursor)];
  if (cursor.takes('CONVERT', 'TO')) return [{ kind: 'convertText', options: readTableOptions(cursor) }];
  // PARTITION BY … and ORDER BY … end an ALTER TABLE, and hold words that are options elsewhere.
  if (cursor.sees('PARTITION') || cursor.sees('ORDER', 'BY')) return skipAll(cursor);
  return [{ kind: 'setOptions', options: readTableOptions(cursor) }];
}

function readAdd(cursor: Cursor): TableAction[] {
  if (cursor.sees('PARTITION')) return [];
  if (cursor.takes('SYSTEM', 'VERSIONING')) return [{ kind: 'version', versioned: true }];
  const ifKeyNotExists = mentionsIfNotExists(cursor);
  const constraint = readConstraint(cursor);
  if (constraint === 'none') return [];
  if (constraint !== undefined) {
    if (isPeriod(constraint)) return [{ kind: 'addPeriod', period: constraint }];
    return [{ kind: 'addKey', key: constraint, ifNotExists: ifKeyNotExists }];
  }
  cursor.takes('COLUMN');
  const ifNotExists = takesIfNotExists(cursor);
  if (cursor.sees('(')) {
    return readTableItems(cursor).map((item): TableAction => {
      if (item.kind === 'period') return { kind: 'addPeriod', period: item.period };
      if (item.kind === 'key') return { kind: 'addKey', key: item.key, ifNotExists };
      return { kind: 'addColumn', definition: item.definition, place: 'last', ifNotExists };
    });
  }
  const definition = readColumnDefinition(cursor, cursor.columnName());
  return [{ kind: 'addColumn', definition, place: readPlace(cursor) ?? 'last', ifNotExists }];
}

/** MariaDB's IF NOT EXISTS stands behind the words that name the kind of key: at most four of them. */
function mentionsIfNotExists(cursor: Cursor): boolean {
  return [0, 1, 2, 3].some((ahead) => cursor.peek(ahead).upper === 'IF' && cursor.peek(ahead + 1).upper === 'NOT');
}

function readPlace(cursor: Cursor): ColumnPlace | undefined {
  if (cursor.takes('FIRST')) return 'first';
  return cursor.takes('AFTER') ? { after: cursor.columnName() } : undefined;
}

function readDrop(cursor: Cursor): TableAction[] {
  if (cursor.takes('PRIMARY', 'KEY')) return [{ kind: 'dropKey', name: 'PRIMARY', ifExists: false }];
  if (cursor.takesOne('KEY', 'INDEX') !== undefined) return [readDropKey(cursor, false)];
  // A constraint may be a unique key, and if none has the name it is a check or a foreign key.
  if (cursor.takes('CONSTRAINT')) return [readDropKey(cursor, true)];
  if (cursor.takes('SYSTEM', 'VERSIONING')) return [{ kind: 'version', versioned: false }];
  const nothing = ['FOREIGN', 'CHECK', 'PARTITION'].some((word) => cursor.sees(word));
  if (nothing || cursor.sees('PERIOD', 'FOR') || cursor.sees('PERIOD', 'IF')) return [];
  cursor.takes('COLUMN');
  const ifExists = cursor.takes('IF', 'EXISTS');
  return [{ kind: 'dropColumn', name: cursor.name(), ifExists }];
}

function readDropKey(cursor: Cursor, mayBeNone: boolean): TableAction {
  const ifExists = cursor.takes('IF', 'EXISTS') || mayBeNone;
  return { kind: 'dropKey', name: cursor.name(), ifExists };
}

function readModify(cursor: Cursor): TableAction {
  cursor.takes('COLUMN');
  const ifExists = cursor.takes('IF', 'EXISTS');
  const from = cursor.columnName();
  const definition = readColumnDefinition(cursor, from);
  return { kind: 'changeColumn', from, ifExists, definition, place: readPlace(cursor) };
}

function readChange(cursor: Cursor): TableAction {
  cursor.takes('COLUMN');
  const ifExists = cursor.takes('IF', 'EXISTS');
  const from = cursor.columnName();
  const definition = readColumnDefinition(cursor, cursor.columnName());
  return { kind: 'changeColumn', from, ifExists, definition, place: readPlace(cursor) };
}

/** ALTER INDEX name VISIBLE …; ALTER [COLUMN] name SET DEFAULT … changes no column's type. */
function readAlterIndex(cursor: Cursor): TableAction[] {
  if (cursor.takesOne('INDEX', 'KEY') === undefined) return [];
  cursor.takes('IF', 'EXISTS');
  const name = cursor.name();
  const visible = cursor.takes('VISIBLE') || cursor.takes('NOT', 'IGNORED');
  return [{ kind: 'showKey', name, visible }];
}

function readRename(cursor: Cursor): TableAction {
  if (cursor.takes('COLUMN')) {
    const ifExists = cursor.takes('IF', 'EXISTS');
    return { kind: 'renameColumn', ifExists, ...readFromTo(cursor) };
  }
  if (cursor.takesOne('INDEX', 'KEY') !== undefined) {
    cursor.takes('IF', 'EXISTS');
    return { kind: 'renameKey', ...readFromTo(cursor) };
  }
  cursor.takesOne('TO', 'AS', '=');
  return { kind: 'renameTable', to: cursor.target() };
}

function readFromTo(cursor: Cursor): { from: string; to: string } {
  const from = cursor.name();
  cursor.expect('TO');
  return { from, to: cursor.name() };
}

function skipAll(cursor: Cursor): [] {
  while (!cursor.atEnd) cursor.skip();
  return [];
}
