import type { TopicPartition } from '@tapline/kafka';
import { TaplineError } from '@tapline/kernel';
import type { AppliedPlace, ApplyResult, Change, Place, Places, SinkContext, TransactionSink } from '@tapline/sink';
import { Outcome } from '../../../outcome.ts';
import type { MysqlConfig } from '../config.ts';
import { isHeld } from '../ddl/pending.ts';
import type { DdlReplicator } from '../ddl/replicator.ts';
import { sinkParts } from '../parts.ts';
import { makeMarks, Session, type SessionPool } from '../session.ts';
import { Sorted } from '../sorted.ts';
import { isOutdated, type TargetTables } from '../tables.ts';
import { PlaceBook } from './place-book.ts';
import { writeAppended, writeKeyed } from './write.ts';

/** So many times `timeoutMs` a session may be silent. */
const SILENT_TIMEOUTS = 3;

/**
 * Whole transactions of a source in MySQL, each in one of the target's, on one connection: who reads the target in a snapshot sees all of one, or nothing. Rows have their versions
 * beside them as in the other order, so that what comes twice changes nothing, and the orders may be changed.
 */
export class MysqlTransactions implements TransactionSink {
  readonly #config: MysqlConfig;
  /** For all but the rows: tables are looked at, made and altered by it. */
  readonly #pool: SessionPool;
  readonly #tables: TargetTables;
  readonly #ddl: DdlReplicator | undefined;
  readonly #book: PlaceBook;
  #session: Session | undefined;
  #isOpen = false;

  private constructor(config: MysqlConfig, context: SinkContext) {
    const { pool, tables, ddl } = sinkParts(config, context);
    this.#config = config;
    this.#pool = pool;
    this.#tables = tables;
    this.#ddl = ddl;
    this.#book = new PlaceBook(config, context.name);
  }

  /** @throws TaplineError SINK_MYSQL_*. */
  static async open(config: MysqlConfig, context: SinkContext): Promise<MysqlTransactions> {
    const { signal } = context;
    const sink = new MysqlTransactions(config, context);
    try {
      await sink.#pool.use(signal, (session) => makeMarks(session, config, signal));
      return sink;
    } catch (error) {
      await sink[Symbol.asyncDispose]();
      throw error;
    }
  }

  takeOver(signal: AbortSignal): Promise<AppliedPlace | undefined> {
    this.#tables.forget();
    return this.#pool.use(signal, (session) => this.#book.takeOver(session, signal));
  }

  assigned(partitions: readonly TopicPartition[]): void {
    this.#ddl?.watch(partitions.map(({ topic }) => topic));
  }

  async holds(changes: readonly Change[], signal: AbortSignal): Promise<((place: Place) => boolean) | undefined> {
    const limits = await this.#ddl?.limits(changes, signal);
    return limits && ((place) => isHeld(limits, place));
  }

  async write(changes: readonly Change[], places: Places, signal: AbortSignal): Promise<ApplyResult> {
    try {
      return await this.#write(changes, places, signal);
    } catch (error) {
      if (!isOutdated(error)) throw error;
      // Once more, by what the table is now.
      this.#tables.forget();
      if (this.#isOpen) await this.#session?.execute('ROLLBACK TO SAVEPOINT written', signal);
      return this.#write(changes, places, signal);
    }
  }

  async commit(applied: AppliedPlace, signal: AbortSignal): Promise<void> {
    const session = await this.#opened(signal);
    await this.#book.note(session, applied, signal);
    await session.execute('COMMIT', signal);
    this.#isOpen = false;
  }

  async rollBack(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const session = this.#session;
    if (session?.usable !== true) return;
    // A connection that does not even take a ROLLBACK is dropped, which has the same effect.
    await session.execute('ROLLBACK', AbortSignal.timeout(this.#config.timeoutMs)).catch(() => session.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session?.destroy();
    await this.#ddl?.[Symbol.asyncDispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  /** All tables are looked at, and made or altered where that is needed, before anything is written: later their definitions would be locked by this very transaction. */
  async #write(changes: readonly Change[], places: Places, signal: AbortSignal): Promise<ApplyResult> {
    const outcome = new Outcome(changes.length);
    const sorted = new Sorted(places);
    for (const [index, change] of changes.entries()) {
      const known = this.#tables.fitting(change, signal);
      const target = known instanceof Promise ? await known : known;
      if (target === undefined) sorted.stale.push(index);
      else sorted.add(index, change, target);
    }
    for (const index of sorted.stale) outcome.set(index, 'stale');
    const session = await this.#opened(signal);
    await session.execute('SAVEPOINT written', signal);
    const options = { session, config: this.#config, outcome, signal };
    await writeKeyed(sorted.items, options);
    await writeAppended(sorted.appended, options);
    return outcome.result();
  }

  /** The server ends a session that says nothing for this long: a member that is paused or cut off in the middle of a transaction keeps the next one from its rows no longer. */
  async #connected(signal: AbortSignal): Promise<Session> {
    const session = await Session.open(this.#config, signal);
    const seconds = Math.ceil((SILENT_TIMEOUTS * this.#config.timeoutMs) / 1000);
    await session.execute(`SET SESSION wait_timeout = ${seconds}`, signal);
    return session;
  }

  /** The session with the open transaction. */
  async #opened(signal: AbortSignal): Promise<Session> {
    if (this.#isOpen && this.#session?.usable === true) return this.#session;
    if (this.#isOpen) {
      throw new TaplineError('SINK_MYSQL_UNREACHABLE', { message: 'The connection was lost within a transaction.' });
    }
    if (this.#session?.usable !== true) this.#session = await this.#connected(signal);
    await this.#session.begin(signal);
    this.#isOpen = true;
    await this.#book.lock(this.#session, signal);
    return this.#session;
  }
}
