import { TaplineError } from '@tapline/kernel';
import {
  connect,
  type MysqlAddress,
  type MysqlConnection,
  originComment,
  originTable,
  quoteName,
  quoteTable,
  type StringRow,
} from '@tapline/mysql';
import { classify } from './classify.ts';
import type { MysqlConfig } from './config.ts';

export type Flavor = 'mysql' | 'mariadb';

const STRICT = 'STRICT_ALL_TABLES';
const MODES = 'NO_AUTO_VALUE_ON_ZERO,NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES';

/**
 * What a value means must not depend on the server's settings. Strict, so that what does not fit is an error and never clipped; without the modes that
 * refuse what the source could hold (zero dates, an auto-increment of 0). Foreign keys are not checked: tables are filled side by side. READ COMMITTED locks
 * no gaps, so that lanes do not wait for each other's new rows.
 */
function settings(lockWaitSeconds: number): string[] {
  return [
    `SET SESSION sql_mode = '${STRICT},${MODES}', foreign_key_checks = 0, unique_checks = 1, autocommit = 1`,
    `SET SESSION innodb_lock_wait_timeout = ${lockWaitSeconds}`,
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  ];
}

/** How what a session does is marked (`sink.origin`). */
interface Marks {
  /** Ends DDL; empty without an origin. */
  readonly comment: string;
  /** Begins a transaction. Each connection has a row of its own, so that lanes do not wait for each other. */
  readonly row: string | undefined;
}

function marksOf({ origin, stateDatabase }: Pick<MysqlConfig, 'origin' | 'stateDatabase'>): Marks {
  if (origin === '') return { comment: '', row: undefined };
  const table = quoteTable(stateDatabase, originTable(origin));
  const row = `INSERT INTO ${table} VALUES (CONNECTION_ID() % 1024, 1) ON DUPLICATE KEY UPDATE marks = marks + 1`;
  return { comment: ` ${originComment(origin)}`, row };
}

/** One connection to the target. Errors are SINK_MYSQL_*. */
export class Session implements AsyncDisposable {
  readonly #connection: MysqlConnection;
  /** The longest statement that the server takes. */
  readonly packetBytes: number;
  readonly #marks: Marks;

  private constructor(connection: MysqlConnection, packetBytes: number, marks: Marks) {
    this.#connection = connection;
    this.packetBytes = packetBytes;
    this.#marks = marks;
  }

  static async open(
    config: MysqlAddress & Pick<MysqlConfig, 'timeoutMs' | 'origin' | 'stateDatabase'>,
    signal: AbortSignal,
    { scripts = false }: { readonly scripts?: boolean } = {},
  ): Promise<Session> {
    const { timeoutMs } = config;
    try {
      const connection = await connect(config, signal, { connectTimeoutMs: timeoutMs, scripts });
      try {
        for (const sql of settings(Math.ceil(timeoutMs / 1000))) await connection.execute(sql, signal);
        // Locks are waited for, as elsewhere: a cluster that was once of an old version may not have that on.
        if (connection.isTidb) await connection.execute("SET SESSION tidb_txn_mode = 'pessimistic'", signal);
        const [row] = await connection.query('SELECT @@max_allowed_packet', signal);
        return new Session(connection, Number(row?.[0] ?? 0), marksOf(config));
      } catch (error) {
        connection.destroy();
        throw error;
      }
    } catch (error) {
      signal.throwIfAborted();
      throw classify(error);
    }
  }

  get flavor(): Flavor {
    return this.#connection.flavor;
  }

  get usable(): boolean {
    return this.#connection.usable;
  }

  /** The connection itself, for libs/mysql's readers of metadata. Their errors are for `classify`. */
  get connection(): MysqlConnection {
    return this.#connection;
  }

  async query(sql: string, signal: AbortSignal): Promise<StringRow[]> {
    this.#refuseTooLarge(sql);
    try {
      return await this.#connection.query(sql, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw classify(error);
    }
  }

  async execute(sql: string, signal: AbortSignal): Promise<void> {
    this.#refuseTooLarge(sql);
    try {
      await this.#connection.execute(sql, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw classify(error);
    }
  }

  /** Runs statements in one packet, until one is refused; one by one, where they are too long for that. @returns the rows of the last one. */
  async script(statements: readonly string[], signal: AbortSignal): Promise<StringRow[]> {
    const letters = statements.reduce((sum, sql) => sum + sql.length + 1, 0);
    if (letters * 3 >= this.packetBytes) {
      for (const sql of statements.slice(0, -1)) await this.execute(sql, signal);
      return this.query(statements.at(-1) ?? '', signal);
    }
    try {
      return await this.#connection.script(statements, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw classify(error);
    }
  }

  /** What begins a transaction, with the mark of its origin in front of all else. */
  get beginning(): readonly string[] {
    const { row } = this.#marks;
    return row === undefined ? ['START TRANSACTION'] : ['START TRANSACTION', row];
  }

  async begin(signal: AbortSignal): Promise<void> {
    for (const sql of this.beginning) await this.execute(sql, signal);
  }

  /** Runs a statement that makes or alters something, with the mark of its origin. */
  define(sql: string, signal: AbortSignal): Promise<void> {
    return this.execute(sql + this.#marks.comment, signal);
  }

  /**
   * Runs a statement without strict mode, for what a source may have that strict mode refuses: an ENUM with members that its collation holds for equal, an ENUM's value
   * that is none of its members. `modes`: in place of those that the sink's own statements are written for.
   */
  async lenient(sql: string, signal: AbortSignal, modes: string = MODES): Promise<void> {
    await this.execute(`SET SESSION sql_mode = '${modes}'`, signal);
    try {
      await this.define(sql, signal);
    } finally {
      if (this.usable) await this.execute(`SET SESSION sql_mode = '${STRICT},${MODES}'`, signal);
    }
  }

  /** Drops the connection: whatever transaction is open on it is rolled back by the server. */
  destroy(): void {
    this.#connection.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  /** The server closes the connection of whoever sends more, which would look like a lost one. */
  #refuseTooLarge(sql: string): void {
    if (sql.length * 3 < this.packetBytes) return;
    const bytes = Buffer.byteLength(sql);
    if (bytes < this.packetBytes) return;
    throw new TaplineError('SINK_MYSQL_PACKET', {
      message: `A row makes a statement of ${bytes} bytes, and the server takes ${this.packetBytes} (max_allowed_packet).`,
    });
  }
}

/** Makes what marks are written to. */
export async function makeMarks(
  session: Session,
  { origin, stateDatabase }: Pick<MysqlConfig, 'origin' | 'stateDatabase'>,
  signal: AbortSignal,
): Promise<void> {
  if (origin === '') return;
  await session.execute(`CREATE DATABASE IF NOT EXISTS ${quoteName(stateDatabase)}`, signal);
  const table = quoteTable(stateDatabase, originTable(origin));
  await session.execute(
    `CREATE TABLE IF NOT EXISTS ${table} (slot INT NOT NULL PRIMARY KEY, marks BIGINT NOT NULL) ENGINE=InnoDB`,
    signal,
  );
}

/** The sink's connections: lent one by one, opened when they are first needed, and again after they were lost. */
export class SessionPool implements AsyncDisposable {
  readonly #open: (signal: AbortSignal) => Promise<Session>;
  readonly #free: Session[] = [];
  readonly #lent = new Set<Session>();
  #disposed = false;

  constructor(open: (signal: AbortSignal) => Promise<Session>) {
    this.#open = open;
  }

  /** Never more at a time than callers: the sink starts only as many as it may. */
  async use<T>(signal: AbortSignal, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.#take(signal);
    this.#lent.add(session);
    try {
      return await work(session);
    } finally {
      this.#lent.delete(session);
      if (session.usable && !this.#disposed) this.#free.push(session);
      else session.destroy();
    }
  }

  async #take(signal: AbortSignal): Promise<Session> {
    if (this.#disposed) throw new TaplineError('INTERNAL', { message: 'The sink is disposed of.' });
    for (let session = this.#free.pop(); session !== undefined; session = this.#free.pop()) {
      if (session.usable) return session;
    }
    return this.#open(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    for (const session of this.#lent) session.destroy();
    await Promise.all(this.#free.splice(0).map((session) => session[Symbol.asyncDispose]()));
  }
}
