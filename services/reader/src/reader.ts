import {
  type AdminAnswer,
  anySignal,
  backoffMs,
  isAbort,
  type LogFields,
  type Logger,
  type Metrics,
  type MetricsOf,
  orAbort,
  type RunningService,
  type Signs,
  sleep,
  TaplineError,
} from '@tapline/kernel';
import type { LiveConfig } from './captured/live-config.ts';
import type { ReaderConfig } from './config.ts';
import { FailoverMemory } from './failover/memory.ts';
import { LifeKeeper } from './fencing/life-keeper.ts';
import { Leadership } from './leadership/leadership.ts';
import { READER_METRICS } from './metrics.ts';
import { Session } from './session.ts';
import type { SessionFacts } from './session-facts.ts';
import { notingLogger, type Trouble } from './watch/noting-logger.ts';

/** After this long without trouble, the next trouble counts as the first. */
const CALM_MS = 60_000;

const NOT_AT_WORK: AdminAnswer = { status: 503, body: { error: 'This reader is not at work now.' } };

const NOTHING = { rows: 0, transactions: 0, sent: 0, skipped: 0, claims: 0, claimBytes: 0, leftOut: 0, binlogBytes: 0 };

/** Runs one session after the other: a lost source or broker ends a session, and the next one goes on from the progress record. */
export class Reader implements RunningService {
  readonly #live: LiveConfig;
  readonly #log: Logger;
  readonly #metrics: MetricsOf<typeof READER_METRICS>;
  readonly #failover: FailoverMemory;
  readonly #lives: LifeKeeper;
  readonly #leadership: Leadership;
  #session: Session | undefined;
  /** Of the current session, as last counted into the metrics. */
  #counted: typeof NOTHING = NOTHING;
  #sessions = 0;
  /** The newest; not looked at any more once progress has become durable behind it. */
  #trouble: Trouble | undefined;
  /** Of the newest durable record of this process; its beginning before there is one. */
  #progressMs = Date.now();
  #waiting = false;

  constructor(live: LiveConfig, logger: Logger, metrics: Metrics) {
    const config = live.current;
    const log = notingLogger(logger, (trouble) => {
      this.#trouble = trouble;
    });
    this.#live = live;
    this.#log = log;
    this.#metrics = metrics.declare(READER_METRICS);
    this.#failover = new FailoverMemory(log, {
      failover: () => this.#metrics.failovers.inc(),
      lost: ({ transactions, records }) => {
        this.#metrics.lostTransactions.inc(transactions);
        this.#metrics.lostRecords.inc(records);
      },
    });
    this.#leadership = new Leadership(config, log);
    this.#lives = new LifeKeeper(config, log, () => this.#leadership.over());
    metrics.sample(this.#metrics.leader, () => (this.#leadership.facts.role === 'leader' ? 1 : 0));
    metrics.sample(this.#metrics.epoch, () => this.#lives.epoch);
    metrics.sample(this.#metrics.progressAge, () => this.#progressAge);
    metrics.sample(this.#metrics.lag, () => this.#lag);
    metrics.sample(this.#metrics.binlogBehind, () => this.#session?.facts.binlog.behindBytes ?? Number.NaN);
    metrics.sample(this.#metrics.binlogHeadroomBytes, () => this.#session?.facts.binlog.headroomBytes ?? Number.NaN);
    metrics.sample(this.#metrics.binlogRoomBytes, () => this.#session?.facts.binlog.roomBytes ?? Number.NaN);
    metrics.sample(
      this.#metrics.binlogHeadroomSeconds,
      () => this.#session?.facts.binlog.headroomSeconds ?? Number.NaN,
    );
    metrics.sample(this.#metrics.trouble, () => (this.#openTrouble === undefined ? 0 : 1));
    metrics.sample(this.#metrics.roundTrip, () => this.#session?.facts.anchors.roundTripSeconds ?? Number.NaN);
    metrics.sample(this.#metrics.xaUndecided, () => this.#sample(({ xa }) => xa.undecided));
    metrics.sample(this.#metrics.xaOldest, () => this.#sample(({ xa }) => xa.oldestSeconds));
    metrics.sample(this.#metrics.schemaVersion, () => this.#sample(({ schema }) => schema.version));
    metrics.sample(this.#metrics.schemaDifferent, () => this.#sample(({ schema }) => schema.different));
    metrics.sample(this.#metrics.spilledBytes, () => this.#sample((facts) => facts.spilledBytes));
    metrics.sample(this.#metrics.snapshotTablesLeft, () => this.#sample(tablesLeft));
  }

  async run(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const over = new AbortController();
    const watching = this.#live.watch((next) => this.#take(next, over.signal), anySignal(stop, abort, over.signal));
    try {
      await this.#runSessions(stop, abort);
    } finally {
      over.abort();
      await watching;
    }
  }

  /** The session at hand ends when it can, and the next one has the new configuration. @throws what makes it unfit for the source. */
  async #take(next: ReaderConfig, signal: AbortSignal): Promise<boolean> {
    const session = this.#session;
    if (session === undefined) return false;
    await session.check(next, signal);
    session.leave();
    return true;
  }

  async #runSessions(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    await using _lives = this.#lives;
    // Given up first: a standby leads when everything of this life is acknowledged.
    await using _leadership = this.#leadership;
    let attempt = 0;
    while (!stop.aborted) {
      const startedMs = Date.now();
      const sessions = this.#sessions;
      try {
        await this.#runSession(stop, abort);
      } catch (error) {
        if (isAbort(error, stop) || isAbort(error, abort)) return;
        if (this.#leadership.isLoss(error)) {
          this.#log.warn('another reader leads, this one stands by', { error });
          await this.#lives.end();
          continue;
        }
        // While it was opening: another life began at the same moment. One of the two goes on, and this one finds out which.
        const opening = this.#sessions === sessions && isFenced(error);
        if (!opening && !this.#failover.mayTryAgain(error)) throw error;
        if (opening) await this.#lives.end();
        if (Date.now() - startedMs > CALM_MS) attempt = 0;
        const delayMs = backoffMs(attempt++);
        this.#metrics.sessionFailures.inc({ code: error instanceof TaplineError ? error.code : 'INTERNAL' });
        this.#log.warn('the session ended, the next one goes on from the progress record', { error, delayMs });
        this.#waiting = true;
        await sleep(delayMs, stop).catch(() => {});
        this.#waiting = false;
      }
    }
  }

  ready(): boolean {
    return this.#session?.ready ?? this.#leadership.facts.role === 'standby';
  }

  /** Also a source without changes gives some: heartbeats come, and progress records are written. */
  signs(): Signs {
    const { name } = this.#live.current;
    if (this.#standsBy || this.#waiting || this.#openTrouble !== undefined) return { [name]: undefined };
    this.#count();
    const { binlogBytes, sent } = this.#counted;
    return {
      [name]: [this.#sessions, this.#progressMs, binlogBytes, sent, this.#session?.facts.waitingBytes].join(' '),
    };
  }

  state(): Readonly<Record<string, unknown>> {
    this.#count();
    return {
      source: this.#live.current.name,
      sessions: this.#sessions,
      doing: this.#doing,
      ...(this.#openTrouble === undefined ? {} : { trouble: this.#openTrouble }),
      progressAgeSeconds: this.#progressAge,
      ...this.#leadership.facts,
      epoch: this.#lives.epoch,
      ...this.#session?.facts,
      failover: this.#failover.facts,
    };
  }

  /** The schema history over HTTP. */
  async answer(url: URL): Promise<AdminAnswer | undefined> {
    if (!/^\/schema(\/|$)/.test(url.pathname)) return undefined;
    return (await this.#session?.answer(url)) ?? NOT_AT_WORK;
  }

  /** Tables loaded again while the reader runs. */
  async act(url: URL): Promise<AdminAnswer | undefined> {
    if (url.pathname !== '/reload') return undefined;
    const answer = this.#session?.answerReload(url) ?? NOT_AT_WORK;
    if (answer.status < 300) this.#log.info('asked to load tables again', answer.body as LogFields);
    return answer;
  }

  async #runSession(stop: AbortSignal, abort: AbortSignal): Promise<void> {
    const lost = await this.#leadership.lead(stop);
    // Opening may be given up at any moment; a running session drains on `stop` and is given up on `abort` only.
    const lifetime = new AbortController();
    const opening = anySignal(stop, lifetime.signal);
    let opened = false;
    const signal = lifetime.signal;
    let handingOver: NodeJS.Timeout | undefined;
    const onStop = (): void => {
      const { handOverMs } = this.#leadership;
      if (!opened) lifetime.abort(stop.reason);
      else if (Number.isFinite(handOverMs)) {
        handingOver = setTimeout(() => {
          this.#log.info('leaving what is in hand to the next leader');
          lifetime.abort(stop.reason);
        }, handOverMs);
      }
    };
    const onAbort = (): void => lifetime.abort(abort.reason);
    const onLost = (): void => lifetime.abort(lost.reason);
    stop.addEventListener('abort', onStop, { once: true });
    abort.addEventListener('abort', onAbort, { once: true });
    lost.addEventListener('abort', onLost, { once: true });
    try {
      opening.throwIfAborted();
      await using session = await Session.open(
        this.#live.current,
        this.#log,
        {
          snapshotRows: (table, rows) => this.#metrics.snapshotRows.inc({ table }, rows),
          failover: this.#failover,
          lives: this.#lives,
        },
        signal,
      );
      opened = true;
      this.#begin(session);
      try {
        await orAbort(session.run(stop), signal);
      } catch (error) {
        if (!signal.aborted) await this.#settle(session, signal);
        throw error;
      } finally {
        this.#count();
        this.#noteProgress();
        this.#session = undefined;
      }
    } catch (error) {
      // However it shows: what ended the session is that another one leads.
      throw lost.aborted ? lost.reason : error;
    } finally {
      clearTimeout(handingOver);
      stop.removeEventListener('abort', onStop);
      abort.removeEventListener('abort', onAbort);
      lost.removeEventListener('abort', onLost);
      lifetime.abort();
    }
  }

  #begin(session: Session): void {
    this.#session = session;
    this.#sessions++;
    this.#counted = NOTHING;
  }

  /** What a broken session has handed to Kafka in front of what broke it is published, unless publishing itself is what failed. */
  async #settle(session: Session, abort: AbortSignal): Promise<void> {
    await orAbort(session.settle(), abort).catch(() => undefined);
  }

  #sample(of: (facts: SessionFacts) => number): number {
    this.#count();
    const facts = this.#session?.facts;
    return facts === undefined ? 0 : of(facts);
  }

  get #standsBy(): boolean {
    return this.#leadership.facts.role === 'standby';
  }

  /** In words for people; the metrics have it in numbers. */
  get #doing(): string {
    if (this.#session === undefined) {
      if (this.#standsBy) return 'standing by';
      return this.#waiting ? 'waiting to try again' : 'connecting';
    }
    if (!this.#session.ready) return 'replaying';
    return this.#session.facts.snapshot['state'] === 'done' ? 'streaming' : 'loading and streaming';
  }

  /** What is the matter, until progress has become durable behind it. */
  get #openTrouble(): Trouble | undefined {
    this.#noteProgress();
    if (this.#standsBy) return undefined;
    return (this.#trouble?.atMs ?? 0) >= this.#progressMs ? this.#trouble : undefined;
  }

  get #progressAge(): number {
    this.#noteProgress();
    return this.#standsBy ? Number.NaN : (Date.now() - this.#progressMs) / 1000;
  }

  /** Without a session nothing is passed: what it was at its last progress grows with the clock. */
  get #lag(): number {
    if (this.#standsBy) return Number.NaN;
    return this.#session?.facts.lagSeconds ?? this.#progressAge;
  }

  #noteProgress(): void {
    this.#progressMs = Math.max(this.#progressMs, this.#session?.facts.progressMs ?? 0);
  }

  /** Counters are moved when somebody looks, not on the hot path. */
  #count(): void {
    const facts = this.#session?.facts;
    if (facts === undefined) return;
    const { rows, transactions, sent, skipped, claims, claimBytes, leftOut, binlogBytes } = facts;
    this.#metrics.rows.inc(rows - this.#counted.rows);
    this.#metrics.transactions.inc(transactions - this.#counted.transactions);
    this.#metrics.records.inc(sent - this.#counted.sent);
    this.#metrics.skipped.inc(skipped - this.#counted.skipped);
    this.#metrics.claims.inc(claims - this.#counted.claims);
    this.#metrics.claimBytes.inc(claimBytes - this.#counted.claimBytes);
    this.#metrics.leftOut.inc(leftOut - this.#counted.leftOut);
    this.#metrics.binlogBytes.inc(binlogBytes - this.#counted.binlogBytes);
    this.#counted = { rows, transactions, sent, skipped, claims, claimBytes, leftOut, binlogBytes };
  }
}

function isFenced(error: unknown): boolean {
  return error instanceof TaplineError && error.code === 'KAFKA_FENCED';
}

function tablesLeft(facts: SessionFacts): number {
  const { state, tables, finishedTables } = facts.snapshot as {
    state: string;
    tables?: number;
    finishedTables?: number;
  };
  return state === 'done' ? 0 : (tables ?? 0) - (finishedTables ?? 0);
}
