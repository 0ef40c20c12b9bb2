import { isAbort, type Logger, sleep, TaplineError } from '@tapline/kernel';
import type { Change, TableCatalog, WriterProgress } from '@tapline/sink';
import type { MysqlConfig } from '../config.ts';
import { Session, type SessionPool } from '../session.ts';
import { DdlBook } from './book.ts';
import { CarryOut } from './carry-out.ts';
import { ddlLock } from './lock.ts';
import { type Limits, PendingStatements, type PlacedStatement } from './pending.ts';
import { forgetSwap } from './rename-all.ts';

/** How often statements are looked for whose tables have no changes behind them. */
const LOOK_MS = 1000;
/** How often it is looked whether the others have come to a statement. */
const LOOK_AGAIN_MS = 200;
/** A source without a history, as one that Tapline does not read, is asked for one no more often than that. */
const NO_HISTORY_MS = 30_000;

export interface DdlReplicatorOptions {
  readonly config: MysqlConfig;
  readonly pool: SessionPool;
  /** Of the writer. */
  readonly name: string;
  readonly catalog: TableCatalog;
  readonly progress: WriterProgress;
  readonly log: Logger;
  /** Tables are not any more what they were. */
  readonly altered: () => void;
}

/**
 * Carries out the source's statements where they stand among its changes.
 *
 * A statement has a barrier: what lies below it in its tables' partitions comes before the statement, all else behind it (see Barrier in libs/schema). Changes behind wait
 * (`limits`). When the offsets that the writer's group has committed have reached the barrier in every partition, whichever members have them, whoever
 * sees it first carries the statement out and notes it in the target; the others see the note. A lock of the server's keeps two from doing it at once. It
 * is the session's that runs the statement, so that it is held for as long as the server is at it, also when the member has gone.
 *
 * The history is asked before each call's changes: a reader publishes a statement before the first change behind it, so who has that change finds it.
 */
export class DdlReplicator implements AsyncDisposable {
  readonly #options: DdlReplicatorOptions;
  readonly #book: DdlBook;
  readonly #sources = new Map<string, PendingStatements>();
  readonly #sourceOf = new Map<string, string>();
  /** Sources whose changes came without a history, and when that was seen. */
  readonly #withoutMs = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #consumes: (topic: string) => boolean;
  #session: Session | undefined;
  #working: Promise<void> | undefined;
  #loop: Promise<void> | undefined;
  #failure: TaplineError | undefined;

  constructor(options: DdlReplicatorOptions) {
    this.#options = options;
    this.#book = new DdlBook(options.config, options.name);
    this.#consumes = (topic) => options.progress.consumes(topic);
  }

  /** Changes of these topics may come: their statements are carried out also where none comes. */
  watch(topics: Iterable<string>): void {
    for (const topic of topics) this.#noteSource(topic, undefined);
    this.#loop ??= this.#lookNowAndThen();
  }

  /**
   * From which offsets on changes have to wait; undefined: none has to.
   *
   * @throws TaplineError SINK_MYSQL_DDL where a statement cannot be carried out; SINK_MYSQL_* of the server, KAFKA_*.
   */
  async limits(changes: readonly Change[], signal: AbortSignal): Promise<Limits | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    const topics = this.#topicsOf(changes);
    const sources = new Set([...topics].map((topic) => this.#sourceOf.get(topic) ?? ''));
    await Promise.all([...sources].map((source) => this.#refreshFor(source, signal)));
    const limits = this.#limitsOf(topics);
    if (limits.size > 0) this.#work();
    return limits.size === 0 ? undefined : limits;
  }

  /** The version of the history that the topic's next changes are of; undefined: the newest. */
  versionOf(topic: string): number | undefined {
    const next = this.#sources.get(this.#sourceOf.get(topic) ?? '')?.next(topic);
    return next && next.version - 1;
  }

  /** Whether the topic's source has a history. */
  hasHistory(topic: string): boolean {
    return this.#sources.has(this.#sourceOf.get(topic) ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#session?.destroy();
    await this.#loop?.catch(() => undefined);
    await this.#working?.catch(() => undefined);
    this.#session?.destroy();
  }

  #topicsOf(changes: readonly Change[]): Set<string> {
    const topics = new Set<string>();
    let last = '';
    for (const change of changes) {
      const { topic } = change;
      if (topic === last) continue;
      last = topic;
      topics.add(topic);
      // Made when it is asked for.
      this.#noteSource(topic, change.source?.name);
    }
    return topics;
  }

  /** A tombstone does not say its source: changes before it did, or the topic's name does. */
  #noteSource(topic: string, name: string | undefined): void {
    if (name !== undefined) this.#sourceOf.set(topic, name);
    else if (!this.#sourceOf.has(topic)) this.#sourceOf.set(topic, topic.split('.').slice(0, -2).join('.'));
  }

  /** A reader begins its history before its first change: who has a change and finds none need not look again soon. */
  async #refreshFor(source: string, signal: AbortSignal): Promise<void> {
    if (Date.now() - (this.#withoutMs.get(source) ?? 0) < NO_HISTORY_MS) return;
    await this.#refresh(source, signal);
    if (!this.#sources.has(source)) this.#withoutMs.set(source, Date.now());
  }

  /** Takes the statements that came since. */
  async #refresh(source: string, signal: AbortSignal): Promise<void> {
    const newest = this.#sources.get(source)?.newest ?? 0;
    const records = await this.#options.catalog.statements(source, newest, signal);
    if (records === undefined) return;
    const pending = this.#sources.get(source) ?? new PendingStatements();
    this.#sources.set(source, pending);
    const fresh = records.filter(({ version }) => version > pending.newest);
    pending.add(fresh);
    if (fresh.length > 0 && !pending.isEmpty) await this.#readBook(signal);
  }

  #limitsOf(topics: Iterable<string>): Map<string, readonly number[]> {
    const limits = new Map<string, readonly number[]>();
    for (const topic of topics) {
      const next = this.#sources.get(this.#sourceOf.get(topic) ?? '')?.next(topic);
      if (next !== undefined) limits.set(topic, next.barrier[topic] ?? []);
    }
    return limits;
  }

  async #lookNowAndThen(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      const isWaiting = [...this.#sources.values()].some((pending) => !pending.isEmpty);
      await sleep(isWaiting ? LOOK_AGAIN_MS : LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted || this.#failure !== undefined) return;
      try {
        for (const source of new Set(this.#sourceOf.values())) await this.#refresh(source, signal);
      } catch (error) {
        this.#failed(error);
      }
      this.#work();
      await this.#working;
    }
  }

  /** One at a time, beside the changes of other tables. */
  #work(): void {
    this.#working ??= this.#carryOutReached()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#working = undefined;
      });
  }

  async #carryOutReached(): Promise<void> {
    const { signal } = this.#stop;
    const open = [...this.#sources].filter(([, pending]) => !pending.isEmpty);
    if (open.length === 0) return;
    await this.#readBook(signal);
    const settled = await this.#options.progress.settledBelow(signal);
    for (const [source, pending] of open) {
      pending.trim(this.#consumes);
      for (const statement of pending.reached(settled, this.#consumes)) {
        if (!(await this.#carryOut(source, pending, statement))) break;
      }
    }
  }

  /** False: another member is at it. */
  async #carryOut(source: string, pending: PendingStatements, statement: PlacedStatement): Promise<boolean> {
    const { config, catalog, log, name } = this.#options;
    const { signal } = this.#stop;
    const session = await this.#connected();
    const lock = ddlLock(config, name);
    const [got] = await session.query(`SELECT GET_LOCK(${lock}, 1)`, signal);
    if (got?.[0] !== '1') return false;
    try {
      await this.#readBook(signal);
      if (pending.isDone(statement, this.#consumes)) return true;
      await new CarryOut(statement, { session, config, catalog, source, log, signal }).run();
      const topics = Object.keys(statement.barrier).filter(this.#consumes);
      await this.#book.note(session, topics, statement.version, signal);
      await forgetSwap(statement.version, config, session, signal);
      await this.#readBook(signal);
      return true;
    } finally {
      if (session.usable) await session.execute(`DO RELEASE_LOCK(${lock})`, signal).catch(() => session.destroy());
    }
  }

  async #readBook(signal: AbortSignal): Promise<void> {
    const done = await this.#options.pool.use(signal, (session) => this.#book.read(session, signal));
    const news = [...this.#sources.values()].map((pending) => pending.noteDone(done));
    if (news.includes(true)) this.#options.altered();
  }

  /** Of its own: it may be at one statement for hours. */
  async #connected(): Promise<Session> {
    if (this.#session?.usable === true) return this.#session;
    const { config } = this.#options;
    const session = await Session.open(config, this.#stop.signal);
    // What holds a table's definition may hold it for hours: then the statement is tried again.
    await session.execute(`SET SESSION lock_wait_timeout = ${Math.ceil(config.timeoutMs / 1000)}`, this.#stop.signal);
    this.#session = session;
    return session;
  }

  /** What waiting may mend is tried again; the next call is told of what it does not. */
  #failed(error: unknown): void {
    const { log } = this.#options;
    if (isAbort(error, this.#stop.signal)) return;
    const failure =
      error instanceof TaplineError ? error : new TaplineError('INTERNAL', { message: String(error), cause: error });
    if (failure.disposition === 'retryable') {
      log.warn('statements of the source wait', { error: failure });
      return;
    }
    log.error('a statement of the source cannot be carried out', { error: failure });
    this.#failure = failure;
  }
}
