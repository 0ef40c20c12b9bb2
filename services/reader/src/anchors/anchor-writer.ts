import { randomBytes } from 'node:crypto';
import { isAbort, killPoint, type Logger, sleep, TaplineError, Turns } from '@tapline/kernel';
import { addressText, connect, type MysqlAddress, type MysqlConnection, quoteText } from '@tapline/mysql';
import { ANCHOR_DATABASE } from '@tapline/schema';
import type { ReaderConfig } from '../config.ts';
import { ANCHOR_TABLE, ANCHOR_TABLE_SQL } from './anchor-table.ts';
import { RoundTrip } from './round-trip.ts';

const ER_BAD_DB = 1049;
const ER_NO_SUCH_TABLE = 1146;
const ER_DUP_ENTRY = 1062;

const TABLE = `\`${ANCHOR_DATABASE}\`.\`${ANCHOR_TABLE}\``;
/** Inserts between two deletions of old rows. */
const DELETE_EVERY = 64;
const FIRST_PAUSE_MS = 500;

/** The account that writes anchors, at the server that is read from. */
export function anchorAddress({ source }: Pick<ReaderConfig, 'source'>, server: MysqlAddress): MysqlAddress {
  const { user, password } = source.anchors;
  return user === '' ? server : { ...server, user, password };
}

/**
 * Writes an anchor every interval through the source, for as long as one life of the reader lasts: so only the leader writes. Another life that wakes up
 * late does no harm: each row's token is random, and its number is above all that the table has.
 *
 * Nothing is written on a read-only server, even by an account that might: the row would be on that server alone.
 */
export class AnchorWriter implements AsyncDisposable {
  readonly roundTrip: RoundTrip = new RoundTrip();
  readonly #config: ReaderConfig;
  readonly #address: MysqlAddress;
  readonly #log: Logger;
  readonly #stopped = new AbortController();
  #connection: MysqlConnection | undefined;
  #next: bigint;
  #writes = 0;
  readonly #turns = new Turns();
  #running: Promise<void> = Promise.resolve();
  #trouble: TaplineError | undefined;

  private constructor(config: ReaderConfig, address: MysqlAddress, log: Logger, floor: bigint) {
    this.#config = config;
    this.#address = address;
    this.#log = log;
    this.#next = floor;
  }

  /**
   * Makes the table where it is missing, and writes the first anchor. `above`: the number of the newest anchor that is known.
   *
   * @throws TaplineError SOURCE_READ_ONLY_ANCHORS, SOURCE_MISSING_GRANT, SOURCE_ACCESS_DENIED, SOURCE_UNREACHABLE.
   */
  static async open(options: {
    readonly config: ReaderConfig;
    readonly server: MysqlAddress;
    readonly above: bigint;
    readonly log: Logger;
    readonly signal: AbortSignal;
  }): Promise<AnchorWriter> {
    const { config, server, above, log, signal } = options;
    const writer = new AnchorWriter(config, anchorAddress(config, server), log, above);
    signal.addEventListener('abort', () => writer.#stopped.abort(signal.reason), {
      once: true,
      signal: writer.#stopped.signal,
    });
    try {
      await writer.#write();
      writer.#running = writer.#run();
      return writer;
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Why none can be written now. */
  get trouble(): TaplineError | undefined {
    return this.#trouble;
  }

  /**
   * Commits an anchor now. The server commits in the order of its binlog (binlog_order_commits), so everything that stood in the binlog before the call
   * can be read by a SELECT after it.
   */
  commit(): Promise<void> {
    return this.#turns.take(() => this.#write());
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { intervalMs } = this.#config.source.anchors;
    let pauseMs = intervalMs;
    for (;;) {
      try {
        await sleep(pauseMs, signal);
        await this.commit();
        if (this.#trouble !== undefined) this.#log.info('anchors are written again');
        this.#trouble = undefined;
        pauseMs = intervalMs;
      } catch (error) {
        if (signal.aborted || isAbort(error, signal)) return;
        this.#failed(error);
        pauseMs = pauseMs === intervalMs ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, Math.max(intervalMs, FIRST_PAUSE_MS));
      }
    }
  }

  #failed(error: unknown): void {
    const trouble = error instanceof TaplineError ? error : new TaplineError('INTERNAL', { message: String(error) });
    // Once, until it is another one: the state says how it goes on.
    if (this.#trouble?.code !== trouble.code) this.#log.warn('no anchor can be written', { error: trouble });
    this.#trouble = trouble;
  }

  async #write(): Promise<void> {
    const { signal } = this.#stopped;
    const begun = this.roundTrip.begin();
    const connection = await this.#connected(signal);
    const id = await this.#insert(connection, signal);
    this.roundTrip.written(begun, id);
    if (this.#writes++ % DELETE_EVERY > 0) return;
    const oldest = id - BigInt(this.#config.source.anchors.retentionRows);
    await connection.execute(`DELETE FROM ${TABLE} WHERE source = ${this.#source} AND id <= ${oldest}`, signal);
  }

  async #insert(connection: MysqlConnection, signal: AbortSignal): Promise<bigint> {
    for (;;) {
      const id = this.#next + 1n;
      const token = randomBytes(8).readBigUInt64BE();
      try {
        await connection.execute(
          `INSERT INTO ${TABLE} (source, id, token) SELECT ${this.#source}, ${id}, ${token} FROM DUAL WHERE @@GLOBAL.read_only = 0`,
          signal,
        );
        const [row] = await connection.query('SELECT ROW_COUNT()', signal);
        if (row?.[0] !== '1') throw readOnly(this.#address);
        killPoint('after-anchor');
        this.#next = id;
        return id;
      } catch (error) {
        // Somebody else of this name has written: go on above.
        if (errnoOf(error) !== ER_DUP_ENTRY) throw error;
        await this.#learnNewest(connection, signal);
      }
    }
  }

  async #connected(signal: AbortSignal): Promise<MysqlConnection> {
    if (this.#connection?.usable === true) return this.#connection;
    const connection = await connect(this.#address, signal);
    try {
      await connection.execute('SET SESSION autocommit = 1', signal);
      const [row] = await connection.query('SELECT @@GLOBAL.read_only', signal);
      if (row?.[0] !== '0') throw readOnly(this.#address);
      await this.#learnNewest(connection, signal).catch(async (error: unknown) => {
        const errno = errnoOf(error);
        if (errno !== ER_BAD_DB && errno !== ER_NO_SUCH_TABLE) throw error;
        for (const sql of ANCHOR_TABLE_SQL) await connection.execute(sql, signal);
      });
    } catch (error) {
      connection.destroy();
      throw withGrants(error, this.#address);
    }
    this.#connection = connection;
    return connection;
  }

  async #learnNewest(connection: MysqlConnection, signal: AbortSignal): Promise<void> {
    const [row] = await connection.query(`SELECT MAX(id) FROM ${TABLE} WHERE source = ${this.#source}`, signal);
    const newest = BigInt(row?.[0] ?? 0);
    if (newest > this.#next) this.#next = newest;
  }

  get #source(): string {
    return quoteText(this.#config.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    this.#connection?.destroy();
  }
}

function errnoOf(error: unknown): number | undefined {
  return error instanceof TaplineError ? (error.cause as { errno?: number } | undefined)?.errno : undefined;
}

function readOnly(address: MysqlAddress): TaplineError {
  return new TaplineError('SOURCE_READ_ONLY_ANCHORS', {
    message: 'The server is read-only, and anchors would have to be written on it.',
    place: { address: addressText(address) },
  });
}

/** What the account needs, as a statement. */
export function anchorGrant({ user }: Pick<MysqlAddress, 'user'>): string {
  const account = `'${user.replaceAll("'", "''")}'@'%'`;
  return `GRANT CREATE, SELECT, INSERT, DELETE ON \`${ANCHOR_DATABASE}\`.* TO ${account};`;
}

/** What the account lacks is lacking in one database only. */
function withGrants(error: unknown, address: MysqlAddress): unknown {
  if (!(error instanceof TaplineError) || error.code !== 'SOURCE_MISSING_GRANT') return error;
  return new TaplineError('SOURCE_MISSING_GRANT', {
    message: `Anchors cannot be written: ${error.message}`,
    place: error.place,
    remedy: `${anchorGrant(address)} or another account under source.anchors, or source.anchors.enabled: off.`,
    cause: error,
  });
}
