import type { Catalog, TableChange } from '../ddl/catalog.ts';
import type { TableName } from '../ddl/cursor.ts';
import type { DdlDialect } from '../ddl/dialect.ts';
import type { TableState } from '../ddl/table-state.ts';
import type { DatabaseChange, StateChange } from './record.ts';

/** Nothing that removes a table or a database depends on it. */
const ANY_DIALECT: DdlDialect = { flavor: 'mysql', version: 0 };

/** What a statement did, in the form in which it is kept. */
export function stateChanges(changes: readonly TableChange[]): StateChange[] {
  return changes.flatMap(({ before, after }) => {
    const isMoved = before !== undefined && (before.database !== after?.database || before.name !== after.name);
    return [
      ...(isMoved ? [{ database: before.database, name: before.name, state: null }] : []),
      ...(after === undefined ? [] : [{ database: after.database, name: after.name, state: after }]),
    ];
  });
}

/** Brings a catalogue to where these changes have happened. Doing it twice is doing it once. */
export function applyChanges(
  catalog: Catalog,
  { databases, changes }: { readonly databases: readonly DatabaseChange[]; readonly changes: readonly StateChange[] },
): void {
  for (const { name, text } of databases) {
    if (text === null) catalog.apply({ kind: 'dropDatabase', name }, ANY_DIALECT);
    else catalog.setDatabase(name, text);
  }
  for (const change of changes) {
    if (change.state === null) dropTable(catalog, change);
    else catalog.set(change.state);
  }
}

function dropTable(catalog: Catalog, { database, name }: TableName): void {
  catalog.apply({ kind: 'dropTables', tables: [{ database, name }], temporary: false }, ANY_DIALECT);
}

/** A table of which nothing is known but its name, and why. Statements that make it anew make it known. */
export function unknownState(table: TableName, why: string): TableState {
  const text = { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' };
  return { database: table.database, name: table.name, text, columns: [], keys: [], unread: why };
}
