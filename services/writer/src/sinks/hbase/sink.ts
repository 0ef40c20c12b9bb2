import { orAbort, TaplineError } from '@tapline/kernel';
import type { ApplyResult, Change, Sink } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { classify } from './classify.ts';
import type { HBaseConfig } from './config.ts';
import { fittingKey, RowEncoder } from './encode.ts';
import { compileRowKey, type RowKey } from './row-key.ts';
import { RowOutcome } from './row-outcome.ts';
import { serverVersion } from './rpc/admin.ts';
import { CellBlock } from './rpc/cells.ts';
import { Cluster } from './rpc/cluster.ts';
import type { Request } from './rpc/connection.ts';
import { type ActionAnswer, type Parts, readMulti, writeMulti } from './rpc/multi.ts';
import { type Region, regionOfRow, type ServerAddress } from './rpc/regions.ts';
import { Tables } from './tables.ts';

/** A request is sent at this size even when it has few rows: the server holds all of it in memory. */
const CALL_BYTES = 2 * 1024 * 1024;

/** No older release is maintained. */
const OLDEST: readonly [number, number] = [2, 4];

/** One change of a call: which, and what it is in HBase. */
interface Item {
  readonly index: number;
  readonly change: Change;
  readonly table: string;
  readonly row: Buffer;
  /** Table and row, as one text. */
  readonly name: string;
}

/**
 * Rows in HBase. The changes of a call go to the region servers that have their rows: first it is asked which rows have the version already, then what is
 * newer is written, with the version as its timestamp, so that whatever else is written meanwhile the newest is what is seen. Changes of one row go out one
 * after another.
 */
export class HBaseSink implements Sink {
  readonly #cluster: Cluster;
  readonly #config: HBaseConfig;
  readonly #encoder: RowEncoder;
  readonly #tables: Tables;
  readonly #table: Template;
  readonly #rowKey: RowKey;
  readonly #cells = new CellBlock();
  readonly #ending = new AbortController();

  private constructor(cluster: Cluster, config: HBaseConfig) {
    this.#cluster = cluster;
    this.#config = config;
    this.#encoder = new RowEncoder(config);
    this.#tables = new Tables({
      cluster,
      config,
      families: this.#encoder.families,
      signal: this.#ending.signal,
    });
    this.#table = compileTemplate(config.table, { path: 'sink.table', row: false, nullText: '' });
    this.#rowKey = compileRowKey(config.rowKey);
  }

  /** @throws TaplineError SINK_HBASE_… */
  static async open(config: HBaseConfig, signal: AbortSignal): Promise<HBaseSink> {
    const masters = config.masters.split(',').map((one) => one.trim());
    const cluster = new Cluster({
      masters,
      reachAt: config.reachAt,
      user: config.user,
      timeoutMs: config.timeoutMs,
    });
    try {
      await orAbort(requireRelease(cluster), signal);
      return new HBaseSink(cluster, config);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async apply(changes: readonly Change[], signal: AbortSignal): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#ending.signal.aborted)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    const outcome = new RowOutcome(changes.length);
    for (const wave of this.#waves(changes, outcome)) await orAbort(this.#write(wave, outcome), signal);
    return outcome.result();
  }

  async check(signal: AbortSignal): Promise<void> {
    await orAbort(requireRelease(this.#cluster), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the sink was closed'));
    await this.#cluster[Symbol.asyncDispose]();
  }

  /** Parts the changes so that each part has a row once, in order: the first changes of all rows, then the second ones… */
  #waves(changes: readonly Change[], outcome: RowOutcome): Item[][] {
    const waves: Item[][] = [];
    const seen = new Map<string, number>();
    for (const [index, change] of changes.entries()) {
      if (change.after === null && this.#config.mode === 'archive') continue;
      const table = this.#table(change);
      const row = outcome.attempt(index, () => fittingKey(this.#rowKey(change)));
      if (row === undefined) continue;
      const name = `${table}\n${row.toString('latin1')}`;
      const wave = seen.get(name) ?? 0;
      seen.set(name, wave + 1);
      (waves[wave] ??= []).push({ index, change, table, row, name });
    }
    return waves;
  }

  async #write(items: readonly Item[], outcome: RowOutcome): Promise<void> {
    const byTable = Map.groupBy(items, (item) => item.table);
    await Promise.all([...byTable].map(([table, rows]) => this.#writeTable(table, rows, outcome)));
  }

  async #writeTable(table: string, all: readonly Item[], outcome: RowOutcome): Promise<void> {
    const items = all.filter((item) => !outcome.heldBack(item.name, item.index));
    if (items.length === 0) return;
    try {
      await this.#tables.ready(table);
      const regions = await this.#cluster.regions(table);
      const byRegion = Map.groupBy(items, (item) => regionOfRow(regions, item.row));
      const byServer = new Map<ServerAddress, Located[]>();
      for (const [region, rows] of byRegion) {
        if (region?.server === undefined) {
          this.#failed(rows, notOpen(table, region), outcome);
          continue;
        }
        const located = rows.map((item) => ({ item, region }));
        byServer.set(region.server, (byServer.get(region.server) ?? []).concat(located));
      }
      await Promise.all([...byServer].map(([server, rows]) => this.#writeServer(server, rows, outcome)));
    } catch (error) {
      this.#failed(items, classify(error, table), outcome);
    }
  }

  async #writeServer(server: ServerAddress, rows: readonly Located[], outcome: RowOutcome): Promise<void> {
    const count = Math.max(1, Math.ceil(rows.length / this.#config.parallelCalls));
    const parts: Promise<void>[] = [];
    for (let from = 0; from < rows.length; from += count)
      parts.push(this.#writePart(server, rows.slice(from, from + count), outcome));
    await Promise.all(parts);
  }

  /** Asks for all of the rows, and writes those that are newer, in requests that are not too large. */
  async #writePart(server: ServerAddress, rows: readonly Located[], outcome: RowOutcome): Promise<void> {
    const newer: Located[] = [];
    await this.#call({ server, ...this.#question(rows) }, outcome, (located, answer) => {
      if (answer === 'found') outcome.set(located.item.index, 'stale');
      else newer.push(located);
    });
    const calls: Promise<void>[] = [];
    for (let from = 0; from < newer.length; ) {
      const { next, ...call } = this.#puts(newer, from, outcome);
      if (call.items.length > 0) calls.push(this.#call({ server, ...call }, outcome, () => undefined));
      from = next;
    }
    await Promise.all(calls);
  }

  #question(rows: readonly Located[]): Encoded {
    let parts: Parts = [];
    const request = this.#cluster.request('Multi', (message) => {
      parts = writeMulti(message, rows, ({ item: { row, change } }, index) => {
        this.#encoder.ask(message, index, row, change);
        return true;
      });
    });
    return { request, parts, items: rows };
  }

  /** The rows from `from` on, until they are enough for a request. */
  #puts(rows: readonly Located[], from: number, outcome: RowOutcome): Encoded & { readonly next: number } {
    const cells = this.#cells;
    const items: Located[] = [];
    let next = from;
    function* some(): Generator<Located> {
      while (next < rows.length && cells.length < CALL_BYTES) yield rows[next++] as Located;
    }
    let parts: Parts = [];
    cells.clear();
    const request = this.#cluster.request(
      'Multi',
      (message) => {
        parts = writeMulti(message, some(), (located, index) => {
          const { row, change, index: at } = located.item;
          const written = outcome.attempt(at, () => {
            this.#encoder.put(message, cells, index, row, change);
            return true;
          });
          if (written === true) items.push(located);
          return written === true;
        });
      },
      cells,
    );
    return { request, parts, items, next };
  }

  async #call(
    { server, request, parts, items }: Encoded & { readonly server: ServerAddress },
    outcome: RowOutcome,
    done: (located: Located, answer: 'done' | 'found') => void,
  ): Promise<void> {
    let answers: readonly (ActionAnswer | undefined)[];
    try {
      answers = readMulti(await this.#cluster.regionServer(server, request), parts);
    } catch (error) {
      const failed = items.map(({ item }) => item);
      this.#failed(failed, classify(error, server), outcome);
      return;
    }
    for (const [at, located] of items.entries()) {
      const answer = answers[at];
      if (answer === 'done' || answer === 'found') done(located, answer);
      else {
        const { item } = located;
        const error = classify(answer ?? new RangeError('an answer is missing'), server);
        this.#failed([item], await this.#ofTable(item.table, error), outcome);
      }
    }
  }

  /** An exception without a class of its own may be about the table, which somebody has altered: a look at it tells. */
  async #ofTable(table: string, error: TaplineError): Promise<TaplineError> {
    if (error.code !== 'SINK_HBASE_FAILED') return error;
    return await this.#tables.again(table).then(
      () => error,
      (problem: unknown) => classify(problem, table),
    );
  }

  /** What was known about the table goes with a failure: it is asked for again before the next try. */
  #failed(items: readonly Item[], error: TaplineError, outcome: RowOutcome): void {
    for (const item of items) {
      this.#tables.forget(item.table);
      outcome.failedIn(item.name, item.index, error);
    }
  }
}

interface Located {
  readonly item: Item;
  readonly region: Region;
}

interface Encoded {
  readonly request: Request;
  readonly parts: Parts;
  readonly items: readonly Located[];
}

async function requireRelease(cluster: Cluster): Promise<void> {
  const release = await serverVersion(cluster);
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new TaplineError('SINK_HBASE_VERSION', {
    message: `The master is HBase ${release}; ${OLDEST.join('.')} or later is needed.`,
  });
}

function notOpen(table: string, region: Region | undefined): TaplineError {
  const message =
    region === undefined
      ? `A part of table ${table} has no region now.`
      : `A region of table ${table} is not open anywhere.`;
  return new TaplineError('SINK_HBASE_DISABLED', { message, place: { table } });
}
