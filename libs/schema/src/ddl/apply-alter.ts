import type { Column } from '../table.ts';
import type { ColumnPlace, TableAction } from './alter-table.ts';
import { type CollationBook, resolveText, type TextDefaults } from './collations.ts';
import type { ColumnDefinition } from './column-definition.ts';
import { type ColumnContext, columnOfDefinition, convertedColumn, recodedColumn } from './column-of-definition.ts';
import type { DdlDialect } from './dialect.ts';
import { filled, refilled } from './fill.ts';
import { isVersioned, withHidden } from './hidden-columns.ts';
import type { KeyPart } from './key-definition.ts';
import { type Key, PRIMARY, prefixOf, sameName, type TableState, withKey, withNotNullKey } from './table-state.ts';

export interface AlterContext {
  readonly dialect: DdlDialect;
  readonly book: CollationBook;
  /** Of the database: what CHARACTER SET DEFAULT means. */
  readonly databaseText: TextDefaults;
}

export type Action<K extends TableAction['kind']> = Extract<TableAction, { kind: K }>;

/**
 * The table after an ALTER TABLE, but for a new name of the table itself. The actions work on the table as it was, all at once, as the server does it
 * (mysql_prepare_alter_table): first the old columns are gone through, each kept, dropped, renamed or redefined in its place; then the new ones and those
 * that move are put in, one after the other; AFTER means the names that columns have by then.
 */
export function applyActions(state: TableState, actions: readonly TableAction[], context: AlterContext): TableState {
  const { text, converted } = newTexts(state, actions, context);
  const columns = newColumns(state, actions, definer({ ...context, text }, converted));
  const periods = [...(state.periods ?? []), ...only(actions, 'addPeriod').map(({ period }) => period)];
  const kept = state.keys.flatMap((key) => keptKey(key, actions, columns));
  const keys = addedKeys(actions).reduce<readonly Key[]>((list, { key, ifNotExists }) => {
    const exists = ifNotExists && list.some((other) => key.name !== undefined && sameName(other.name, key.name));
    return exists ? list : withKey(list, key, { columns, periods });
  }, kept);
  const engine = only(actions, 'setOptions').findLast(({ options }) => options.engine !== undefined)?.options.engine;
  const after = withNotNullKey({
    ...state,
    text,
    columns,
    keys,
    ...(periods.length === 0 ? {} : { periods }),
    ...(engine === undefined || context.dialect.flavor === 'mysql' ? {} : { engine }),
  });
  return withHidden(after, isVersionedAfter(state, actions), context);
}

/** Whether versions are hidden in the rows: not when the table has columns for them. */
function isVersionedAfter(state: TableState, actions: readonly TableAction[]): boolean {
  const last = only(actions, 'version').at(-1)?.versioned;
  const hasColumns = only(actions, 'addColumn').some(({ definition }) => definition.rowStart);
  return last === undefined ? isVersioned(state) : last && !hasColumns;
}

export function only<K extends TableAction['kind']>(actions: readonly TableAction[], kind: K): Action<K>[] {
  return actions.filter((action): action is Action<K> => action.kind === kind);
}

/** The table's default, which all options of the statement set together, and what CONVERT TO makes of the columns: the same. */
function newTexts(
  state: TableState,
  actions: readonly TableAction[],
  context: AlterContext,
): { text: TextDefaults; converted: TextDefaults | undefined } {
  const options = actions.flatMap((action) =>
    action.kind === 'setOptions' || action.kind === 'convertText' ? [action.options] : [],
  );
  const charset = options.findLast((option) => option.charset !== undefined)?.charset;
  const collation = options.findLast((option) => option.collation !== undefined)?.collation;
  const defaults = charset?.toLowerCase() === 'default' ? context.databaseText : state.text;
  const text = resolveText({ charset, collation }, defaults, context.book);
  return { text, converted: actions.some(({ kind }) => kind === 'convertText') ? text : undefined };
}

function newColumns(state: TableState, actions: readonly TableAction[], define: Definer): Column[] {
  const changes = only(actions, 'changeColumn');
  const dropped = only(actions, 'dropColumn').map(({ name }) => name.toLowerCase());
  const renamed = new Map(only(actions, 'renameColumn').map(({ from, to }) => [from.toLowerCase(), to]));
  const columns: Column[] = [];
  for (const column of state.columns) {
    const name = column.name.toLowerCase();
    if (dropped.includes(name)) continue;
    const change = changes.find(({ from }) => sameName(from, column.name));
    if (change === undefined) columns.push(withName(define(column), renamed.get(name)));
    else if (change.place === undefined) columns.push(refilled(define(change.definition), column));
  }
  for (const { definition, place, moved } of insertions(state, actions)) {
    const column = define(definition);
    insert(columns, moved === undefined ? filled(column, definition) : refilled(column, moved), place);
  }
  return columns;
}

function withName(column: Column, name: string | undefined): Column {
  return name === undefined ? column : { ...column, name };
}

/** CONVERT TO goes over all columns of the statement, over new ones with a character set of their own too; in MariaDB only old ones grow with it. */
function definer(context: ColumnContext, converted: TextDefaults | undefined): Definer {
  return (given) => {
    const isOld = 'columnType' in given;
    const column = isOld ? given : columnOfDefinition(given, context);
    if (converted === undefined) return column;
    const grows = isOld || context.dialect.flavor === 'mysql';
    return grows ? convertedColumn(column, converted, context.book) : recodedColumn(column, converted);
  };
}

type Definer = (column: Column | ColumnDefinition) => Column;

interface Insertion {
  readonly definition: ColumnDefinition;
  readonly place: ColumnPlace;
  /** What it was; undefined: it is new. */
  readonly moved: Column | undefined;
}

/** New columns, and those that move. */
function insertions(state: TableState, actions: readonly TableAction[]): Insertion[] {
  const columnOf = (name: string): Column | undefined => state.columns.find((column) => sameName(column.name, name));
  const isDropped = (name: string): boolean => only(actions, 'dropColumn').some((drop) => sameName(drop.name, name));
  return actions.flatMap((action): Insertion[] => {
    if (action.kind === 'addColumn') {
      const { definition, place, ifNotExists } = action;
      const isThere = ifNotExists && columnOf(definition.name) !== undefined && !isDropped(definition.name);
      return isThere ? [] : [{ definition, place, moved: undefined }];
    }
    if (action.kind !== 'changeColumn' || action.place === undefined) return [];
    const moved = columnOf(action.from);
    return moved === undefined ? [] : [{ definition: action.definition, place: action.place, moved }];
  });
}

function insert(columns: Column[], column: Column, place: ColumnPlace): void {
  if (place === 'first') {
    columns.unshift(column);
  } else if (place === 'last') {
    columns.push(column);
  } else {
    const index = columns.findIndex(({ name }) => sameName(name, place.after));
    columns.splice(index < 0 ? columns.length : index + 1, 0, column);
  }
}

/** Old column name in lower case → new name. */
function renames(actions: readonly TableAction[]): ReadonlyMap<string, string> {
  return new Map([
    ...only(actions, 'renameColumn').map(({ from, to }): [string, string] => [from.toLowerCase(), to]),
    ...only(actions, 'changeColumn').map(({ from, definition }): [string, string] => [
      from.toLowerCase(),
      definition.name,
    ]),
  ]);
}

/** An old key: dropped, renamed, hidden; its columns renamed or changed, or fewer of them, and gone with the last. */
function keptKey(key: Key, actions: readonly TableAction[], columns: readonly Column[]): Key[] {
  if (only(actions, 'dropKey').some(({ name }) => sameName(name, key.name))) return [];
  const renamed = renames(actions);
  const parts = key.parts.flatMap((part) => keptPart(part, renamed, columns));
  if (parts.length === 0) return [];
  const name = only(actions, 'renameKey').find(({ from }) => sameName(from, key.name))?.to ?? key.name;
  const visible = only(actions, 'showKey').find((action) => sameName(action.name, key.name))?.visible ?? key.visible;
  return [{ ...key, name, visible, parts }];
}

/**
 * A part goes by name: a column that is dropped and added anew in the same statement stays in its keys. Not followed: the server may go on to index only so
 * many bytes of a column as it had before, when that was of another type.
 */
function keptPart(part: KeyPart, renamed: ReadonlyMap<string, string>, columns: readonly Column[]): KeyPart[] {
  const { column } = part;
  if (column === undefined) return [part];
  const to = renamed.get(column.toLowerCase());
  if (to === undefined && [...renamed.values()].some((name) => sameName(name, column))) return [];
  const kept = columns.find(({ name }) => sameName(name, to ?? column));
  return kept === undefined ? [] : [{ column: kept.name, prefix: prefixOf(part.prefix, kept) }];
}

type AddedKey = Pick<Action<'addKey'>, 'key' | 'ifNotExists'>;

/** New keys in the order of the statement, those in column definitions among them. */
function addedKeys(actions: readonly TableAction[]): AddedKey[] {
  return actions.flatMap((action): AddedKey[] => {
    if (action.kind === 'addKey') return [action];
    if (action.kind !== 'addColumn' && action.kind !== 'changeColumn') return [];
    return keysOfColumn(action.definition).map((key) => ({ key, ifNotExists: false }));
  });
}

/** The keys that a column's own definition makes. */
export function keysOfColumn({ name, keys }: ColumnDefinition): Action<'addKey'>['key'][] {
  const parts = [{ column: name, prefix: undefined }];
  return keys.map((kind) => ({ kind, name: kind === 'primary' ? PRIMARY : undefined, parts, visible: true }));
}
