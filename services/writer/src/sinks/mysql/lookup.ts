import { createHash } from 'node:crypto';
import { readTables } from '@tapline/mysql';
import type { Table, TableName } from '@tapline/schema';
import { nameBy } from './check-config.ts';
import { classify } from './classify.ts';
import type { MysqlConfig } from './config.ts';
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
  const whole = `${database}.${name}`;
  if (whole.length <= NAME_LENGTH) return whole;
  return `${whole.slice(0, 47)}~${createHash('sha256').update(whole).digest('hex').slice(0, 16)}`;
}

export function dialectOf({ flavor, connection }: Session): Dialect {
  const [major = 0, minor = 0, patch = 0] = connection.version.split(/[.-]/).map(Number);
  const number = major * 10_000 + minor * 100 + patch;
  if (flavor === 'mariadb') return { flavor, rowAlias: false, unicode: number >= 101_000 ? 'uca1400' : 'uca520' };
  const rowAlias = number >= 80_019 && !/tidb/i.test(connection.version);
  return { flavor, rowAlias, unicode: number >= 80_001 ? 'uca900' : 'uca520' };
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
