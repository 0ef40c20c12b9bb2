import { orAbort, TaplineError } from '@tapline/kernel';
import type { ApplyResult, Change, Sink } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { classify } from './classify.ts';
import type { HBaseConfig } from './config.ts';
import { RowEncoder } from './encode.ts';
import { compileRowKey, type RowKey } from './row-key.ts';
import { RowOutcome } from './row-outcome.ts';
import { serverVersion } from './rpc/admin.ts';
import { Cluster } from './rpc/cluster.ts';
import { type RegionAnswer, readMulti } from './rpc/multi.ts';
import { type Region, regionOfRow, regionSpecifier, type ServerAddress } from './rpc/regions.ts';
import { Tables } from './tables.ts';

/** A request is sent at this size even when it has few rows: the server holds all of it in memory. */
const CALL_BYTES = 2 * 1024 * 1024;

/** Conditions of rows within a batch came with 2.4; an older server would not know of them and write whatever it is given. */
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
 * Rows in HBase. The changes of a call go out as requests to the region servers that have their rows, several to each server; each row is one atomic
 * step there, which compares versions and writes. Changes of one row go out one after another.
 */
export class HBaseSink implements Sink {
  readonly #cluster: Cluster;
  readonly #config: HBaseConfig;
  readonly #encoder: RowEncoder;
  readonly #tables: Tables;
  readonly #table: Template;
  readonly #rowKey: RowKey;
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
      const row = outcome.attempt(index, () => this.#rowKey(change));
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
      const byServer = new Map<ServerAddress, Located[]>();
      for (const item of items) {
        const region = regionOfRow(regions, item.row);
        if (region?.server === undefined) this.#failed([item], notOpen(table, region), outcome);
        else {
          const rows = byServer.get(region.server);
          if (rows === undefined) byServer.set(region.server, [{ item, region }]);
          else rows.push({ item, region });
        }
      }
      await Promise.all([...byServer].map(([server, rows]) => this.#writeServer(server, rows, outcome)));
    } catch (error) {
      this.#failed(items, classify(error, table), outcome);
    }
  }

  async #writeServer(server: ServerAddress, rows: readonly Located[], outcome: RowOutcome): Promise<void> {
    const count = Math.max(1, Math.ceil(rows.length / this.#config.parallelCalls));
    const calls: Promise<void>[] = [];
    for (let from = 0; from < rows.length; ) {
      const to = Math.min(rows.length, from + count);
      const { message, items, next } = this.#encode(rows, from, to, outcome);
      if (items.length > 0) calls.push(this.#call(server, message, items, outcome));
      from = next;
    }
    await Promise.all(calls);
  }

  /** Writes the rows from `from` on into one request, up to `to` or until it is large enough. */
  #encode(rows: readonly Located[], from: number, to: number, outcome: RowOutcome): Encoded {
    const request = this.#cluster.request('Multi', () => undefined);
    const items: Item[] = [];
    const specifiers = new Map<Region, Buffer>();
    let next = from;
    while (next < to && request.message.length < CALL_BYTES) {
      const { item, region } = rows[next++] as Located;
      let specifier = specifiers.get(region);
      if (specifier === undefined) {
        specifier = regionSpecifier(region);
        specifiers.set(region, specifier);
      }
      const { change, row, index } = item;
      const bytes = specifier;
      const written = outcome.attempt(index, () => {
        this.#encoder.write(request.message, bytes, row, change);
        return true;
      });
      if (written === true) items.push(item);
    }
    return { message: request, items, next };
  }

  async #call(
    server: ServerAddress,
    request: Encoded['message'],
    items: readonly Item[],
    outcome: RowOutcome,
  ): Promise<void> {
    let answers: readonly RegionAnswer[];
    try {
      answers = readMulti(await this.#cluster.regionServer(server, request));
    } catch (error) {
      this.#failed(items, classify(error, server), outcome);
      return;
    }
    for (const [at, item] of items.entries()) {
      const answer = answers[at];
      if (answer === 'kept') outcome.set(item.index, 'stale');
      else if (answer !== 'written') {
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
  readonly message: ReturnType<Cluster['request']>;
  readonly items: readonly Item[];
  readonly next: number;
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
