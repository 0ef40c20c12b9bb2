import { connect as connectSocket, type Socket } from 'node:net';
import type { TaplineError } from '@tapline/kernel';
import mysql from 'mysql2';
import { type MysqlAddress, readTlsMaterial } from './address.ts';
import { classifyMysqlError } from './errors.ts';
import { type RowBatch, RowStream, type TextRow } from './row-stream.ts';

/** One row of a small query: each column as text. */
export type StringRow = readonly (string | null)[];

export interface ConnectOptions {
  /** How long the server may take to answer. Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** A packet may hold several statements (`script`): for sessions that run nobody else’s text. Default: false. */
  readonly scripts?: boolean;
}

/**
 * The state every session of ours is in, so that neither the account nor the server's defaults change what a statement means or how a value
 * is printed: times in UTC, no sql_mode that alters quoting or comparing, no limits on rows or time. A reader that waits for Kafka
 * must not lose its connection (net_write_timeout).
 */
const SESSION = [
  "time_zone = '+00:00'",
  "sql_mode = ''",
  'sql_select_limit = DEFAULT',
  'sql_big_selects = 1',
  'net_write_timeout = 86400',
  'net_read_timeout = 86400',
  'wait_timeout = 86400',
];

/**
 * Opens a session.
 *
 * @throws TaplineError SOURCE_UNREACHABLE, SOURCE_ACCESS_DENIED, SOURCE_TLS, SOURCE_FAILED; the signal's reason when it aborts first.
 */
export async function connect(
  address: MysqlAddress,
  signal?: AbortSignal,
  options: ConnectOptions = {},
): Promise<MysqlConnection> {
  signal?.throwIfAborted();
  const tls = readTlsMaterial(address);
  // The socket is made here and not by the driver, which has no way to drop a connection at once.
  const socket = connectSocket({
    host: address.host,
    port: address.port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
  });
  const driver = mysql.createConnection({
    stream: () => socket,
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password ?? '',
    charset: 'utf8mb4',
    connectTimeout: options.connectTimeoutMs ?? 10_000,
    multipleStatements: options.scripts ?? false,
    ...(tls === undefined ? {} : { ssl: { ...tls } as mysql.SslOptions }),
  });
  const connection = new MysqlConnection(address, driver, socket);
  try {
    await connection.open(signal);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** What `rows` holds at a time. */
const BUFFER_BYTES = 1024 * 1024;

function textRow(row: TextRow): StringRow {
  return row.map((value) => value?.toString('utf8') ?? null);
}

/** A session with one server. Statements run one at a time, in the order given. */
export class MysqlConnection implements AsyncDisposable {
  readonly address: MysqlAddress;
  readonly #driver: mysql.Connection;
  readonly #socket: Socket;
  /** Why the session can no longer be used. */
  #failure: unknown;
  /** Told of the session's failure: the driver tells a statement without a callback nothing. */
  readonly #streams = new Set<RowStream>();
  #version = '';

  /** Use {@link connect}. */
  constructor(address: MysqlAddress, driver: mysql.Connection, socket: Socket) {
    this.address = address;
    this.#driver = driver;
    this.#socket = socket;
    driver.on('error', (error) => this.#fail(error));
  }

  /** `@@version`: `9.7.0`, `10.11.6-MariaDB-log`. */
  get version(): string {
    return this.#version;
  }

  /** Speaks MySQL's dialect, as far as it goes: `8.0.11-TiDB-v8.2.0`. */
  get isTidb(): boolean {
    return /tidb/i.test(this.#version);
  }

  get flavor(): 'mysql' | 'mariadb' {
    return /mariadb/i.test(this.#version) ? 'mariadb' : 'mysql';
  }

  get usable(): boolean {
    return this.#failure === undefined;
  }

  async open(signal: AbortSignal | undefined): Promise<void> {
    await this.#abortable(
      signal,
      new Promise<void>((resolve, reject) => {
        this.#driver.connect((error) => (error ? reject(error) : resolve()));
      }),
    );
    await this.execute(`SET SESSION ${SESSION.join(', ')}`, signal);
    const [row] = await this.query('SELECT @@version', signal);
    this.#version = row?.[0] ?? '';
  }

  /** Runs a statement whose result is small; every value comes as text. */
  async query(sql: string, signal?: AbortSignal): Promise<StringRow[]> {
    const rows = await this.#abortable(signal, this.#run(sql));
    return Array.isArray(rows) ? rows.map(textRow) : [];
  }

  /**
   * Runs statements in one packet, one after the other until one is refused; in a session that takes `scripts`.
   * @returns the rows of the last one, which are few.
   */
  async script(statements: readonly string[], signal?: AbortSignal): Promise<StringRow[]> {
    const results = await this.#abortable(signal, this.#run(statements.join(';')));
    const last: unknown = statements.length === 1 ? results : (results as readonly unknown[]).at(-1);
    return Array.isArray(last) ? (last as TextRow[]).map(textRow) : [];
  }

  /** The rows of a result of any size, every value as text. Leaving the loop before its end closes the session. */
  async *rows(sql: string, signal?: AbortSignal): AsyncGenerator<StringRow> {
    const options = { bufferBytes: BUFFER_BYTES, ...(signal === undefined ? {} : { signal }) };
    for await (const batch of this.stream(sql, options)) yield* batch.map(textRow);
  }

  /** As `query`, each row by the names of its columns: for SHOW statements, whose columns differ from release to release. */
  async named(sql: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string | null>[]> {
    let names: readonly string[] = [];
    const rows = await this.#abortable(
      signal,
      this.#run(sql, (fields) => {
        names = fields;
      }),
    );
    const texts = (row: TextRow): [string, string | null][] =>
      row.map((value, i) => [names[i] ?? '', value?.toString('utf8') ?? null]);
    return Array.isArray(rows) ? rows.map((row: TextRow) => new Map(texts(row))) : [];
  }

  /** Runs a statement without a result. */
  async execute(sql: string, signal?: AbortSignal): Promise<void> {
    await this.#abortable(signal, this.#run(sql));
  }

  /**
   * Runs a SELECT of any size: batches of rows of about `bufferBytes`, read from the socket only as fast as they are taken. Leaving the loop
   * before its end closes the session, as the rest of the result is still on its way.
   */
  async *stream(sql: string, options: { bufferBytes: number; signal?: AbortSignal }): AsyncGenerator<RowBatch> {
    if (this.#failure !== undefined) throw this.#classify(this.#failure);
    const { signal } = options;
    signal?.throwIfAborted();
    const stream = new RowStream(this.#driver, sql, options.bufferBytes);
    this.#streams.add(stream);
    const onAbort = (): void => stream.fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      for (;;) {
        const batch = await stream.next();
        if (batch === undefined) return;
        yield batch;
      }
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      const failure = this.#classify(error);
      // KILL may be answered like KILL QUERY, as the statement's error, and the session ends a moment later.
      if (failure.code === 'SOURCE_UNREACHABLE') this.destroy();
      throw failure;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#streams.delete(stream);
      if (!stream.ended) this.destroy();
    }
  }

  /** Drops the connection at once. Statements under way fail. */
  destroy(): void {
    this.#fail(Object.assign(new Error('The connection was closed.'), { code: 'PROTOCOL_CONNECTION_LOST' }));
    this.#driver.destroy();
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.#socket.once('close', () => resolve());
        this.#driver.end();
        setTimeout(resolve, 1000).unref();
      });
    }
    this.destroy();
  }

  #run(sql: string, onNames?: (names: readonly string[]) => void): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    // Without values, or the driver looks through long statements for places to put them.
    this.#driver.query({ sql, values: null, rowsAsArray: true, typeCast: false }, (error, rows, fields) => {
      if (error) reject(error);
      else {
        onNames?.((fields ?? []).map(({ name }) => name));
        resolve(rows);
      }
    });
    return promise;
  }

  /** A statement cannot be taken back, so an abort drops the session. */
  async #abortable<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    aborted.catch(() => undefined);
    const onAbort = (): void => {
      reject(signal?.reason);
      this.destroy();
    };
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([aborted, work]);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
      throw this.#classify(error);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #classify(error: unknown): TaplineError {
    return classifyMysqlError(error, this.address);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const stream of this.#streams) stream.fail(error);
  }
}
