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
import { applyLane } from './lane.ts';
import { type Item, itemOf, wavesOf } from './plan.ts';
import { Session, SessionPool } from './session.ts';
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
  #disposed = false;

  private constructor(config: MysqlConfig, pool: SessionPool, tables: TargetTables) {
    this.#config = config;
    this.#pool = pool;
    this.#tables = tables;
  }

  static async open(config: MysqlConfig, { log, signal, tables: catalog }: SinkContext): Promise<MysqlSink> {
    const pool = new SessionPool((aborted) => Session.open(config, config.timeoutMs, aborted));
    const sink = new MysqlSink(config, pool, new TargetTables({ pool, config, catalog, log }));
    try {
      await sink.check(signal);
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
      return await this.#applyOrLookAgain(changes, signal, places);
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    await this.#pool[Symbol.asyncDispose]();
  }

  async #apply(changes: readonly Change[], signal: AbortSignal, places: Places | undefined): Promise<ApplyResult> {
    const outcome = new Outcome(changes.length);
    const items: Item[] = [];
    const appended: AppendItem[] = [];
    for (const [index, change] of changes.entries()) {
      const known = this.#tables.of(change, signal);
      let target = known instanceof Promise ? await known : known;
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

const STRUCTURE: ReadonlySet<string> = new Set(['SINK_MYSQL_TABLE', 'SINK_MYSQL_COLUMN']);
