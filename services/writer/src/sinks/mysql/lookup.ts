import { createHash } from 'node:crypto';
import { readTables } from '@tapline/mysql';
import type { Table, TableName } from '@tapline/schema';
import { nameBy } from './check-config.ts';
import { classify } from './classify.ts';
import type { MysqlConfig } from './config.ts';
import { quoted } from './literal.ts';
import type { Session } from './session.ts';
import type { Dialect } from './target.ts';

/** The longest name of a table. */
const NAME_LENGTH = 64;

/** Where a table of the source goes to. */
export function placeIn(
  config: Pick<MysqlConfig, 'database' | 'table'>,
  source: { readonly db: string; readonly table: string },
): TableName {
  return { database: nameBy(config.database, source), name: nameBy(config.table, source) };
}

/** The name of a table's table of versions, in the database for those. */
export function versionsName({ database, name }: TableName): string {
  return shortened(`${database}.${name}`);
}

/** What may be kept of a table's rows: each in a table of its own, which goes wherever the table goes. */
const STATE_KINDS = ['versions', 'offsets', 'before'] as const;

/** `versions` of rows; `offsets`: how far partitions are applied, while that says enough; `before`: how far they were when versions began to be kept. */
export type StateKind = (typeof STATE_KINDS)[number];

/** The names of these tables, in `stateDatabase`. */
export function stateName(kind: StateKind, table: TableName): string {
  if (kind === 'versions') return versionsName(table);
  return shortened(`__offsets${kind === 'before' ? '_before' : ''}.${table.database}.${table.name}`);
}

/** Those that are there. */
export async function findState(
  session: Session,
  stateDatabase: string,
  table: TableName,
  signal: AbortSignal,
): Promise<ReadonlyMap<StateKind, TableName>> {
  const names = STATE_KINDS.map((kind) => [kind, stateName(kind, table)] as const);
  const rows = await session.query(
    `SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoted(stateDatabase)} AND TABLE_NAME IN (${names.map(([, name]) => quoted(name)).join(', ')})`,
    signal,
  );
  // A server may keep names in small letters.
  const there = new Set(rows.map(([name]) => name?.toLowerCase()));
  return new Map(
    names
      .filter(([, name]) => there.has(name.toLowerCase()))
      .map(([kind, name]) => [kind, { database: stateDatabase, name }]),
  );
}

function shortened(whole: string): string {
  if (whole.length <= NAME_LENGTH) return whole;
  return `${whole.slice(0, 47)}~${createHash('sha256').update(whole).digest('hex').slice(0, 16)}`;
}

export function dialectOf({ flavor, connection }: Session): Dialect {
  const [major = 0, minor = 0, patch = 0] = connection.version.split(/[.-]/).map(Number);
  const number = major * 10_000 + minor * 100 + patch;
  if (flavor === 'mariadb') return { flavor, rowAlias: false, unicode: number >= 101_000 ? 'uca1400' : 'uca520' };
  if (connection.isTidb) return { flavor, rowAlias: false, unicode: 'tidb' };
  return { flavor, rowAlias: number >= 80_019, unicode: number >= 80_001 ? 'uca900' : 'uca520' };
}

/** A table as it is in the target; undefined: there is none. */
export async function findTable(
  { connection }: Session,
  { database, name }: TableName,
  signal: AbortSignal,
): Promise<Table | undefined> {
  const filter = {
    mayMatchIn: (db: string) => db === database,
    matches: (db: string, table: string) => db === database && table === name,
  };
  try {
    const [table] = await readTables(connection, filter, signal);
    return table;
  } catch (error) {
    signal.throwIfAborted();
    throw classify(error);
  }
}
