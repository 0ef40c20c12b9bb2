import { type Logger, TaplineError } from '@tapline/kernel';
import { quoteTable } from '@tapline/mysql';
import {
  type Ddl,
  type DdlDialect,
  dialectOf as ddlDialectOf,
  hashOfSql,
  readDdl,
  rewriteDdl,
  type TableAction,
  type TableName,
} from '@tapline/schema';
import type { TableCatalog, TableShape } from '@tapline/sink';
import { POSITIONS } from '../append.ts';
import { errnoOf } from '../classify.ts';
import type { MysqlConfig } from '../config.ts';
import { charsetFor, collationFor } from '../create-table.ts';
import { quoted } from '../literal.ts';
import { dialectOf, findState, findTable, placeIn } from '../lookup.ts';
import type { Session } from '../session.ts';
import { isAsAfter, type PresentTable, type TouchedColumn, touchedColumns, touchedKeys } from './forms.ts';
import type { PlacedStatement } from './pending.ts';
import { renameAll } from './rename-all.ts';
import { movesOf, nameOf, type Rename } from './renames.ts';
import { alignVersions } from './versions.ts';

export interface CarryOutParts {
  readonly session: Session;
  readonly config: MysqlConfig;
  readonly catalog: TableCatalog;
  /** Name of the source. */
  readonly source: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

type Kind = keyof MysqlConfig['ddl'];

/** A key that is there already, or is not there to be dropped: nothing of a row depends on it. */
const ABOUT_KEYS: ReadonlySet<number> = new Set([1061, 1091, 1176]);

/**
 * Carries out one statement of the source on the target, in the target's names. All changes in front of it are applied, and none behind it. Done again after
 * something broke it off, it does what is left: what a table should become is held against what it is.
 *
 * @throws TaplineError SINK_MYSQL_DDL; SINK_MYSQL_* of the server.
 */
export class CarryOut {
  readonly #statement: PlacedStatement;
  readonly #parts: CarryOutParts;
  readonly #dialect: DdlDialect;

  constructor(statement: PlacedStatement, parts: CarryOutParts) {
    this.#statement = statement;
    this.#parts = parts;
    this.#dialect = ddlDialectOf(statement.server ?? { flavor: 'mysql', version: 0 }, statement.session);
  }

  async run(): Promise<void> {
    const { sql, database, captured } = this.#statement;
    const ddl = readDdl(sql, database, this.#dialect);
    switch (ddl?.kind) {
      case 'alterTable':
        return this.#alterTable(ddl);
      case 'renameTables':
        return this.#rename(ddl.renames);
      case 'dropTables':
      case 'dropDatabase':
        return this.#drop(captured);
      case 'createTable':
        return this.#remade(ddl.table);
      case 'unread':
        if (this.#decide('alterTable')) throw this.#refused('It cannot be read.');
        return;
      default:
    }
  }

  async #alterTable({ table, actions }: Extract<Ddl, { kind: 'alterTable' }>): Promise<void> {
    const rename = actions.find((action) => action.kind === 'renameTable');
    if (rename === undefined) {
      if (this.#decide('alterTable')) await this.#alter(table, [{ text: this.#statement.sql, of: table, actions }]);
      return;
    }
    if (actions.some((action) => action.kind !== 'renameTable' && action.kind !== 'setOptions')) {
      if (this.#decide('alterTable')) throw this.#refused('It alters the table and renames it at once.');
      return;
    }
    await this.#rename([{ from: table, to: rename.to }]);
  }

  /** Brings a table to what it is behind the statement. */
  async #alter(table: TableName, alterations: readonly Alteration[]): Promise<void> {
    const { session, log, signal } = this.#parts;
    const place = this.#placeOf(table);
    const present = await this.#present(place);
    // It is made as it is behind the statement when its rows come.
    if (present === undefined) return;
    const before = await this.#shape(table, this.#statement.version - 1);
    const after = await this.#shape(table, this.#statement.version);
    const all = touchedColumns(before, after);
    const touched = {
      columns: all.filter((column) => !isLeftOut(column, present)),
      keys: touchedKeys(alterations.flatMap(({ actions }) => actions)),
    };
    const dialect = dialectOf(session);
    const isNothing =
      all.length > 0 && touched.columns.length + touched.keys.added.length + touched.keys.dropped.length === 0;
    if (!isNothing && !isAsAfter(present, touched, dialect)) {
      if (alterations.length === 0) throw this.#refused(`${textOf(place)} would have to be altered as nobody says.`);
      await this.#defaultText(place, after);
      for (const alteration of alterations) await this.#execute(alteration, place);
      const now = await this.#present(place);
      if (now !== undefined && touched.columns.length > 0 && !isAsAfter(now, touched, dialect)) {
        log.warn('a table of the target is not quite what the source’s is behind a statement', {
          table: textOf(place),
          columns: touched.columns.map(({ name }) => name),
        });
      }
    }
    const renamed = alterations.flatMap(({ actions }) => actions).flatMap(renamesOf);
    await alignVersions(place, new Map(renamed), { session, config: this.#parts.config, signal });
  }

  async #execute({ text, of, actions }: Alteration, place: TableName): Promise<void> {
    const { session, log, signal } = this.#parts;
    const rewriting = {
      table: (name: TableName) => (nameOf(name) === nameOf(of) ? place : this.#placeOf(name)),
      collation: (name: string) => collationFor(name, dialectOf(session)),
    };
    const sql = rewriteDdl(text, this.#statement.database, this.#dialect, rewriting);
    log.info('a statement of the source is carried out', { statement: sql.slice(0, 500) });
    try {
      await session.lenient(sql, signal, modesOf(this.#dialect));
    } catch (error) {
      if (ABOUT_KEYS.has(errnoOf(error)) && actions.every(({ kind }) => KEY_ACTIONS.has(kind))) {
        log.warn('a key is not there to be altered, or there already', { statement: sql.slice(0, 500) });
        return;
      }
      if (!(error instanceof TaplineError) || error.disposition === 'retryable') throw error;
      throw this.#refused(error.message, error);
    }
  }

  /** Columns without a character set of their own get the table's, which a table made here may lack. */
  async #defaultText(place: TableName, after: TableShape | undefined): Promise<void> {
    const { session, signal } = this.#parts;
    if (after?.text === undefined) return;
    const dialect = dialectOf(session);
    const collation = collationFor(after.text.collation, dialect);
    const [row] = await session.query(
      `SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoted(place.database)} AND TABLE_NAME = ${quoted(place.name)}`,
      signal,
    );
    if (row?.[0] === collation) return;
    await session.define(
      `ALTER TABLE ${sqlOf(place)} DEFAULT CHARACTER SET ${charsetFor(after.text.charset, dialect)} COLLATE ${collation}`,
      signal,
    );
  }

  async #rename(renames: readonly Rename[]): Promise<void> {
    const captured = new Set(this.#statement.captured.map(nameOf));
    const moves = movesOf(renames, (table) => captured.has(nameOf(table)));
    for (const { table, by } of moves.replaced) {
      if (this.#decide('alterTable')) await this.#alter(table, await this.#alterationsOf(by));
    }
    if (moves.gone.length > 0) await this.#drop(moves.gone);
    if (moves.renamed.length === 0 || !this.#decide('renameTable')) return;
    const places = moves.renamed.map(({ from, to }) => ({ from: this.#placeOf(from), to: this.#placeOf(to) }));
    const { session, config, signal } = this.#parts;
    await renameAll(places, this.#statement.version, { session, config, signal }).catch((error: unknown) => {
      if (!(error instanceof TaplineError) || error.disposition === 'retryable') throw error;
      throw this.#refused(error.message, error);
    });
  }

  /** What was done to a table under another name before it took its place, as gh-ost and pt-online-schema-change do. */
  async #alterationsOf(table: TableName): Promise<Alteration[]> {
    const { catalog, source, signal } = this.#parts;
    let alterations: Alteration[] = [];
    for (const record of (await catalog.statements(source, 0, signal)) ?? []) {
      if (record.version >= this.#statement.version) break;
      const ddl = readDdl(record.sql, record.database, this.#dialect);
      if (ddl?.kind === 'createTable' && nameOf(ddl.table) === nameOf(table)) alterations = [];
      if (ddl?.kind !== 'alterTable' || nameOf(ddl.table) !== nameOf(table)) continue;
      alterations.push({ text: record.sql, of: table, actions: ddl.actions });
    }
    return alterations;
  }

  async #drop(tables: readonly TableName[]): Promise<void> {
    if (!this.#decide('dropTable')) return;
    const { session, config, log, signal } = this.#parts;
    for (const table of tables) {
      const place = this.#placeOf(table);
      if ((await this.#present(place)) === undefined) continue;
      log.warn('a table is dropped, as in the source', { table: textOf(place) });
      await session.define(`DROP TABLE IF EXISTS ${sqlOf(place)}`, signal);
      for (const state of (await findState(session, config.stateDatabase, place, signal)).values())
        await session.execute(`DROP TABLE IF EXISTS ${sqlOf(state)}`, signal);
      if ((await findTable(session, { database: config.stateDatabase, name: POSITIONS }, signal)) === undefined)
        continue;
      const positions = quoteTable(config.stateDatabase, POSITIONS);
      await session.execute(`DELETE FROM ${positions} WHERE \`table\` = ${quoted(textOf(place))}`, signal);
    }
  }

  /** A table was made that is there already, as the one before it was not dropped here. */
  async #remade(table: TableName): Promise<void> {
    const present = await this.#present(this.#placeOf(table));
    const after = present && (await this.#shape(table, this.#statement.version));
    if (present === undefined || after === undefined || !this.#decide('alterTable')) return;
    const touched = { columns: touchedColumns(undefined, after), keys: { added: [], dropped: [] } };
    if (isAsAfter(present, touched, dialectOf(this.#parts.session))) return;
    throw this.#refused(
      `${textOf(this.#placeOf(table))} is there in the form that the table had before it was dropped in the source.`,
    );
  }

  #decide(kind: Kind): boolean {
    const { config, log } = this.#parts;
    const { sql, version, sqlHash } = this.#statement;
    const choice = config.ddl[kind];
    if (choice === 'ignore') {
      log.info('a statement of the source is left out (sink.ddl)', { kind, version, statement: sql.slice(0, 500) });
      return false;
    }
    if (choice === 'stop') throw this.#refused(`sink.ddl.${kind} is stop.`);
    if (sqlHash !== hashOfSql(sql)) throw this.#refused('The history has not all of its text.');
    return true;
  }

  #placeOf({ database, name }: TableName): TableName {
    return placeIn(this.#parts.config, { db: database, table: name });
  }

  /** The source's table as it was at the version. */
  async #shape({ database, name }: TableName, version: number): Promise<TableShape | undefined> {
    const { catalog, source, signal } = this.#parts;
    const place = { topic: '', source: { name: source, db: database, table: name } };
    return catalog.describe(place, { version, also: 'all', signal });
  }

  async #present(place: TableName): Promise<PresentTable | undefined> {
    const { session, signal } = this.#parts;
    const table = await findTable(session, place, signal);
    if (table === undefined) return undefined;
    const rows = await session.query(
      `SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ${quoted(place.database)} AND TABLE_NAME = ${quoted(place.name)}`,
      signal,
    );
    return { table, keys: new Set(rows.map(([name]) => (name ?? '').toLowerCase())) };
  }

  #refused(why: string, cause?: TaplineError): TaplineError {
    const { version, sql, captured } = this.#statement;
    return new TaplineError('SINK_MYSQL_DDL', {
      message: `Version ${version} of the schema history of ${this.#parts.source} is not carried out: ${why} The statement was: ${sql.slice(0, 500)}`,
      place: { table: captured.map((table) => textOf(this.#placeOf(table))).join(', ') },
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** A statement on `of`, to be carried out on the table that takes its place. */
interface Alteration {
  readonly text: string;
  readonly of: TableName;
  readonly actions: readonly TableAction[];
}

const KEY_ACTIONS: ReadonlySet<TableAction['kind']> = new Set(['addKey', 'dropKey', 'renameKey', 'showKey']);

function renamesOf(action: TableAction): [string, string][] {
  if (action.kind === 'renameColumn') return [[action.from, action.to]];
  return action.kind === 'changeColumn' ? [[action.from, action.definition.name]] : [];
}

/** Text means what it meant in the session that ran the statement; nothing is refused that was taken there. */
function modesOf({ ansiQuotes, noBackslashEscapes, realAsFloat }: DdlDialect): string {
  const modes = ['NO_AUTO_VALUE_ON_ZERO', 'ALLOW_INVALID_DATES'];
  if (ansiQuotes === true) modes.push('ANSI_QUOTES');
  if (noBackslashEscapes === true) modes.push('NO_BACKSLASH_ESCAPES');
  if (realAsFloat === true) modes.push('REAL_AS_FLOAT');
  return modes.join(',');
}

/** The reader, or whoever made the table here, has left it out all along. */
function isLeftOut({ name, before, after }: TouchedColumn, { table }: PresentTable): boolean {
  return before !== undefined && after !== undefined && !table.columns.some((column) => column.name === name);
}

function textOf({ database, name }: TableName): string {
  return `${database}.${name}`;
}

function sqlOf({ database, name }: TableName): string {
  return quoteTable(database, name);
}
