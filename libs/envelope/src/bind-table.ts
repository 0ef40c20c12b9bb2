import type { TableMap } from '@tapline/binlog';
import type { Table } from '@tapline/schema';
import { checkWire, mismatch } from './wire-check.ts';

/**
 * The table by which rows of a layout are to be read, out of the history of its schema. Whatever the layout tells is compared: with MINIMAL metadata the number
 * of columns, their types, lengths and nullability, and perhaps signs and character sets; with FULL metadata also names, members and the primary key.
 *
 * @throws TaplineError SCHEMA_MISMATCH, naming the column and both sides: rows would be decoded into wrong values.
 */
export function bindTable(table: Table, layout: TableMap): Table {
  checkWire(table, layout);
  if (layout.columns[0]?.name === undefined) return table;
  const seen = (layout.primaryKey ?? []).map((index) => layout.columns[index]?.name ?? '');
  const known = table.primaryKey ?? [];
  if (seen.length !== known.length || seen.some((name, i) => name !== known[i])) {
    throw mismatch(table, `has ${keyText(known)}`, keyText(seen));
  }
  return table;
}

function keyText(columns: readonly string[]): string {
  return columns.length === 0 ? 'no primary key' : `the primary key (${columns.join(', ')})`;
}
