import { quoteName, quoteTable } from '@tapline/mysql';
import type { TableName } from '@tapline/schema';
import type { MysqlConfig } from '../config.ts';
import { columnDefinition } from '../create-table.ts';
import { dialectOf, findTable, versionsName } from '../lookup.ts';
import type { Session } from '../session.ts';

/** Gives the columns of a table's table of versions the names and types that the key's have by now. */
export async function alignVersions(
  table: TableName,
  renamed: ReadonlyMap<string, string>,
  {
    session,
    config,
    signal,
  }: { readonly session: Session; readonly config: MysqlConfig; readonly signal: AbortSignal },
): Promise<void> {
  const place = { database: config.stateDatabase, name: versionsName(table) };
  const [rows, versions] = [await findTable(session, table, signal), await findTable(session, place, signal)];
  if (rows === undefined || versions?.primaryKey === undefined) return;
  const changes = versions.primaryKey.flatMap((key) => {
    const old = versions.columns.find(({ name }) => name === key);
    const now = rows.columns.find(({ name }) => name === (renamed.get(key) ?? key));
    if (old === undefined || now === undefined) return [];
    const isSame = old.name === now.name && old.columnType === now.columnType && old.collation === now.collation;
    const definition = columnDefinition({ ...now, nullable: false }, dialectOf(session));
    return isSame ? [] : [`CHANGE COLUMN ${quoteName(old.name)} ${definition}`];
  });
  if (changes.length === 0) return;
  await session.lenient(`ALTER TABLE ${quoteTable(place.database, place.name)} ${changes.join(', ')}`, signal);
}
