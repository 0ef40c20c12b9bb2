import { type ColumnDefinition, readColumnDefinition } from './column-definition.ts';
import type { Cursor, TableName } from './cursor.ts';
import { type KeyDefinition, readConstraint } from './key-definition.ts';
import { readTextOptions, type TextOptions } from './text-options.ts';

/** What a new table is made of: definitions, or another table. */
export type TableBody =
  | { readonly kind: 'like'; readonly table: TableName }
  | {
      readonly kind: 'items';
      readonly items: readonly TableItem[];
      readonly text: TextOptions;
      /** Columns come from a SELECT, too. Under binlog_format=ROW a server logs the definitions instead, so this comes from nowhere but a statement log. */
      readonly fromSelect: boolean;
    };

/** In the order of the statement: it decides the names that keys get. */
export type TableItem =
  | { readonly kind: 'column'; readonly definition: ColumnDefinition }
  | { readonly kind: 'key'; readonly key: KeyDefinition };

/** Everything behind the name in CREATE TABLE. */
export function readTableBody(cursor: Cursor): TableBody {
  if (cursor.takes('LIKE') || cursor.takes('(', 'LIKE')) return { kind: 'like', table: cursor.tableName() };
  const items = cursor.sees('(') && !cursor.sees('(', 'SELECT') ? readTableItems(cursor) : [];
  let text = readTextOptions(cursor);
  // A comma may stand between options.
  while (cursor.takes(',')) text = merge(text, readTextOptions(cursor));
  return { kind: 'items', items, text, fromSelect: seesSelect(cursor) };
}

/** `(column or key or constraint, …)` */
export function readTableItems(cursor: Cursor): TableItem[] {
  return cursor.list(() => readTableItem(cursor)).filter((item) => item !== undefined);
}

function readTableItem(cursor: Cursor): TableItem | undefined {
  const constraint = readConstraint(cursor);
  if (constraint === 'none') return undefined;
  if (constraint !== undefined) return { kind: 'key', key: constraint };
  return { kind: 'column', definition: readColumnDefinition(cursor, cursor.name()) };
}

function merge(first: TextOptions, second: TextOptions): TextOptions {
  return { charset: second.charset ?? first.charset, collation: second.collation ?? first.collation };
}

function seesSelect(cursor: Cursor): boolean {
  while (!cursor.atEnd) {
    if (cursor.sees('SELECT') || cursor.sees('(', 'SELECT')) return true;
    cursor.skip();
  }
  return false;
}
