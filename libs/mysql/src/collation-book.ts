import type { CharsetInfo, CollationBook } from '@tapline/schema';
import { readCollations } from './collations.ts';
import type { MysqlConnection } from './connection.ts';

/** The server's character sets and collations by name: what DDL refers to. */
export async function readCollationBook(connection: MysqlConnection, signal?: AbortSignal): Promise<CollationBook> {
  const byId = await readCollations(connection, signal);
  const byName = new Map([...byId.values()].map((collation) => [collation.name, collation]));
  const rows = await connection.query(
    'SELECT CHARACTER_SET_NAME, DEFAULT_COLLATE_NAME, MAXLEN FROM information_schema.CHARACTER_SETS',
    signal,
  );
  const charsets = new Map(
    rows.map(([name, defaultCollation, maxBytes]): [string, CharsetInfo] => [
      name ?? '',
      { name: name ?? '', defaultCollation: defaultCollation ?? '', maxBytes: Number(maxBytes) },
    ]),
  );
  return {
    collation: (name) => byName.get(name),
    collationById: (id) => byId.get(id),
    charset: (name) => charsets.get(name),
  };
}
