import type { Connection } from 'mysql2/promise';
import { tableImages } from './table-images.ts';
import type { TopicRecord } from './topic.ts';

/** What the newest record of each key says beside the rows that the tables have; `topics` are the records of each table with a key. @returns what differs. */
export async function compareRows(
  connection: Connection,
  topics: ReadonlyMap<string, readonly TopicRecord[]>,
): Promise<string[]> {
  const differences: string[] = [];
  for (const [table, records] of topics) {
    const rows = new Map<string, string>();
    for (const { key, op, after } of records) {
      if (op === 't' || op === 'd' || after === undefined) rows.delete(key as string);
      else rows.set(key as string, after);
    }
    const wanted = new Set(await tableImages(connection, table));
    for (const row of rows.values()) if (!wanted.delete(row)) differences.push(`${table}: the topic ends with ${row}`);
    for (const row of wanted) differences.push(`${table}: the topic lacks ${row}`);
  }
  return differences.slice(0, 20);
}
