import type { Table } from '@tapline/schema';
import type { MysqlConnection } from './connection.ts';
import { quoteText } from './quote.ts';

/** How many rows each table has, about (the engine's own estimate): `database.table` → rows. For progress bars only. */
export async function readRowEstimates(
  connection: MysqlConnection,
  tables: readonly Pick<Table, 'database' | 'name'>[],
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  if (tables.length === 0) return new Map();
  // MySQL 8 would otherwise answer from a cache up to a day old.
  if (connection.flavor === 'mysql' && !connection.version.startsWith('5.')) {
    await connection.execute('SET SESSION information_schema_stats_expiry = 0', signal);
  }
  const databases = [...new Set(tables.map((table) => table.database))].map(quoteText);
  const rows = await connection.query(
    `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES WHERE TABLE_SCHEMA IN (${databases.join(', ')})`,
    signal,
  );
  const all = new Map(rows.map(([database, name, count]) => [`${database}.${name}`, Number(count ?? 0)]));
  return new Map(tables.map((table) => `${table.database}.${table.name}`).map((name) => [name, all.get(name) ?? 0]));
}
