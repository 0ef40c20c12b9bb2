import type { Column } from '@tapline/schema';
import { columnOf } from './column.ts';
import type { MysqlConnection } from './connection.ts';
import { entry } from './entry.ts';

/** Rows held at a time: of ten thousand tables there are hundreds of thousands, and all of them at once take more memory than all else that is known of them. */
const BUFFER_BYTES = 1024 * 1024;

/**
 * The columns of these tables by table, in their order. Equal columns are one object: in a database of thousands of tables most columns are somewhere else too.
 *
 * A row comes as two values, the table's name and the text of all else with NUL between its parts, which no name can hold. So a column that was met before is
 * known by one look at its text.
 */
export async function readColumns(
  connection: MysqlConnection,
  where: string,
  names: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Map<string, Column[]>> {
  // MariaDB's VECTOR is VARBINARY in its binlog, and so it is here: both must give the same message.
  const type = connection.flavor === 'mariadb' ? "IF(DATA_TYPE = 'vector', 'varbinary', DATA_TYPE)" : 'DATA_TYPE';
  const hasSrid = connection.flavor === 'mysql' && !connection.isTidb && !connection.version.startsWith('5.');
  const srid = hasSrid ? 'SRS_ID' : 'NULL';
  const parts = [
    ...['COLUMN_NAME', type, 'COLUMN_TYPE', 'IS_NULLABLE', 'CHARACTER_MAXIMUM_LENGTH', 'NUMERIC_PRECISION'],
    ...['NUMERIC_SCALE', 'DATETIME_PRECISION', 'CHARACTER_SET_NAME', 'COLLATION_NAME', 'EXTRA', srid],
  ].map((part) => `COALESCE(${part}, '')`);
  const rows = connection.stream(
    `SELECT TABLE_NAME, CONCAT_WS(CHAR(0), ${parts.join(', ')})
     FROM information_schema.COLUMNS WHERE ${where} ORDER BY TABLE_NAME, ORDINAL_POSITION`,
    { bufferBytes: BUFFER_BYTES, ...(signal === undefined ? {} : { signal }) },
  );
  const pool = new ColumnPool();
  const columns = new Map<string, Column[]>();
  for await (const batch of rows) {
    for (const [table, text] of batch) {
      const name = String(table);
      if (text && names.has(name)) entry(columns, name).push(pool.of(text));
    }
  }
  return columns;
}

/** To be let go afterwards: it would keep every column that there ever was. */
class ColumnPool {
  readonly #columns = new Map<string, Column>();

  of(text: Buffer): Column {
    const key = text.toString('latin1');
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    const column = parse(text);
    this.#columns.set(key, column);
    return column;
  }
}

function parse(text: Buffer): Column {
  const parts: string[] = [];
  // Not cut out of the whole text: each part would keep it.
  for (let from = 0; from <= text.length; ) {
    const end = text.indexOf(0, from);
    const to = end < 0 ? text.length : end;
    parts.push(text.toString('utf8', from, to));
    from = to + 1;
  }
  const part = (index: number): string | null => parts[index] || null;
  return columnOf({
    name: parts[0] ?? '',
    dataType: parts[1] ?? '',
    columnType: parts[2] ?? '',
    nullable: parts[3] ?? '',
    characterLength: part(4),
    numericPrecision: part(5),
    numericScale: part(6),
    datetimePrecision: part(7),
    charset: part(8),
    collation: part(9),
    extra: part(10),
    srid: part(11),
  });
}
