import type { MysqlConnection } from './connection.ts';

/** What a collation id in the binlog's column metadata stands for. */
export interface Collation {
  readonly name: string;
  readonly charset: string;
}

/** The server's collations by id. */
export async function readCollations(
  connection: MysqlConnection,
  signal?: AbortSignal,
): Promise<Map<number, Collation>> {
  const [major = 0, minor = 0] = connection.version.split('.').map(Number);
  // From 10.10 on a collation without a character set in its name has an id only together with one.
  const applicable = connection.flavor === 'mariadb' && (major > 10 || (major === 10 && minor >= 10));
  const sql = applicable
    ? 'SELECT ID, FULL_COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY'
    : 'SELECT ID, COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATIONS';
  const rows = await connection.query(sql, signal);
  return new Map(rows.map(([id, name, charset]) => [Number(id), { name: name ?? '', charset: charset ?? '' }]));
}
