import type {
  BeginEvent,
  BinlogEvent,
  BinlogPosition,
  BinlogStream,
  PreparedEvent,
  RowsEvent,
  StatementEvent,
  TableMap,
  XaDecision,
} from '@tapline/binlog';
import type { OrderedProducer } from '@tapline/kafka';
import { type AdminAnswer, anySignal, type Logger } from '@tapline/kernel';
import type { TableName } from '@tapline/schema';
import type { SessionAnchors } from './anchors/session-anchors.ts';
import { answerReload } from './captured/reload-request.ts';
import { reloadsBecauseOf } from './captured/reloads.ts';
import type { ReaderConfig } from './config.ts';
import type { PassedTrace } from './failover/passed-trace.ts';
import type { Life } from './fencing/life.ts';
import type { CatalogCheck } from './history/catalog-check.ts';
import type { SchemaHistory } from './history/schema-history.ts';
import type { Checkpointer } from './progress/checkpointer.ts';
import type { ProgressRecord } from './progress/record.ts';
import { LOADED, type SnapshotProgress } from './progress/snapshot-progress.ts';
import { XaFollower } from './progress/xa-follower.ts';
import { keyFormatOf } from './publish/format.ts';
import type { Oversize } from './publish/oversize.ts';
import type { Publisher } from './publish/publisher.ts';
import type { Routes } from './publish/routes.ts';
import type { TopicBook } from './publish/topic-book.ts';
import type { VersionClock } from './publish/version-clock.ts';
import { replayConfigOf } from './resume/replay-config.ts';
import type { SessionContext, SessionEvents, SessionFacts } from './session-facts.ts';
import { openSessionParts, type SessionParts } from './session-parts.ts';
import { LeftOutTransactions } from './shape/left-out.ts';
import type { SnapshotLoader } from './snapshot/loader.ts';
import { tableName } from './snapshot/mysql-source.ts';
import { openLoader } from './snapshot/open-loader.ts';
import type { SnapshotReport } from './snapshot/report.ts';
import { type Executed, parseExecuted } from './source/executed.ts';
import { openSource, type Source } from './source/open-source.ts';
import type { SkippedOrigins } from './source/skipped-origins.ts';
import { refuseStatementChange } from './source/statement.ts';
import { Pump, type PumpTarget } from './stream/pump.ts';
import { StreamWatch } from './watch/stream-watch.ts';

/**
 * One life of the reader: from the durable progress record on, until it is stopped or something breaks. Whatever breaks, the next session
 * starts from the progress record as after a kill, so there is one way to resume, and it is tested by killing.
 */
export class Session implements AsyncDisposable, PumpTarget {
  readonly #resources: AsyncDisposableStack;
  readonly #config: ReaderConfig;
  readonly #log: Logger;
  readonly #source: Source;
  readonly #origins: SkippedOrigins;
  readonly #producer: OrderedProducer;
  readonly #life: Life;
  readonly #checkpointer: Checkpointer;
  readonly #book: TopicBook;
  readonly #clock: VersionClock;
  readonly #trace: PassedTrace;
  readonly #oversize: Oversize;
  readonly #publisher: Publisher;
  readonly #routes: Routes;
  readonly #history: SchemaHistory;
  readonly #anchors: SessionAnchors;
  readonly #catalogCheck: CatalogCheck;
  readonly #answer: SessionParts['answerSchema'];
  /** What the stream has passed. */
  readonly #executed: Executed;
  readonly #xa: XaFollower;
  /** Transactions that come before the reader's start; undefined once they are passed. */
  #before: Executed | undefined;
  silent = false;
  readonly #stream: BinlogStream;
  readonly #pump: Pump;
  readonly #captured: { readonly names: readonly string[]; mayMatchIn(database: string): boolean };
  #loader: SnapshotLoader | undefined;
  #report: SnapshotReport | undefined;
  #start: BinlogPosition;
  /** The next session goes on as soon as nothing is left to skip: with another configuration. */
  #isLeaving: boolean;
  readonly #left = new AbortController();
  readonly #leftOut: LeftOutTransactions;
  #checkpointed = -1;
  readonly #watch: StreamWatch;

  private constructor(parts: SessionParts) {
    const { config, log, source, producer } = parts;
    this.#resources = parts.resources;
    this.#config = config;
    this.#isLeaving = parts.isTail;
    this.#leftOut = new LeftOutTransactions(parts);
    this.#log = log;
    this.#source = source;
    this.#origins = parts.origins;
    this.#producer = producer;
    this.#life = parts.life;
    this.#checkpointer = parts.checkpointer;
    this.#book = parts.book;
    this.#clock = parts.clock;
    this.#trace = parts.trace;
    this.#oversize = parts.oversize;
    this.#publisher = parts.publisher;
    this.#routes = parts.routes;
    this.#history = parts.history;
    this.#anchors = parts.anchors;
    this.#catalogCheck = parts.catalogCheck;
    this.#answer = parts.answerSchema;
    this.#executed = parts.executed;
    if (parts.startAfter !== '') this.#before = parseExecuted(source.tracking, parts.startAfter);
    this.#xa = new XaFollower({
      tracking: source.tracking,
      passed: parts.executed,
      from: parts.xaFrom,
      log,
    });
    this.#stream = parts.stream;
    this.#start = parts.start;
    this.#watch = new StreamWatch(parts, () => this.#checkpointer.last ?? this.#start);
    this.#captured = {
      names: [...new Set(source.tables.map((table) => table.database))],
      mayMatchIn: (database) => source.filter.mayMatchIn(database),
    };
    this.#pump = new Pump({
      stream: parts.stream,
      target: this,
      executed: parts.executed,
      byFile: source.tracking === 'file',
      failed: parts.failed,
    });
  }

  /**
   * Connects to everything, finds where to go on, and opens the stream there.
   *
   * @throws TaplineError of the source, Kafka, the registry, or of what the progress record and the topics say.
   */
  static async open(config: ReaderConfig, log: Logger, context: SessionContext, signal: AbortSignal): Promise<Session> {
    const parts = await openSessionParts(config, log, context.failover, context.lives, signal);
    const session = new Session(parts);
    await session.#openLoader(parts, context, signal);
    const { gtidSet, book, snapshot } = parts;
    log.info('streaming', { gtidSet, replaying: book.skipping, snapshot: snapshot.state });
    return session;
  }

  /** Until `stop`; then to the end of the transaction at hand, with everything acknowledged and the place made durable. */
  async run(stop: AbortSignal): Promise<void> {
    await this.#pump.run(anySignal(stop, this.#left.signal));
    if (!this.#pump.atBoundary || this.#holdsProgress) return;
    const last = this.#describe();
    await this.#checkpointer.now(last);
    await this.#life.finish(last);
  }

  /** Resolves when everything that was handed to Kafka is acknowledged. */
  async settle(): Promise<void> {
    await this.#producer.mark();
  }

  get ready(): boolean {
    return this.#book.skipping === 0;
  }

  /** Numbers for metrics and /state. */
  get facts(): SessionFacts {
    const { position, rows, transactions } = this.#pump;
    return {
      rows,
      transactions,
      sent: this.#publisher.sent,
      skipped: this.#publisher.skipped,
      claims: this.#oversize.claims,
      claimBytes: this.#oversize.claimBytes,
      leftOut: this.#leftOut.count,
      replaying: this.#book.skipping,
      binlogBytes: this.#stream.stats.bytes,
      position: position ?? this.#start,
      gtidSet: this.#executed.toString(),
      ...this.#watch.facts,
      progressMs: this.#checkpointer.last?.writtenMs ?? 0,
      snapshot: this.#report?.state ?? { state: 'done' },
      schema: {
        version: this.#history.version,
        checked: this.#catalogCheck.checked,
        different: this.#catalogCheck.different,
      },
      xa: this.#xa.facts(Date.now()),
      anchors: this.#anchors.facts,
      waitingBytes: this.#stream.stats.waitingBytes,
      spilledBytes: this.#stream.stats.spilledBytes,
    };
  }

  /** The schema history over HTTP. */
  answer(url: URL): Promise<AdminAnswer> {
    return this.#answer(url);
  }

  begin({ gtid, commitMicros, position, decides, leftOut }: BeginEvent): void {
    this.silent = this.#isBeforeStart(gtid, position);
    if (decides !== undefined && !this.silent) this.#xa.refuseUnknown(decides, gtid);
    this.#anchors.atBegin();
    this.#publisher.tick(this.#watch.took(commitMicros));
    this.#trace.begin(gtid, commitMicros, this.#executed);
    this.#publisher.begin(gtid, commitMicros, position);
    if (leftOut !== undefined && !this.silent) this.#leftOut.add(gtid, leftOut);
  }

  #isBeforeStart(gtid: string, position: BinlogPosition): boolean {
    if (this.#before !== undefined && this.#executed.includes(this.#before)) this.#before = undefined;
    return this.#before?.contains(gtid, position) ?? false;
  }

  prepared(event: PreparedEvent): void {
    this.#xa.prepared(event, Date.now());
  }

  decided({ xid }: XaDecision): void {
    this.#xa.decided(xid);
  }

  openAhead(events: readonly BinlogEvent[]): Promise<void> | undefined {
    const layouts = new Set<TableMap>();
    for (const event of events) {
      if (event.kind !== 'rows' || this.#routes.find(event.table) !== undefined) continue;
      if (!this.#anchors.isAnchor(event.table) && !this.#origins.wants(event.table.table)) layouts.add(event.table);
    }
    return layouts.size < 2 ? undefined : this.#routes.openAhead([...layouts]);
  }

  own(event: RowsEvent): boolean {
    // No table of the reader's own has a route.
    if (this.#routes.find(event.table) !== undefined) return false;
    if (this.#origins.wants(event.table.table)) {
      this.silent ||= this.#origins.areMarkedBy(event.table);
      return true;
    }
    if (!this.#anchors.isAnchor(event.table)) return false;
    this.#anchors.saw(event);
    return true;
  }

  prepare(event: RowsEvent): Promise<void> | undefined {
    if (this.#routes.find(event.table) !== undefined) return undefined;
    return this.#routes.open(event.table).then(() => undefined);
  }

  change(event: RowsEvent): Promise<void> | undefined {
    // prepare() has opened it.
    return this.#publisher.change(this.#routes.find(event.table) as NonNullable<ReturnType<Routes['find']>>, event);
  }

  statement(event: StatementEvent): Promise<void> | undefined {
    // Also in front of the reader's start: rows that were prepared there may be decided behind it.
    if (event.inTransaction ? !this.silent : !this.#isBeforeStart(event.gtid, event.position)) this.#heed(event);
    return this.#history.statement(event);
  }

  /** Before the history takes the statement: then the tables are what they were. */
  #heed(event: StatementEvent): void {
    refuseStatementChange(event, this.#captured, this.#source.address);
    const tables = (): Iterable<TableName> => this.#history.catalog.tables();
    const again = reloadsBecauseOf(event, { source: this.#source, config: this.#config, tables, log: this.#log });
    if (again.length > 0) this.reload(again);
  }

  /** Has tables loaded again (`database.table`) while the stream goes on, with deletes of what stands in their topics and is not in them any more. */
  reload(tables: 'all' | readonly string[]): void {
    const names = tables === 'all' ? this.#source.tables.map(tableName) : tables;
    this.#loader?.add(names);
    this.#report?.add(names);
  }

  /** `POST /reload`. */
  answerReload(url: URL): AdminAnswer {
    const { filter } = this.#source;
    const captured = (): string[] =>
      [...this.#history.catalog.tables()]
        .filter(({ database, name }) => filter.matches(database, name))
        .map(({ database, name }) => `${database}.${name}`);
    return answerReload(url, { captured, reload: (tables) => this.reload(tables) });
  }

  /** @throws TaplineError when the source could not be followed with this configuration. */
  async check(config: ReaderConfig, signal: AbortSignal): Promise<void> {
    await openSource(this.#source.address, config, { isTail: false, log: this.#log, signal });
  }

  /** Ends as soon as nothing is left to skip, with everything durable: the next session takes over what has changed in the configuration. */
  leave(): void {
    this.#isLeaving = true;
  }

  end(): undefined {
    this.#publisher.end();
    this.#anchors.atEnd(this.#history.version, !this.#xa.holdsProgress && this.#before === undefined);
    this.#mayLeave();
  }

  /** @returns whether the session is at its end, and the next one goes on as it was configured. */
  #mayLeave(): boolean {
    if (!this.#isLeaving || this.#book.skipping > 0 || this.#holdsProgress) return false;
    if (!this.#left.signal.aborted) this.#log.info('the configuration was changed: it counts from here on');
    this.#left.abort();
    return true;
  }

  get #holdsProgress(): boolean {
    return this.#xa.holdsProgress || this.#anchors.holdsProgress;
  }

  room(): Promise<void> | undefined {
    return this.#producer.room();
  }

  flush(): void {
    this.#producer.flush();
    this.#publisher.trim();
  }

  get wake(): Promise<void> | undefined {
    return this.#loader?.wake;
  }

  async boundary(): Promise<void> {
    this.#xa.warnOfOld(Date.now());
    this.#catalogCheck.atBoundary(this.#executed, Date.now());
    const replay = this.#anchors.atBoundary(this.#executed);
    if (replay !== undefined) await replay;
    // The records of the first load are progress records too.
    if (this.#holdsProgress || this.#mayLeave()) return;
    this.#loadRenewed();
    if (this.#loader !== undefined && this.#book.skipping === 0) await this.#load(this.#loader);
    const { transactions } = this.#pump;
    const nowMs = Date.now();
    if (!this.#checkpointer.due(nowMs)) return;
    // Heartbeats bring this here: also of a source on which nothing happens it is known that the reader is there and Kafka takes its records.
    const idleMs = nowMs - (this.#checkpointer.last?.writtenMs ?? 0);
    if (transactions === this.#checkpointed && idleMs < this.#config.progress.idleMs) return;
    this.#checkpointed = transactions;
    this.#checkpointer.start(this.#describe());
  }

  /** A table that has got another topic has its rows loaded into that. */
  #loadRenewed(): void {
    const renewed = this.#history.renewed();
    if (renewed.length === 0 || this.#config.snapshot.mode === 'never') return;
    this.reload(renewed.map(({ database, name }) => `${database}.${name}`));
  }

  async #load(loader: SnapshotLoader): Promise<void> {
    if (loader.done) return;
    this.#publisher.observer = loader;
    await loader.atBoundary(this.#executed);
    if (!loader.done) return;
    this.#publisher.observer = undefined;
    this.#report?.finish();
    await this.#checkpointer.now(this.#describe());
  }

  #describe(snapshot: SnapshotProgress = this.#loader?.progress ?? LOADED): ProgressRecord {
    const position = this.#pump.position ?? this.#start;
    return {
      ...(this.#source.tracking === 'file' ? { by: 'file', gtidSet: '' } : { by: 'gtid', gtidSet: this.#xa.durable() }),
      ...position,
      serverUuid: this.#source.info.serverUuid ?? String(this.#source.info.serverId),
      schemaVersion: this.#history.version,
      keyFormat: keyFormatOf(this.#config),
      replay: replayConfigOf(this.#config),
      version: this.#clock.last,
      ...this.#trace.describe(),
      offsets: this.#book.offsets(),
      snapshot,
      startAfter: this.#before?.toString() ?? '',
      xaFrom: this.#xa.from,
      fences: this.#life.fences(this.#book.gaps()),
      anchors: this.#anchors.describe(snapshot.publishing),
      writtenMs: Date.now(),
    };
  }

  async #openLoader(parts: SessionParts, events: SessionEvents, signal: AbortSignal): Promise<void> {
    const opened = await openLoader(parts, {
      describe: (snapshot) => this.#describe(snapshot),
      position: () => this.#pump.position ?? this.#start,
      snapshotRows: events.snapshotRows,
      signal,
    });
    this.#loader = opened.loader;
    this.#report = opened.report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources[Symbol.asyncDispose]();
  }
}
