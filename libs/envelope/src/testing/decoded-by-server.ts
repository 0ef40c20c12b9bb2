import type { MysqlConnection } from '@tapline/mysql';

/** What the byte sequences `prefix` + each of first … last mean, as UTF-32 in hexadecimal digits: `?` without a meaning, null when ill-formed. */
export async function decodedByServer(
  connection: MysqlConnection,
  charset: string,
  range: { readonly prefix: string; readonly first: number; readonly last: number; readonly bytes: number },
): Promise<(string | null)[]> {
  const hex = `CONCAT('${range.prefix}', LPAD(HEX(n.i), ${range.bytes * 2}, '0'))`;
  const rows = await connection.query(
    `WITH RECURSIVE n (i) AS (SELECT ${range.first} UNION ALL SELECT i + 1 FROM n WHERE i < ${range.last})
     SELECT HEX(CONVERT(CONVERT(UNHEX(${hex}) USING ${charset}) USING utf32)) FROM n ORDER BY n.i`,
  );
  return rows.map(([text]) => text ?? null);
}
