import type { Connection, RowDataPacket } from 'mysql2/promise';
import { type ShopTable, selectRows, storedRow } from './shop.ts';
import { type DemoStore, rowName, type StoredRow } from './stores/store.ts';

export interface Comparison {
  /** Rows of MySQL. */
  readonly rows: number;
  /** Rows of the store. */
  readonly found: number;
  /** In words: `orders:7: status is "paid" in MySQL and "sent" in Redis`. */
  readonly differences: readonly string[];
}

/** How a store's row differs from what it must be, in words. */
export function rowDifferences(
  name: string,
  expected: StoredRow,
  found: StoredRow | undefined,
  title: string,
): readonly string[] {
  if (found === undefined) return [`${name}: the row is missing in ${title}`];
  const differences: string[] = [];
  for (const [column, value] of Object.entries(expected)) {
    const other = found[column];
    if (other === value) continue;
    const there = other === undefined ? 'missing' : JSON.stringify(other);
    differences.push(`${name}: ${column} is ${JSON.stringify(value)} in MySQL and ${there} in ${title}`);
  }
  for (const column of Object.keys(found)) {
    if (expected[column] === undefined)
      differences.push(`${name}: ${column} is NULL in MySQL and ${JSON.stringify(found[column])} in ${title}`);
  }
  return differences;
}

/** Compares every row of these tables with the store, column by column, and looks for rows in the store that MySQL does not have. */
export async function compareAll(
  mysql: Connection,
  store: DemoStore,
  tables: readonly ShopTable[],
): Promise<Comparison> {
  let rows = 0;
  let found = 0;
  const differences: string[] = [];
  for (const table of tables) {
    const stored = await store.rows(table);
    const seen = new Set<string>();
    const [all] = await mysql.query<RowDataPacket[][]>({ sql: selectRows(table, ''), rowsAsArray: true });
    for (const row of all as unknown as (string | null)[][]) {
      const expected = storedRow(table, row);
      const name = rowName(table.key.map((column) => expected[column] ?? ''));
      seen.add(name);
      differences.push(...rowDifferences(`${table.name}:${name}`, expected, stored.get(name), store.title));
    }
    for (const name of stored.keys()) {
      if (!seen.has(name)) differences.push(`${table.name}:${name}: ${store.title} has a row that MySQL does not have`);
    }
    rows += all.length;
    found += stored.size;
  }
  return { rows, found, differences };
}
