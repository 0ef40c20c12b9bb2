import { type Logger, TaplineError } from '@tapline/kernel';
import { quoteName, quoteTable } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import type { Change, TableCatalog, TableShape } from '@tapline/sink';
import { createPositions, POSITIONS } from './append.ts';
import { makeSecondTable } from './beside/second-table.ts';
import type { MysqlConfig } from './config.ts';
import { addColumns, createTable, createVersions } from './create-table.ts';
import { quoted } from './literal.ts';
import { dialectOf, findTable, placeIn, versionsName } from './lookup.ts';
import type { Session, SessionPool } from './session.ts';
import { type Target, targetOf } from './target.ts';

export interface TargetTablesOptions {
  readonly pool: SessionPool;
  readonly config: MysqlConfig;
  readonly catalog: TableCatalog;
  readonly log: Logger;
  /** The version of the source's history that a topic's next changes are of; undefined: the newest. */
  readonly versionOf: (topic: string) => number | undefined;
  /** Whether the topic's source has a history. */
  readonly hasHistory: (topic: string) => boolean;
}

/** The tables written to, as they are in the target: found by the changes' topics and sources, made when they are not there. */
export class TargetTables {
  readonly #options: TargetTablesOptions;
  readonly #known = new Map<string, Target>();
  /** Of tables that are not there, and have nothing that one could make them of. */
  readonly #absent = new Set<string>();
  /** Columns of older rows that the source's tables have no more. */
  readonly #dropped = new Map<string, ReadonlySet<string>>();

  constructor(options: TargetTablesOptions) {
    this.#options = options;
  }

  /** The target of a change; a promise only while it is looked up. Undefined: its table is gone for good, and the change deletes. */
  of(change: Change, signal: AbortSignal): Target | undefined | Promise<Target | undefined> {
    const id = idOf(change);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    return change.after === null && this.#absent.has(id) ? undefined : this.#load(change, signal);
  }

  /** Tables may have been altered, made or dropped: look again. */
  forget(): void {
    this.#known.clear();
    this.#absent.clear();
    this.#dropped.clear();
  }

  /**
   * The target once its table has the columns that the change has, as far as the configuration wants them. What the source has dropped since is not added: rows that are
   * given once more have it still.
   *
   * @throws TaplineError SINK_MYSQL_COLUMN: it lacks one, and nothing may be added.
   */
  async withColumns(change: Change, missing: readonly string[], signal: AbortSignal): Promise<Target> {
    const { pool, config, log } = this.#options;
    const id = idOf(change);
    const known = this.#known.get(id);
    if (known !== undefined && missing.every((name) => this.#dropped.get(id)?.has(name) === true)) return known;
    this.#known.delete(id);
    const target = (await this.#load(change, signal)) as Target;
    const left = missing.filter((name) => !target.columns.has(name));
    if (left.length === 0 || config.newColumns === 'ignore') return target;
    const shape = config.newColumns === 'add' ? await this.#shapeOf(change, missing, signal) : undefined;
    const columns = left.flatMap((name) => shape?.columns.find((column) => column.name === name) ?? []);
    if (columns.length < left.length && shape?.historyVersion === undefined) {
      throw new TaplineError('SINK_MYSQL_COLUMN', {
        message: `${target.name} has no column ${left.join(', ')}.`,
        place: { table: target.name },
      });
    }
    const dropped = left.filter((name) => !columns.some((column) => column.name === name));
    if (dropped.length > 0) this.#dropped.set(id, new Set([...(this.#dropped.get(id) ?? []), ...dropped]));
    if (columns.length === 0) return target;
    await pool.use(signal, async (session) => {
      const sql = addColumns(placeIn(config, await this.#sourceOf(change, signal)), columns, dialectOf(session));
      log.info('columns are added to a table', { table: target.name, columns: left });
      await define(session, sql, signal);
    });
    this.#known.delete(id);
    return (await this.#load(change, signal)) as Target;
  }

  /** The source's table as the change's rows are, with these columns where it has them. */
  #shapeOf(change: Change, also: readonly string[], signal: AbortSignal): Promise<TableShape | undefined> {
    const version = this.#options.versionOf(change.topic);
    return this.#options.catalog.describe(change, {
      fresh: true,
      also,
      ...(version === undefined ? {} : { version }),
      signal,
    });
  }

  /** Undefined only for a change that deletes. */
  async #load(change: Change, signal: AbortSignal): Promise<Target | undefined> {
    const source = await this.#sourceOf(change, signal);
    const place = placeIn(this.#options.config, source);
    const keyNames = Object.keys(change.key ?? {});
    const target = await this.#options.pool.use(signal, async (session) => {
      const table = (await findTable(session, place, signal)) ?? (await this.#create(session, place, change, signal));
      if (table === undefined) return undefined;
      const versions = await this.#versions(session, table, keyNames, signal);
      return targetOf(table, { keyNames, versions, dialect: dialectOf(session) });
    });
    if (target === undefined) this.#absent.add(idOf(change));
    else this.#known.set(idOf(change), target);
    return target;
  }

  /** A tombstone does not say what table it is of: the catalogue does, or else the topic's name. */
  async #sourceOf(change: Change, signal: AbortSignal): Promise<{ db: string; table: string }> {
    if (change.source !== null) return change.source;
    const shape = await this.#options.catalog.describe(change, { signal });
    if (shape !== undefined) return { db: shape.database, table: shape.name };
    const parts = change.topic.split('.');
    return { db: parts.at(-2) ?? '', table: parts.at(-1) ?? '' };
  }

  async #create(
    session: Session,
    { database, name }: Pick<Table, 'database' | 'name'>,
    change: Change,
    signal: AbortSignal,
  ): Promise<Table | undefined> {
    const { config, log, hasHistory } = this.#options;
    const place = { table: `${database}.${name}` };
    if (!config.createTables) {
      throw new TaplineError('SINK_MYSQL_TABLE', { message: `There is no table ${place.table}.`, place });
    }
    if (config.suffix !== undefined) return makeSecondTable(session, { database, name }, change, { config, signal });
    const shape = await this.#shapeOf(change, Object.keys(change.after ?? {}), signal);
    const isKnown = shape?.historyVersion !== undefined || (shape !== undefined && !hasHistory(change.topic));
    if (!isKnown && change.after === null) return undefined;
    if (shape === undefined) {
      throw new TaplineError('SINK_MYSQL_TABLE', {
        message: `There is no table ${place.table}, and nothing says what it is like.`,
        place,
      });
    }
    const state = await this.#stateOf(session, { database, name }, signal);
    if (state !== undefined) {
      // Another member of the writer may have made both meanwhile.
      const there = await findTable(session, { database, name }, signal);
      if (there === undefined) throw lost(place.table, state);
      return there;
    }
    const keyNames = Object.keys(change.key ?? {});
    const sql = createTable(quoteTable(database, name), shape, keyNames, dialectOf(session));
    await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(database)}`, signal);
    log.info('a table is made', { table: place.table });
    try {
      await define(session, sql, signal);
    } catch (error) {
      // Another member of the writer may have been faster.
      const there = await findTable(session, { database, name }, signal);
      if (there === undefined) throw error;
    }
    const made = await findTable(session, { database, name }, signal);
    if (made !== undefined) return made;
    throw new TaplineError('SINK_MYSQL_TABLE', {
      message: `The table ${place.table} was made and is not there.`,
      place,
    });
  }

  /** The statement that takes away what is noted of the table's rows; undefined when nothing is. */
  async #stateOf(
    session: Session,
    { database, name }: Pick<Table, 'database' | 'name'>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { stateDatabase } = this.#options.config;
    const versions = versionsName({ database, name });
    if ((await findTable(session, { database: stateDatabase, name: versions }, signal)) !== undefined) {
      return `DROP TABLE ${quoteTable(stateDatabase, versions)}`;
    }
    if ((await findTable(session, { database: stateDatabase, name: POSITIONS }, signal)) === undefined)
      return undefined;
    const rows = `FROM ${quoteTable(stateDatabase, POSITIONS)} WHERE \`table\` = ${quoted(`${database}.${name}`)}`;
    return (await session.query(`SELECT 1 ${rows} LIMIT 1`, signal)).length > 0 ? `DELETE ${rows}` : undefined;
  }

  /** The quoted name of the table of versions, which is there afterwards. */
  async #versions(session: Session, table: Table, keyNames: readonly string[], signal: AbortSignal): Promise<string> {
    const { stateDatabase } = this.#options.config;
    if (keyNames.length === 0) {
      await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(stateDatabase)}`, signal);
      await define(session, createPositions(stateDatabase), signal);
      return '';
    }
    const name = versionsName(table);
    const sql = quoteTable(stateDatabase, name);
    const there = await findTable(session, { database: stateDatabase, name }, signal);
    if (there === undefined) {
      // Refused below with a better reason when the table has no such key.
      if (!keyNames.every((key) => table.columns.some((column) => column.name === key))) return sql;
      await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(stateDatabase)}`, signal);
      await define(session, createVersions(sql, table, keyNames, dialectOf(session)), signal);
    } else if ([...(there.primaryKey ?? [])].sort().join() !== [...keyNames].sort().join()) {
      throw new TaplineError('SINK_MYSQL_KEY', {
        message: `The rows of ${table.database}.${table.name} were written by the key (${there.primaryKey?.join(', ')}), and the records’ key is (${keyNames.join(', ')}).`,
        place: { table: `${table.database}.${table.name}` },
        remedy: `Write to another \`sink.table\`; or empty this one, DROP TABLE ${sql}, and let the writer begin at the start of its topics.`,
      });
    }
    return sql;
  }
}

/** What is noted of rows says what is in the table: with it, rows that are gone with the table would never come back. */
function lost(table: string, forget: string): TaplineError {
  return new TaplineError('SINK_MYSQL_TABLE_LOST', {
    message: `The table ${table} is gone, but what the writer noted of its rows is still there.`,
    place: { table },
    remedy: `Put the table back, or fill it anew: ${forget}, and let the writer begin at the start of its topics (another \`name\`).`,
  });
}

function idOf({ topic, source }: Change): string {
  return source === null ? topic : `${topic}\0${source.db}\0${source.table}`;
}

/** What the server has against a table, in its own words, is for a person to settle, and no row's fault. */
async function define(session: Session, sql: string, signal: AbortSignal): Promise<void> {
  try {
    await session.lenient(sql, signal);
  } catch (error) {
    if (!(error instanceof TaplineError) || !(error.disposition === 'poison' || error.code === 'SINK_MYSQL_FAILED'))
      throw error;
    throw new TaplineError('SINK_MYSQL_TABLE', {
      message: `${error.message} The statement was: ${sql}`,
      place: error.place,
      remedy:
        'Make or alter the table by hand, as near to the source’s as the server allows, and start the writer again.',
      cause: error,
    });
  }
}
