import type { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import { imageValues, rowImage } from './image.ts';
import { selectTable, type ValueImage } from './table-images.ts';

export const VERSION_FIELD = '_v';
/** Keys that remember versions of deleted rows. */
export const VERSION_PREFIX = '_tapline:v:';

export interface RedisTable {
  /** `db.table` in MySQL; its rows are `table:key` in Redis. */
  readonly table: string;
  readonly keyColumns: readonly string[];
}

const MAX_DIFFERENCES = 20;
const PIPELINE = 500;

/** Compares every row that MySQL has with its hash, and looks for hashes without a row. @returns what differs; empty when nothing does. */
export async function compareRedis(
  connection: Connection,
  redis: Redis,
  tables: readonly RedisTable[],
): Promise<{ differences: string[]; rows: number }> {
  const differences: string[] = [];
  const left = new Set(await allKeys(redis));
  let rows = 0;
  for (const { table, keyColumns } of tables) {
    const selected = await selectTable(connection, table);
    const keyIndexes = keyColumns.map((column) => selected.columns.indexOf(column));
    for (let from = 0; from < selected.rows.length; from += PIPELINE) {
      const part = selected.rows.slice(from, from + PIPELINE);
      const keys = part.map((row) => redisKey(table, keyIndexes, row));
      const hashes = await Promise.all(keys.map(async (key) => await redis.hgetallBuffer(key)));
      for (const [i, row] of part.entries()) {
        const key = keys[i] as string;
        left.delete(key);
        rows++;
        const hash = hashes[i] as Record<string, Buffer>;
        const found = hashImage(hash, selected.columns, selected.images);
        if (found !== rowImage(row))
          differences.push(`${key}: MySQL has ${row.join(', ')}; Redis has ${imageValues(found).join(', ')}`);
        if (!/^[0-9a-f]{16}$/.test(hash[VERSION_FIELD]?.toString() ?? '')) differences.push(`${key}: no version`);
      }
    }
  }
  for (const key of left) differences.push(`${key}: in Redis, but MySQL has no such row`);
  const more = differences.length - MAX_DIFFERENCES;
  return {
    differences: more > 0 ? [...differences.slice(0, MAX_DIFFERENCES), `… and ${more} more`] : differences,
    rows,
  };
}

/** `table:key`; key columns of a text are as they are, in these tables only single ones are texts. */
function redisKey(table: string, keyIndexes: readonly number[], row: readonly string[]): string {
  const parts = keyIndexes.map((index) => {
    const image = row[index] as string;
    return image.startsWith('"') ? (JSON.parse(image) as string) : image;
  });
  return `${table.slice(table.indexOf('.') + 1)}:${parts.join(':')}`;
}

function hashImage(
  hash: Readonly<Record<string, Buffer>>,
  columns: readonly string[],
  images: readonly ValueImage[],
): string {
  const surplus = Object.keys(hash).filter((field) => field !== VERSION_FIELD && !columns.includes(field));
  return rowImage([...columns.map((column, i) => (images[i] as ValueImage)(hash[column])), ...surplus]);
}

async function allKeys(redis: Redis): Promise<string[]> {
  const keys: string[] = [];
  for await (const found of redis.scanStream({ count: 1000 }) as AsyncIterable<string[]>)
    keys.push(...found.filter((key) => !key.startsWith(VERSION_PREFIX)));
  return keys;
}
