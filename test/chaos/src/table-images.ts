import type { Connection, RowDataPacket } from 'mysql2/promise';
import { bytesValue, datetimeValue, NULL, rowImage, textValue } from './image.ts';

/** The rows of a table as images, sorted: what MySQL itself says when asked. */
export async function tableImages(
  connection: Connection,
  table: string,
  columns: readonly string[],
): Promise<string[]> {
  await connection.query("SET SESSION time_zone = '+00:00'");
  const [rows, fields] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT ${columns.map((column) => `\`${column}\``).join(', ')} FROM ${table}`,
    rowsAsArray: true,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  const types = fields.map((field) => field.columnType ?? field.type);
  return rows
    .map((row) => rowImage((row as unknown[]).map((value, i) => selectedValue(value, types[i] as number))))
    .toSorted();
}

const TIMESTAMP = 7;
const DATETIME = 12;
const TEXTS = new Set([252, 253, 254]);

function selectedValue(value: unknown, type: number): string {
  if (value === null) return NULL;
  if (Buffer.isBuffer(value)) return bytesValue(value);
  if (typeof value !== 'string' && typeof value !== 'number') throw new Error(`no rule for ${typeof value}`);
  if (type === TIMESTAMP || type === DATETIME) return datetimeValue(String(value));
  return TEXTS.has(type) ? textValue(String(value)) : String(value);
}
