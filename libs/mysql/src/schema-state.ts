import { hiddenColumns, type Key, type TableFilter, type TableState, type TextDefaults } from '@tapline/schema';
import { readCollations } from './collations.ts';
import { readColumns } from './columns.ts';
import type { MysqlConnection } from './connection.ts';
import { entry } from './entry.ts';
import { type BaseTable, readBaseTables, tablesCondition, usableIndex } from './tables.ts';

/** What DDL works on: databases with their defaults, and their tables with all of their keys. */
export interface SchemaState {
  readonly databases: readonly { readonly name: string; readonly text: TextDefaults }[];
  readonly tables: readonly TableState[];
}

/**
 * The databases and tables that the filter takes, as a catalogue starts with them: a handful of statements for each database, however many tables it has.
 *
 * A table changed while this runs may be seen half old, half new: callers that need one moment read again what changed meanwhile.
 */
export async function readSchemaState(
  connection: MysqlConnection,
  filter: Pick<TableFilter, 'matches' | 'mayMatchIn'>,
  signal?: AbortSignal,
): Promise<SchemaState> {
  const collations = [...(await readCollations(connection, signal)).values()];
  const charsets = new Map(collations.map(({ name, charset }) => [name, charset]));
  const rows = await connection.query(
    'SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA',
    signal,
  );
  const databases = rows
    .map(([name, charset, collation]) => ({
      name: name ?? '',
      text: { charset: charset ?? '', collation: collation ?? '' },
    }))
    .filter(({ name }) => filter.mayMatchIn(name));
  const tables: TableState[] = [];
  for (const { name } of databases)
    tables.push(...(await readDatabase(connection, name, { filter, charsets }, signal)));
  return { databases, tables };
}

interface ReadOptions {
  readonly filter: Pick<TableFilter, 'matches'>;
  /** Collation name → character set. */
  readonly charsets: ReadonlyMap<string, string>;
}

async function readDatabase(
  connection: MysqlConnection,
  database: string,
  { filter, charsets }: ReadOptions,
  signal: AbortSignal | undefined,
): Promise<TableState[]> {
  const tables = await readBaseTables(connection, database, filter, signal);
  const names = new Set(tables.map(({ name }) => name));
  if (names.size === 0) return [];
  const where = tablesCondition(database, names);
  const columns = await readColumns(connection, where, names, signal);
  const keys = await readKeys(connection, where, names, signal);
  const ownVersions = await readOwnVersions(connection, where, tables, signal);
  // One that is gone by now may have gone before its keys were read.
  const still = new Set((await readBaseTables(connection, database, filter, signal)).map(({ name }) => name));
  return tables.flatMap(({ name, collation, engine, versioned }): TableState[] => {
    const own = columns.get(name);
    if (own === undefined || !still.has(name)) return [];
    const text = { charset: charsets.get(collation) ?? '', collation };
    const state = { database, name, text, columns: own, keys: keys.get(name) ?? [] };
    if (connection.flavor === 'mysql') return [state];
    const longKeys = engine === 'MEMORY' ? [] : state.keys.filter(({ hash }) => hash === true);
    const hidden = hiddenColumns(versioned && !ownVersions.has(name), longKeys, own);
    return [{ ...state, engine, ...(hidden.length === 0 ? {} : { hidden }) }];
  });
}

/** Tables of MariaDB with columns of their own for when their rows were valid. */
async function readOwnVersions(
  connection: MysqlConnection,
  where: string,
  tables: readonly BaseTable[],
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<string>> {
  if (!tables.some(({ versioned }) => versioned)) return new Set();
  const rows = await connection.query(
    `SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE ${where} AND GENERATION_EXPRESSION = 'ROW START'`,
    signal,
  );
  return new Set(rows.map(([name]) => name ?? ''));
}

/** All keys by table, the primary one first. */
async function readKeys(
  connection: MysqlConnection,
  where: string,
  names: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Map<string, Key[]>> {
  const rows = connection.rows(
    `SELECT TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, ${usableIndex(connection)}, INDEX_TYPE
     FROM information_schema.STATISTICS WHERE ${where} ORDER BY TABLE_NAME, INDEX_NAME = 'PRIMARY' DESC, INDEX_NAME, SEQ_IN_INDEX`,
    signal,
  );
  const keys = new Map<string, Key[]>();
  for await (const [table, name, nonUnique, column, prefix, usable, type] of rows) {
    if (typeof table !== 'string' || typeof name !== 'string' || !names.has(table)) continue;
    const list = entry(keys, table);
    const part = { column: column ?? undefined, prefix: prefix === null ? undefined : Number(prefix) };
    const last = list.at(-1);
    if (last?.name === name) {
      list[list.length - 1] = { ...last, parts: [...last.parts, part] };
    } else {
      const kind = name === 'PRIMARY' ? 'primary' : nonUnique === '0' ? 'unique' : 'plain';
      list.push({ kind, name, parts: [part], visible: usable === 'YES', ...(type === 'HASH' ? { hash: true } : {}) });
    }
  }
  return keys;
}
