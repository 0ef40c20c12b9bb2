import type { Connection, FieldPacket, RowDataPacket } from 'mysql2/promise';
import { bytesValue, datetimeValue, NULL, rowImage, textValue } from './image.ts';

/** A value as a client gets it (text, number, bytes, null) in the form of image.ts. */
export type ValueImage = (value: unknown) => string;

export interface SelectedTable {
  readonly columns: readonly string[];
  /** How values of each column are written down. */
  readonly images: readonly ValueImage[];
  /** The rows, each the images of its values. */
  readonly rows: readonly (readonly string[])[];
}

/** All rows of a table as MySQL itself gives them. */
export async function selectTable(connection: Connection, table: string): Promise<SelectedTable> {
  await connection.query("SET SESSION time_zone = '+00:00'");
  const [rows, fields] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT * FROM ${table}`,
    rowsAsArray: true,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
  });
  const images = fields.map((field) => valueImage(field));
  return {
    columns: fields.map(({ name }) => name),
    images,
    rows: rows.map((row) => (row as unknown[]).map((value, i) => (images[i] as ValueImage)(value))),
  };
}

/** The rows of a table as row images, sorted. */
export async function tableImages(connection: Connection, table: string): Promise<string[]> {
  return (await selectTable(connection, table)).rows.map(rowImage).toSorted();
}

const TIMESTAMP = 7;
const DATETIME = 12;
const TEXTS = new Set([252, 253, 254]);
const BINARY_CHARSET = 63;

function valueImage(field: FieldPacket): ValueImage {
  const type = field.columnType ?? field.type;
  const { characterSet } = field as FieldPacket & { characterSet?: number };
  return (value) => {
    if (value === null || value === undefined) return NULL;
    if (TEXTS.has(type as number) && characterSet === BINARY_CHARSET) return bytesValue(value as Buffer);
    if (typeof value !== 'string' && typeof value !== 'number' && !Buffer.isBuffer(value))
      throw new Error(`${field.name}: no rule for ${typeof value}`);
    const text = value.toString();
    if (type === TIMESTAMP || type === DATETIME) return datetimeValue(text);
    return TEXTS.has(type as number) ? textValue(text) : text;
  };
}
