import type { TopicPartition } from '@tapline/kafka';
import { isAbort, TaplineError, Turns } from '@tapline/kernel';
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
import { applyAppended } from './append.ts';
import { classify } from './classify.ts';
import type { MysqlConfig } from './config.ts';
import { isHeld } from './ddl/pending.ts';
import type { DdlReplicator } from './ddl/replicator.ts';
import { applyLane } from './lane.ts';
import { readApplied } from './offsets.ts';
import { sinkParts } from './parts.ts';
import { applyPlaced, lanesOf, type Share } from './placed.ts';
import { type Item, wavesOf } from './plan.ts';
import { makeMarks, Session, SessionPool } from './session.ts';
import { isApplied, Sorted, type Visitor } from './sorted.ts';
import { isOutdated, type TargetTables } from './tables.ts';

/**
 * Rows in MySQL. What keeps a change from being applied twice or late is written in the transaction that writes the row: how far its partition is applied, where that says
 * enough of the table, or else the row's version, which deleted rows leave behind. A call's changes are parted into lanes, by partitions or by what they write, and each
 * lane is a transaction.
 */
export class MysqlSink implements Sink {
  readonly #config: MysqlConfig;
  readonly #pool: SessionPool;
  /** Sessions of lanes. Never those in which statements of the source are carried out: one packet of these holds several statements. */
  readonly #lanes: SessionPool;
  readonly #tables: TargetTables;
  /** Undefined: nobody knows how far the writer is. */
  readonly #ddl: DdlReplicator | undefined;
  /** Calls come side by side where partitions wait for others, and are taken one by one. */
  readonly #turns = new Turns();
  #disposed = false;

  private constructor(config: MysqlConfig, context: SinkContext) {
    const { order, progress } = context;
    const { pool, tables, ddl } = sinkParts(config, context, { order, progress });
    this.#config = config;
    this.#pool = pool;
    this.#lanes = new SessionPool((signal) => Session.open(config, signal, { scripts: true }));
    this.#tables = tables;
    this.#ddl = ddl;
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
    try {
      return await this.#turns.take(() => this.#applyOrLookAgain(changes, signal, places));
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
      if (!isOutdated(error)) throw error;
      // Once more, by what the table is now.
      this.#tables.forget();
      return this.#apply(changes, signal, places);
    }
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#pool.use(signal, async (session) => {
      const setting = session.connection.isTidb ? 'tidb_super_read_only' : 'read_only';
      const [row] = await session.query(`SELECT @@GLOBAL.${setting}`, signal);
      if (row?.[0] !== '1') return;
      throw new TaplineError('SINK_MYSQL_READ_ONLY', {
        message: `The server is read-only (${setting} = 1).`,
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
    await this.#lanes[Symbol.asyncDispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  async #apply(changes: readonly Change[], signal: AbortSignal, places: Places | undefined): Promise<ApplyResult> {
    signal.throwIfAborted();
    const outcome = new Outcome(changes.length);
    const sorted = new Sorted(places);
    const limits = places && (await this.#ddl?.limits(changes, signal));
    for (const [index, change] of changes.entries()) {
      if (limits?.has(change.topic) === true && isHeld(limits, places?.at(index))) {
        outcome.waits(index, waits(change.topic));
        continue;
      }
      const known = this.#tables.fitting(change, signal);
      const target = known instanceof Promise ? await known : known;
      if (target === undefined) {
        outcome.set(index, 'stale');
        continue;
      }
      sorted.add(index, change, target);
    }
    const { items, appended, shares, visitors, stale } = sorted;
    const outgrown = [...(await this.#moved(shares, signal)), ...(await this.#look(visitors, stale, signal))];
    if (outgrown.length > 0) {
      for (const change of outgrown) await this.#tables.keepVersions(change, signal);
      return this.#apply(changes, signal, places);
    }
    for (const index of stale) outcome.set(index, 'stale');
    await this.#runPlaced(shares, outcome, signal);
    await this.#runWaves(items, outcome, signal);
    await this.#run(appended, outcome, signal, (session) =>
      applyAppended(appended, { session, config: this.#config, outcome, signal }),
    );
    return outcome.result();
  }

  /** A change of each table whose topic has got another number of partitions. */
  async #moved(shares: readonly Share[], signal: AbortSignal): Promise<Change[]> {
    const moved: Change[] = [];
    for (const [target, [share]] of Map.groupBy(shares, ({ target: own }) => own)) {
      const change = share?.items[0]?.change;
      if (change !== undefined && !(await this.#tables.isAsItWas(target, signal))) moved.push(change);
    }
    return moved;
  }

  /** A change of each table whose offsets do not say that all of these are applied. */
  async #look(visitors: readonly Visitor[], stale: number[], signal: AbortSignal): Promise<Change[]> {
    const fresh: Change[] = [];
    for (const [{ guard }, own] of Map.groupBy(visitors, ({ target }) => target)) {
      if (guard.kind === 'versions') continue;
      const { sql, topic } = guard.offsets;
      const applied = await this.#pool.use(signal, (session) => readApplied(session, sql, signal));
      const left = own.filter(({ change, place }) => !isApplied({ topic, applied }, change, place));
      if (left[0] !== undefined) fresh.push(left[0].change);
      else for (const { index } of own) stale.push(index);
    }
    return fresh;
  }

  async #runPlaced(shares: readonly Share[], outcome: Outcome, signal: AbortSignal): Promise<void> {
    await Promise.all(
      lanesOf(shares, this.#config.connections).map((lane) =>
        this.#run(
          lane.flatMap(({ items }) => items),
          outcome,
          signal,
          (session) => applyPlaced(lane, { session, config: this.#config, outcome, signal }),
        ),
      ),
    );
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
      await this.#lanes.use(signal, work);
      return undefined;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const failure = classify(error);
      for (const { index } of items) outcome.failed(index, failure);
      return failure;
    }
  }
}

function waits(topic: string): TaplineError {
  return new TaplineError('SINK_MYSQL_DDL_WAITS', {
    message: 'Changes wait for a statement in front of them, and that for the other partitions of its tables.',
    place: { topic },
  });
}
