import { createHash } from 'node:crypto';
import { type Logger, sleep, TaplineError } from '@tapline/kernel';
import { addressText, quoteName } from '@tapline/mysql';
import type { TableName } from '@tapline/schema';
import type { BesideContext, Exchange } from '@tapline/sink';
import type { MysqlConfig } from '../config.ts';
import { DdlBook } from '../ddl/book.ts';
import { ddlLock } from '../ddl/lock.ts';
import { quoted } from '../literal.ts';
import { findState, findTable, stateName, versionsName } from '../lookup.ts';
import { Session } from '../session.ts';
import { besideMysql } from './config.ts';
import { OLD, refuseTied, sqlOf, textOf } from './second-table.ts';

/** While a RENAME waits for a transaction that has the table in use, everybody else waits for the RENAME: so each attempt is short. */
const LOCK_WAIT_SECONDS = 2;
const ATTEMPTS = 10;
/** Between two attempts, for those who waited. */
const PAUSE_MS = 1000;
/** For a statement that the writer carries out. */
const DDL_WAIT_SECONDS = 10;
const SYSTEM = ['mysql', 'sys', 'information_schema', 'performance_schema'];

/** A live table, the one that takes its name, and the name that it gets. */
interface Trio {
  readonly live: TableName;
  readonly second: TableName;
  readonly old: TableName;
}

/**
 * Tables beside the live ones, and one RENAME TABLE over all of them, what is kept of their rows with them (MySQL manual, "RENAME TABLE Statement": other sessions see all of it or nothing). A
 * mark is renamed in the same statement: it says afterwards whether that was done.
 */
export class MysqlExchange implements Exchange {
  readonly #config: MysqlConfig;
  readonly #second: MysqlConfig;
  readonly #writer: string;
  readonly #suffix: string;
  readonly #log: Logger;

  constructor(config: MysqlConfig, name: string, { writer, log }: BesideContext) {
    this.#config = config;
    this.#second = besideMysql(config, name);
    this.#suffix = `_${name}`;
    this.#writer = writer;
    this.#log = log;
  }

  get text(): string {
    const { table } = this.#config;
    return `${table}${this.#suffix} becomes ${table}, and ${table} becomes ${table}${this.#suffix}${OLD}, with what is kept of their rows, in one RENAME TABLE`;
  }

  prepare(begun: boolean, signal: AbortSignal): Promise<'open' | 'exchanged'> {
    return this.#with(signal, async (session) => {
      if (begun && (await isThere(session, this.#mark('replayed'), signal))) return 'exchanged';
      if (begun && (await isThere(session, this.#mark('replay'), signal))) return 'open';
      await this.#refuseAltered(session, signal);
      const [there] = [...(await this.#named('', session, signal)), ...(await this.#named(OLD, session, signal))];
      if (there !== undefined) {
        throw this.#refused(
          `There is a table ${textOf(there)} already.`,
          `Give another name with \`--into\`, or drop the table and, if there is one, its table of versions ${sqlOf(this.#versions(there))}.`,
        );
      }
      await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(this.#config.stateDatabase)}`, signal);
      await session.execute(`DROP TABLE IF EXISTS ${sqlOf(this.#mark('replayed'))}`, signal);
      await session.execute(`CREATE TABLE IF NOT EXISTS ${sqlOf(this.#mark('replay'))} (mark INT)`, signal);
      return 'open';
    });
  }

  exchange(signal: AbortSignal): Promise<readonly string[]> {
    return this.#with(signal, async (session) => {
      const lock = ddlLock(this.#config, this.#writer);
      // Held until the session ends: no member of the writer may alter a table between the look at it and the exchange.
      const [got] = await session.query(`SELECT GET_LOCK(${lock}, ${DDL_WAIT_SECONDS})`, signal);
      if (got?.[0] !== '1') {
        throw this.#refused('The writer is carrying out a statement of the source.', 'Try again later with --resume.');
      }
      await this.#refuseAltered(session, signal);
      const trios = await this.#trios(session, signal);
      await refuseTied(
        session,
        trios.map(({ live }) => live),
        signal,
      );
      for (const trio of trios) await this.#refuseUnlike(trio, session, signal);
      const moved: (readonly [TableName, TableName])[] = [];
      const told: string[] = [];
      for (const { live, second, old } of trios) {
        const goes = await this.#withState(live, old, session, signal);
        moved.push(...goes, ...(await this.#withState(second, live, session, signal)));
        const drop = `DROP TABLE ${goes.map(([, to]) => sqlOf(to)).join(', ')}`;
        told.push(`${textOf(live)} has the new rows; the old ones are in ${textOf(old)} until you drop it: ${drop}`);
      }
      await this.#rename([...moved, [this.#mark('replay'), this.#mark('replayed')]], session, signal);
      return told;
    });
  }

  settled(signal: AbortSignal): Promise<void> {
    return this.#with(signal, async (session) => {
      for (const kind of ['replay', 'replayed'] as const)
        await session.execute(`DROP TABLE IF EXISTS ${sqlOf(this.#mark(kind))}`, signal);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  /** Any transaction that has read one of the tables stands in the way until it ends. */
  async #rename(
    steps: readonly (readonly [TableName, TableName])[],
    session: Session,
    signal: AbortSignal,
  ): Promise<void> {
    const sql = `RENAME TABLE ${steps.map(([from, to]) => `${sqlOf(from)} TO ${sqlOf(to)}`).join(', ')}`;
    await session.execute(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_SECONDS}`, signal);
    for (let attempt = 1; ; attempt++) {
      try {
        return await session.define(sql, signal);
      } catch (error) {
        if (!(error instanceof TaplineError) || error.code !== 'SINK_MYSQL_BUSY') throw error;
        if (attempt === ATTEMPTS) {
          throw this.#refused(
            'A transaction has one of the tables in use, and does not end.',
            'End it (it has a lock in performance_schema.metadata_locks), and try again with --resume.',
            error,
          );
        }
        this.#log.warn('a transaction has a table in use; the exchange is tried again', { attempt, error });
      }
      await sleep(PAUSE_MS, signal);
    }
  }

  /** The second tables that were filled. */
  async #trios(session: Session, signal: AbortSignal): Promise<Trio[]> {
    const trios: Trio[] = [];
    for (const second of await this.#named('', session, signal)) {
      if (!(await isThere(session, this.#versions(second), signal))) continue;
      const { database, name } = second;
      const live = { database, name: name.slice(0, -this.#suffix.length) };
      trios.push({ live, second, old: { database, name: `${name}${OLD}` } });
    }
    return trios;
  }

  /** Tables named as second ones are, with this behind it. */
  async #named(end: string, session: Session, signal: AbortSignal): Promise<TableName[]> {
    const { database, table } = this.#second;
    const rows = await session.query(
      `SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN (${SYSTEM.map(quoted).join(', ')})`,
      signal,
    );
    const isOf = (template: string, name: string): boolean => template.includes('${') || template === name;
    return rows
      .map(([schema, name]) => ({ database: schema ?? '', name: name ?? '' }))
      .filter((found) => found.name.endsWith(this.#suffix + end))
      .filter((found) => isOf(database, found.database) && isOf(table + end, found.name));
  }

  /**
   * What a statement of the source did to rows that were there is in no record of theirs: a table that is filled anew would lack it.
   *
   * @throws TaplineError REPLAY_INTO.
   */
  async #refuseAltered(session: Session, signal: AbortSignal): Promise<void> {
    const [topic] = [...(await new DdlBook(this.#config, this.#writer).read(session, signal)).keys()];
    if (topic === undefined) return;
    throw this.#refused(
      `The writer has carried out statements of the source on its tables (of ${topic}), and a replay carries none out.`,
      'Fill other tables (`sink.table`) by a writer with another `name`, which repeats them, and lead readers to these.',
    );
  }

  /** @throws TaplineError REPLAY_INTO: what readers of the table rely on would not be there. */
  async #refuseUnlike({ live, second }: Trio, session: Session, signal: AbortSignal): Promise<void> {
    const definition = async (table: TableName): Promise<string> => {
      const [row] = await session.query(`SHOW CREATE TABLE ${sqlOf(table)}`, signal);
      const text = row?.[1] ?? '';
      // Names of checks are made of the table's.
      return text
        .slice(text.indexOf(' (\n'))
        .replace(/ AUTO_INCREMENT=\d+/, '')
        .replaceAll(/CONSTRAINT `[^`]*` CHECK/g, 'CHECK');
    };
    if ((await definition(live)) === (await definition(second))) return;
    throw this.#refused(
      `${textOf(live)} was altered since the replay began, and ${textOf(second)} is not as it is.`,
      `Alter ${textOf(second)} in the same way (SHOW CREATE TABLE shows both), and go on with --resume.`,
    );
  }

  /** The steps by which a table gets another name, and what is kept of its rows goes along. */
  async #withState(
    table: TableName,
    next: TableName,
    session: Session,
    signal: AbortSignal,
  ): Promise<(readonly [TableName, TableName])[]> {
    const { stateDatabase } = this.#config;
    const state = await findState(session, stateDatabase, table, signal);
    return [
      [table, next],
      ...[...state].map(([kind, from]) => [from, { database: stateDatabase, name: stateName(kind, next) }] as const),
    ];
  }

  #versions(table: TableName): TableName {
    return { database: this.#config.stateDatabase, name: versionsName(table) };
  }

  /** `replay`: it runs; `replayed`: the exchange is done. A name without a dot, as tables of versions have one. */
  #mark(kind: 'replay' | 'replayed'): TableName {
    const id = createHash('sha256').update(`${this.#writer}\0${this.#suffix}`).digest('hex').slice(0, 16);
    return { database: this.#config.stateDatabase, name: `__${kind}_${id}` };
  }

  #refused(message: string, remedy: string, cause?: TaplineError): TaplineError {
    return new TaplineError('REPLAY_INTO', {
      message,
      remedy,
      place: { address: addressText(this.#config) },
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** A session for each step: between two of them lie hours, and a server closes what is idle. */
  async #with<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    await using session = await Session.open(this.#config, signal);
    return await work(session);
  }
}

async function isThere(session: Session, table: TableName, signal: AbortSignal): Promise<boolean> {
  return (await findTable(session, table, signal)) !== undefined;
}
