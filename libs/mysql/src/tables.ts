import type { Table, TableFilter, UniqueKey } from '@tapline/schema';
import { readColumns } from './columns.ts';
import type { MysqlConnection } from './connection.ts';
import { entry } from './entry.ts';
import { quoteText } from './quote.ts';

/** With more tables than this, a whole database is read and sifted here, rather than naming each table in the statement. */
const NAMED_TABLES = 200;

/** Which tables are meant. */
export interface TableChoice extends Pick<TableFilter, 'matches' | 'mayMatchIn'> {
  /** The names that can match in this database, where no others can: the server then does not look through all its tables. */
  named?(database: string): ReadonlySet<string>;
}

/** Tables by name, each as `database.table`. Where a name has more dots, all that it can mean. */
export function tablesNamed(tables: ReadonlySet<string>): TableChoice {
  const all = [...tables];
  const named = (database: string): ReadonlySet<string> => {
    const own = all.filter((table) => table.startsWith(`${database}.`));
    return new Set(own.map((table) => table.slice(database.length + 1)));
  };
  return {
    matches: (database, name) => tables.has(`${database}.${name}`),
    mayMatchIn: (database) => all.some((table) => table.startsWith(`${database}.`)),
    named,
  };
}

/**
 * The tables that the filter takes, sorted by database and name, from information_schema: a handful of statements for each database, however
 * many tables it has. Views, sequences and temporary tables are not tables here.
 *
 * A table changed while this runs may be seen half old, half new: callers that need one moment compare with a later read or the binlog.
 */
export async function readTables(
  connection: MysqlConnection,
  filter: TableChoice,
  signal?: AbortSignal,
): Promise<Table[]> {
  const databases = await connection.query('SELECT SCHEMA_NAME FROM information_schema.SCHEMATA', signal);
  const tables: Table[] = [];
  for (const [database] of databases) {
    if (typeof database === 'string' && filter.mayMatchIn(database)) {
      tables.push(...(await readDatabase(connection, database, filter, signal)));
    }
  }
  return tables.sort((left, right) => compare(left.database, right.database) || compare(left.name, right.name));
}

async function readDatabase(
  connection: MysqlConnection,
  database: string,
  filter: TableChoice,
  signal: AbortSignal | undefined,
): Promise<Table[]> {
  const names = await readNames(connection, database, filter, signal);
  if (names.size === 0) return [];
  const where = tablesCondition(database, names);
  const columns = await readColumns(connection, where, names, signal);
  const keys = await readKeys(connection, where, names, signal);
  // Dropped or renamed since the first statement; between the last two it looks like a table without a key.
  const allThere = [...columns.keys()].every((name) => keys.has(name));
  const there = allThere ? names : await readNames(connection, database, filter, signal);
  return [...names].flatMap((name) => {
    const tableColumns = columns.get(name);
    if (tableColumns === undefined || !there.has(name)) return [];
    return [{ database, name, columns: tableColumns, ...(keys.get(name) ?? { uniqueKeys: [] }) }];
  });
}

async function readNames(
  connection: MysqlConnection,
  database: string,
  filter: TableChoice,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  return new Set((await readBaseTables(connection, database, filter, signal)).map(({ name }) => name));
}

/** A table without its columns. */
export interface BaseTable {
  readonly name: string;
  /** Its default for columns. */
  readonly collation: string;
  readonly engine: string;
  /** MariaDB's WITH SYSTEM VERSIONING. */
  readonly versioned: boolean;
}

/** The database's tables that are neither views, sequences nor temporary. */
export async function readBaseTables(
  connection: MysqlConnection,
  database: string,
  filter: Pick<TableChoice, 'matches' | 'named'>,
  signal: AbortSignal | undefined,
): Promise<BaseTable[]> {
  const where = tablesCondition(database, filter.named?.(database));
  const rows = await connection.query(
    `SELECT TABLE_NAME, TABLE_COLLATION, ENGINE, TABLE_TYPE FROM information_schema.TABLES
     WHERE ${where} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')`,
    signal,
  );
  return rows
    .map(([name, collation, engine, type]) => ({
      name: name ?? '',
      collation: collation ?? '',
      engine: engine?.toUpperCase() ?? '',
      versioned: type === 'SYSTEM VERSIONED',
    }))
    .filter(({ name }) => filter.matches(database, name));
}

/** For WHERE in information_schema: these tables of the database (at least one), or all when they are many or not known. */
export function tablesCondition(database: string, names: ReadonlySet<string> | undefined): string {
  const named =
    names === undefined || names.size > NAMED_TABLES
      ? ''
      : ` AND TABLE_NAME IN (${[...names].map(quoteText).join(', ')})`;
  return `TABLE_SCHEMA = ${quoteText(database)}${named}`;
}

interface Keys {
  readonly primaryKey?: readonly string[];
  readonly uniqueKeys: readonly UniqueKey[];
}

interface KeyPart {
  readonly index: string;
  /** Undefined for an expression. */
  readonly column: string | undefined;
  readonly prefix: boolean;
  readonly usable: boolean;
}

async function readKeys(
  connection: MysqlConnection,
  where: string,
  names: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Map<string, Keys>> {
  const rows = connection.rows(
    `SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART, ${usableIndex(connection)}
     FROM information_schema.STATISTICS WHERE ${where} AND NON_UNIQUE = 0 ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`,
    signal,
  );
  const parts = new Map<string, KeyPart[]>();
  for await (const [table, index, column, prefix, usable] of rows) {
    if (typeof table !== 'string' || typeof index !== 'string' || !names.has(table)) continue;
    const part = { index, column: column ?? undefined, prefix: prefix !== null, usable: usable === 'YES' };
    entry(parts, table).push(part);
  }
  return new Map([...parts].map(([table, list]) => [table, keysOf(list)]));
}

/** `YES` for an index the optimizer may use: what cannot be used cannot be forced either. */
export function usableIndex(connection: MysqlConnection): string {
  if (connection.flavor === 'mysql') return connection.version.startsWith('5.') ? "'YES'" : 'IS_VISIBLE';
  const [major = 0, minor = 0] = connection.version.split('.').map(Number);
  return major > 10 || (major === 10 && minor >= 6) ? "IF(IGNORED = 'YES', 'NO', 'YES')" : "'YES'";
}

function keysOf(parts: readonly KeyPart[]): Keys {
  const primary = parts.filter((part) => part.index === 'PRIMARY').map((part) => part.column ?? '');
  const unique = Object.entries(Object.groupBy(parts, (part) => part.index))
    .filter(([name, own = []]) => name !== 'PRIMARY' && own.every(isWholeColumn))
    .map(([name, own = []]): UniqueKey => ({ name, columns: own.map((part) => part.column ?? '') }));
  return { ...(primary.length === 0 ? {} : { primaryKey: primary }), uniqueKeys: unique };
}

function isWholeColumn(part: KeyPart): boolean {
  return part.usable && part.column !== undefined && !part.prefix;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
