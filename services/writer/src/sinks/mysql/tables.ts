import { type Logger, TaplineError } from '@tapline/kernel';
import { quoteName, quoteTable } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import { type Change, EncodedChange, type TableCatalog, type TableShape } from '@tapline/sink';
import { makeSecondTable } from './beside/second-table.ts';
import type { MysqlConfig } from './config.ts';
import { addColumns, createTable } from './create-table.ts';
import { dialectOf, findTable, placeIn, versionsName } from './lookup.ts';
import type { Session, SessionPool } from './session.ts';
import { defineTable, type OffsetsUse, TableState } from './state.ts';
import { type ColumnSet, type Target, targetOf } from './target.ts';

const STRUCTURE: ReadonlySet<string> = new Set(['SINK_MYSQL_TABLE', 'SINK_MYSQL_COLUMN']);

export interface TargetTablesOptions {
  readonly pool: SessionPool;
  readonly config: MysqlConfig;
  readonly catalog: TableCatalog;
  readonly log: Logger;
  /** The version of the source's history that a topic's next changes are of; undefined: the newest. */
  readonly versionOf: (topic: string) => number | undefined;
  /** Whether the topic's source has a history. */
  readonly hasHistory: (topic: string) => boolean;
  /** Absent: every table gets versions. */
  readonly offsets?: OffsetsUse;
}

/** The tables written to, as they are in the target: found by the changes' topics and sources, made when they are not there. */
export class TargetTables {
  readonly #options: TargetTablesOptions;
  readonly #state: TableState;
  readonly #known = new Map<string, Target>();
  /** Of tables that are not there, and have nothing that one could make them of. */
  readonly #absent = new Set<string>();
  #lastId = { topic: '', db: '', table: '', id: '' };
  /** Columns of older rows that the source's tables have no more. */
  readonly #dropped = new Map<string, ReadonlySet<string>>();

  constructor(options: TargetTablesOptions) {
    this.#options = options;
    this.#state = new TableState(options);
  }

  /** The target of a change; a promise only while it is looked up. Undefined: its table is gone for good, and the change deletes. */
  of(change: Change, signal: AbortSignal): Target | undefined | Promise<Target | undefined> {
    const id = this.#idOf(change);
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    return change.after === null && this.#absent.has(id) ? undefined : this.#load(change, signal);
  }

  /** The same, once the table has the columns that the change has, as far as the configuration wants them. @throws TaplineError SINK_MYSQL_COLUMN. */
  fitting(change: Change, signal: AbortSignal): Target | undefined | Promise<Target | undefined> {
    const known = this.of(change, signal);
    if (known instanceof Promise) return known.then((target) => target && this.#fitted(change, target, signal));
    return known && this.#fitted(change, known, signal);
  }

  #fitted(change: Change, target: Target, signal: AbortSignal): Target | Promise<Target> {
    const set = change instanceof EncodedChange ? target.sets.ofNames(change.columns) : setOf(change, target);
    if (set === undefined || set.unknown.length === 0 || this.#options.config.newColumns === 'ignore') return target;
    if (change instanceof EncodedChange && (!change.hasAfter || setOf(change, target)?.unknown.length === 0))
      return target;
    return this.#withColumns(change, set.unknown, signal);
  }

  /** Tables may have been altered, made or dropped: look again. */
  forget(): void {
    this.#known.clear();
    this.#absent.clear();
    this.#dropped.clear();
  }

  /** Whether offsets still say enough of the table's rows. */
  isAsItWas({ guard }: Target, signal: AbortSignal): Promise<boolean> {
    return guard.kind === 'versions' ? Promise.resolve(true) : this.#state.isAsItWas(guard.offsets, signal);
  }

  /** Versions are kept of the rows of a change's table from now on, and its target is another one. */
  async keepVersions(change: Change, signal: AbortSignal): Promise<void> {
    const place = placeIn(this.#options.config, await this.#sourceOf(change, signal));
    await this.#options.pool.use(signal, async (session) => {
      const table = await findTable(session, place, signal);
      if (table !== undefined) await this.#state.keepVersions(session, table, Object.keys(change.key ?? {}), signal);
    });
    this.#known.delete(this.#idOf(change));
  }

  /**
   * The target once its table has the columns that the change has, as far as the configuration wants them. What the source has dropped since is not added: rows that are
   * given once more have it still.
   *
   * @throws TaplineError SINK_MYSQL_COLUMN: it lacks one, and nothing may be added.
   */
  async #withColumns(change: Change, missing: readonly string[], signal: AbortSignal): Promise<Target> {
    const { pool, config, log } = this.#options;
    const id = this.#idOf(change);
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
      await defineTable(session, sql, signal);
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
      const guard = await this.#state.guardOf(session, table, change, signal);
      const versions = quoteTable(this.#options.config.stateDatabase, versionsName(table));
      return targetOf(table, { keyNames, guard, versions, dialect: dialectOf(session) });
    });
    if (target === undefined) this.#absent.add(this.#idOf(change));
    else this.#known.set(this.#idOf(change), target);
    return target;
  }

  /** By what tables are known here. Mostly it is that of the change before, and nothing is made for it. */
  #idOf(change: Change): string {
    const { topic } = change;
    const source = change instanceof EncodedChange ? change.origin : change.source;
    if (source === null) return topic;
    const { db, table } = source;
    const last = this.#lastId;
    if (topic === last.topic && table === last.table && db === last.db) return last.id;
    this.#lastId = { topic, db, table, id: `${topic}\0${db}\0${table}` };
    return this.#lastId.id;
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
    const state = await this.#state.forgettingOf(session, { database, name }, signal);
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
      await defineTable(session, sql, signal);
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
}

/** What is noted of rows says what is in the table: with it, rows that are gone with the table would never come back. */
function lost(table: string, forget: string): TaplineError {
  return new TaplineError('SINK_MYSQL_TABLE_LOST', {
    message: `The table ${table} is gone, but what the writer noted of its rows is still there.`,
    place: { table },
    remedy: `Put the table back, or fill it anew: ${forget}, and let the writer begin at the start of its topics (another \`name\`).`,
  });
}

/** Whether a table is not what it was when it was looked at. */
export function isOutdated(error: unknown): boolean {
  return error instanceof TaplineError && STRUCTURE.has(error.code);
}

function setOf({ after }: Change, { sets }: Target): ColumnSet | undefined {
  return after === null ? undefined : sets.of(after);
}
