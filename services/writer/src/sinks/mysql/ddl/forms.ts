import type { Column, Table, TableAction } from '@tapline/schema';
import { collationFor, typeText } from '../create-table.ts';
import type { Dialect } from '../target.ts';

/** A column that a statement made (no `before`), dropped (no `after`) or changed. */
export interface TouchedColumn {
  readonly name: string;
  readonly before: Column | undefined;
  readonly after: Column | undefined;
}

export function touchedColumns(before: Table | undefined, after: Table | undefined): TouchedColumn[] {
  const old = byName(before);
  const now = byName(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }))
    .filter((column) => JSON.stringify(column.before) !== JSON.stringify(column.after));
}

/** Names of keys that an ALTER adds and drops, as far as it says them. */
export interface TouchedKeys {
  readonly added: readonly string[];
  readonly dropped: readonly string[];
}

export function touchedKeys(actions: readonly TableAction[]): TouchedKeys {
  const added = actions.flatMap((action) => {
    if (action.kind === 'addKey') return action.key.name ?? [];
    return action.kind === 'renameKey' ? [action.to] : [];
  });
  const dropped = actions.flatMap((action) => {
    if (action.kind === 'dropKey') return [action.name];
    return action.kind === 'renameKey' ? [action.from] : [];
  });
  return { added, dropped: dropped.filter((name) => !added.includes(name)) };
}

/** A table of the target, with the names of all of its keys. */
export interface PresentTable {
  readonly table: Table;
  readonly keys: ReadonlySet<string>;
}

/** Whether the table is as a statement leaves it, as far as one sees what that did; false where one sees nothing of it. */
export function isAsAfter(
  { table, keys }: PresentTable,
  { columns, keys: { added, dropped } }: { readonly columns: readonly TouchedColumn[]; readonly keys: TouchedKeys },
  dialect: Dialect,
): boolean {
  if (columns.length + added.length + dropped.length === 0) return false;
  const present = byName(table);
  return (
    columns.every(({ name, after }) => isColumn(present.get(name), after, dialect)) &&
    added.every((name) => keys.has(name.toLowerCase())) &&
    dropped.every((name) => !keys.has(name.toLowerCase()))
  );
}

function isColumn(found: Column | undefined, wanted: Column | undefined, dialect: Dialect): boolean {
  if (found === undefined || wanted === undefined) return found === wanted;
  const collation = wanted.collation === undefined ? undefined : collationFor(wanted.collation, dialect);
  return (
    plainType(typeText(found, dialect)) === plainType(typeText(wanted, dialect)) &&
    found.nullable === wanted.nullable &&
    (found.collation === collation || found.type === 'json' || wanted.type === 'json')
  );
}

/** Without what only some servers show: widths of integers and years. */
function plainType(type: string): string {
  return type.toLowerCase().replace(/^((?:tiny|small|medium|big)?int|year)\(\d+\)/, '$1');
}

function byName(table: Table | undefined): ReadonlyMap<string, Column> {
  return new Map((table?.columns ?? []).map((column) => [column.name, column]));
}
