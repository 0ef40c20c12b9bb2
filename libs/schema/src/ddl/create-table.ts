import { type ColumnDefinition, readColumnDefinition } from './column-definition.ts';
import type { Cursor, TableName } from './cursor.ts';
import { isPeriod, type KeyDefinition, type Period, readConstraint } from './key-definition.ts';
import { readTableOptions, type TableOptions } from './text-options.ts';

/** What a new table is made of: definitions, or another table. */
export type TableBody =
  | { readonly kind: 'like'; readonly table: TableName }
  | {
      readonly kind: 'items';
      readonly items: readonly TableItem[];
      readonly options: TableOptions;
      /** Pairs of columns that MariaDB's PERIOD FOR names. */
      readonly periods: readonly Period[];
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
  const read = cursor.sees('(') && !cursor.sees('(', 'SELECT') ? readTableItems(cursor) : [];
  const items = read.filter((item) => item.kind !== 'period');
  const periods = read.flatMap((item) => (item.kind === 'period' ? [item.period] : []));
  let options = readTableOptions(cursor);
  // A comma may stand between options.
  while (cursor.takes(',')) options = merge(options, readTableOptions(cursor));
  return { kind: 'items', items, periods, options, fromSelect: seesSelect(cursor) };
}

/** `(column or key or constraint, …)` */
export function readTableItems(cursor: Cursor): (TableItem | PeriodItem)[] {
  return cursor.list(() => readTableItem(cursor)).filter((item) => item !== undefined);
}

function readTableItem(cursor: Cursor): TableItem | PeriodItem | undefined {
  const constraint = readConstraint(cursor);
  if (constraint === 'none') return undefined;
  if (constraint === undefined) {
    return { kind: 'column', definition: readColumnDefinition(cursor, cursor.columnName()) };
  }
  return isPeriod(constraint) ? { kind: 'period', period: constraint } : { kind: 'key', key: constraint };
}

interface PeriodItem {
  readonly kind: 'period';
  readonly period: Period;
}

function merge(first: TableOptions, second: TableOptions): TableOptions {
  return {
    charset: second.charset ?? first.charset,
    collation: second.collation ?? first.collation,
    engine: second.engine ?? first.engine,
    versioned: first.versioned || second.versioned,
  };
}

function seesSelect(cursor: Cursor): boolean {
  while (!cursor.atEnd) {
    if (cursor.sees('SELECT') || cursor.sees('(', 'SELECT')) return true;
    cursor.skip();
  }
  return false;
}
