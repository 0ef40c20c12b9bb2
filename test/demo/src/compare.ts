import type { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { DATABASE, type ShopTable } from './shop.ts';

export interface Comparison {
  readonly rows: number;
  readonly keys: number;
  /** In words: `orders:7: status is "paid" in MySQL and "sent" in Redis`. */
  readonly differences: readonly string[];
}

const CHUNK_ROWS = 1000;

/** The writer keeps a row's version in this field; MySQL has no such column. */
const VERSION_FIELD = '_v';

/** The default key of the Redis sink: `${table}:${key}`, where a part of a key of several columns has colons and per cent signs escaped. */
export function redisKey(table: ShopTable, key: readonly string[]): string {
  const parts = key.length === 1 ? key : key.map((part) => part.replaceAll('%', '%25').replaceAll(':', '%3A'));
  return [table.name, ...parts].join(':');
}

/** What Redis must hold for a row of MySQL: NULL columns are left out. */
export function expectedHash(table: ShopTable, row: readonly (string | null)[]): ReadonlyMap<string, string> {
  const hash = new Map<string, string>();
  for (const [index, column] of [...table.columns.keys()].entries()) {
    const value = row[index];
    if (value !== null && value !== undefined) hash.set(column, value);
  }
  return hash;
}

/** How a hash of Redis differs from what it must be, in words. */
export function hashDifferences(
  key: string,
  expected: ReadonlyMap<string, string>,
  found: Readonly<Record<string, string>>,
): readonly string[] {
  if (Object.keys(found).length === 0) return [`${key}: the row is missing in Redis`];
  const differences: string[] = [];
  for (const [column, value] of expected) {
    const other = found[column];
    if (other !== value)
      differences.push(
        `${key}: ${column} is ${JSON.stringify(value)} in MySQL and ${other === undefined ? 'missing' : JSON.stringify(other)} in Redis`,
      );
  }
  for (const column of Object.keys(found)) {
    if (column !== VERSION_FIELD && !expected.has(column))
      differences.push(`${key}: ${column} is NULL in MySQL and ${JSON.stringify(found[column])} in Redis`);
  }
  return differences;
}

/** Reads one row, in the text form that Redis must hold. */
export function selectRows(table: ShopTable, rest: string): string {
  return `SELECT ${[...table.columns.values()].join(', ')} FROM ${DATABASE}.${table.name} ${rest}`;
}

/** Compares every row of these tables with Redis, column by column, and looks for keys in Redis that no row has. */
export async function compareAll(mysql: Connection, redis: Redis, tables: readonly ShopTable[]): Promise<Comparison> {
  let rows = 0;
  let keys = 0;
  const differences: string[] = [];
  for (const table of tables) {
    const seen = new Set<string>();
    for (let offset = 0; ; offset += CHUNK_ROWS) {
      const sql = selectRows(table, `ORDER BY ${table.key.join(', ')} LIMIT ${CHUNK_ROWS} OFFSET ${offset}`);
      const [chunk] = await mysql.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
      differences.push(...(await compareChunk(redis, table, chunk as unknown as (string | null)[][], seen)));
      rows += chunk.length;
      if (chunk.length < CHUNK_ROWS) break;
    }
    for (const key of await keysOf(redis, table)) {
      keys += 1;
      if (!seen.has(key)) differences.push(`${key}: Redis has a row that MySQL does not have`);
    }
  }
  return { rows, keys, differences };
}

async function compareChunk(
  redis: Redis,
  table: ShopTable,
  rows: readonly (string | null)[][],
  seen: Set<string>,
): Promise<readonly string[]> {
  const columns = [...table.columns.keys()];
  const keys = rows.map((row) =>
    redisKey(
      table,
      table.key.map((column) => row[columns.indexOf(column)] ?? ''),
    ),
  );
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.hgetall(key);
  const answers = (await pipeline.exec()) ?? [];
  return rows.flatMap((row, index) => {
    const key = keys[index] ?? '';
    seen.add(key);
    return hashDifferences(key, expectedHash(table, row), (answers[index]?.[1] ?? {}) as Record<string, string>);
  });
}

async function keysOf(redis: Redis, table: ShopTable): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const keys of redis.scanStream({ match: `${table.name}:*`, count: 1000 })) {
    for (const key of keys as string[]) found.add(key);
  }
  return found;
}
