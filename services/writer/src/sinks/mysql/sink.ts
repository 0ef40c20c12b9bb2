import type { TopicPartition } from '@tapline/kafka';
import { isAbort, TaplineError } from '@tapline/kernel';
import { addressText } from '@tapline/mysql';
import {
  type ApplyResult,
  allApplied,
  allRetry,
  type Change,
  type Places,
  type Sink,
  type SinkContext,
} from '@tapline/sink';
import { Outcome } from '../../outcome.ts';
import { type AppendItem, applyAppended } from './append.ts';
import { classify } from './classify.ts';
import type { MysqlConfig } from './config.ts';
import { isHeld } from './ddl/pending.ts';
import { DdlReplicator } from './ddl/replicator.ts';
import { applyLane } from './lane.ts';
import { type Item, itemOf, wavesOf } from './plan.ts';
import { makeMarks, Session, SessionPool } from './session.ts';
import { TargetTables } from './tables.ts';
import type { Target } from './target.ts';

/**
 * Rows in MySQL. Each row's version stands in a table of versions beside the rows (`sink.stateDatabase`), written in the transaction that writes the row; deleted rows
 * leave theirs there. A call's changes are parted into lanes by what they write, and each lane is a transaction.
 */
export class MysqlSink implements Sink {
  readonly #config: MysqlConfig;
  readonly #pool: SessionPool;
  readonly #tables: TargetTables;
  /** Undefined: nobody knows how far the writer is. */
  readonly #ddl: DdlReplicator | undefined;
  /** Calls come side by side where partitions wait for others, and are taken one by one. */
  #turn: Promise<unknown> = Promise.resolve();
  #disposed = false;

  private constructor(config: MysqlConfig, { name, log, tables: catalog, progress }: SinkContext) {
    const pool = new SessionPool((aborted) => Session.open(config, aborted));
    this.#config = config;
    this.#pool = pool;
    this.#tables = new TargetTables({
      pool,
      config,
      catalog,
      log,
      versionOf: (topic) => this.#ddl?.versionOf(topic),
      hasHistory: (topic) => this.#ddl?.hasHistory(topic) === true,
    });
    if (progress === undefined) return;
    this.#ddl = new DdlReplicator({ config, pool, name, catalog, progress, log, altered: () => this.#tables.forget() });
  }

  static async open(config: MysqlConfig, context: SinkContext): Promise<MysqlSink> {
    const { signal } = context;
    const sink = new MysqlSink(config, context);
    try {
      await sink.check(signal);
      await sink.#pool.use(signal, (session) => makeMarks(session, config, signal));
      return sink;
    } catch (error) {
      await sink[Symbol.asyncDispose]();
      throw error;
    }
  }

  async apply(changes: readonly Change[], signal: AbortSignal, places?: Places): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#disposed)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    if (changes.length === 0) return allApplied(0);
    const mine = this.#turn.then(() => this.#applyOrLookAgain(changes, signal, places));
    this.#turn = mine.catch(() => undefined);
    try {
      return await mine;
    } catch (error) {
      if (error instanceof TaplineError && error.disposition === 'retryable') return allRetry(changes.length, error);
      throw error;
    }
  }

  async #applyOrLookAgain(
    changes: readonly Change[],
    signal: AbortSignal,
    places: Places | undefined,
  ): Promise<ApplyResult> {
    try {
      return await this.#apply(changes, signal, places);
    } catch (error) {
      // A table is not what it was when it was looked at: once more, by what it is now.
      if (!(error instanceof TaplineError) || !STRUCTURE.has(error.code)) throw error;
      this.#tables.forget();
      return this.#apply(changes, signal, places);
    }
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#pool.use(signal, async (session) => {
      const [row] = await session.query('SELECT @@read_only', signal);
      if (row?.[0] !== '1') return;
      throw new TaplineError('SINK_MYSQL_READ_ONLY', {
        message: 'The server is read-only (read_only = 1).',
        place: { address: addressText(this.#config) },
      });
    });
  }

  assigned(partitions: readonly TopicPartition[]): Promise<void> {
    this.#ddl?.watch(partitions.map(({ topic }) => topic));
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#ddl?.[Symbol.asyncDispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  async #apply(changes: readonly Change[], signal: AbortSignal, places: Places | undefined): Promise<ApplyResult> {
    signal.throwIfAborted();
    const outcome = new Outcome(changes.length);
    const items: Item[] = [];
    const appended: AppendItem[] = [];
    const limits = places && (await this.#ddl?.limits(changes, signal));
    for (const [index, change] of changes.entries()) {
      if (limits?.has(change.topic) === true && isHeld(limits, places?.at(index))) {
        outcome.waits(index, waits(change.topic));
        continue;
      }
      const known = this.#tables.of(change, signal);
      let target = known instanceof Promise ? await known : known;
      if (target === undefined) {
        outcome.set(index, 'stale');
        continue;
      }
      target = await this.#fitting(change, target, signal);
      if (change.key !== null) items.push(itemOf(index, change, target));
      else appended.push({ index, change, target, place: places?.at(index) ?? { topic: change.topic, partition: 0 } });
    }
    await this.#runWaves(items, outcome, signal);
    await this.#run(appended, outcome, signal, (session) =>
      applyAppended(appended, { session, config: this.#config, outcome, signal }),
    );
    return outcome.result();
  }

  async #runWaves(items: readonly Item[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    let failed: TaplineError | undefined;
    for (const wave of wavesOf(items, this.#config.connections)) {
      // Behind a wave that failed nothing may overtake it.
      if (failed !== undefined) {
        for (const { index } of wave.flat()) outcome.failed(index, failed);
        continue;
      }
      const failures = await Promise.all(
        wave.map((lane) =>
          this.#run(lane, outcome, signal, (session) =>
            applyLane(lane, { session, config: this.#config, outcome, signal }),
          ),
        ),
      );
      failed = failures.find((failure) => failure !== undefined);
    }
  }

  /** What is wrong with a lane as a whole: all of its changes are to be given again. */
  async #run(
    items: readonly { readonly index: number }[],
    outcome: Outcome,
    signal: AbortSignal,
    work: (session: Session) => Promise<void>,
  ): Promise<TaplineError | undefined> {
    if (items.length === 0) return undefined;
    try {
      await this.#pool.use(signal, work);
      return undefined;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const failure = classify(error);
      for (const { index } of items) outcome.failed(index, failure);
      return failure;
    }
  }

  async #fitting(change: Change, target: Target, signal: AbortSignal): Promise<Target> {
    if (change.after === null) return target;
    const { unknown } = target.sets.of(change.after);
    if (unknown.length === 0 || this.#config.newColumns === 'ignore') return target;
    return this.#tables.withColumns(change, unknown, signal);
  }
}

function waits(topic: string): TaplineError {
  return new TaplineError('SINK_MYSQL_DDL_WAITS', {
    message: 'Changes wait for a statement in front of them, and that for the other partitions of its tables.',
    place: { topic },
  });
}

const STRUCTURE: ReadonlySet<string> = new Set(['SINK_MYSQL_TABLE', 'SINK_MYSQL_COLUMN']);
