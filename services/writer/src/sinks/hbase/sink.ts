import type { TopicPartition } from '@tapline/kafka';
import { orAbort, TaplineError } from '@tapline/kernel';
import { type ApplyResult, type Change, EncodedChange, type Places, type Sink, type SinkContext } from '@tapline/sink';
import { compileTemplate, type Template } from '../../naming/template.ts';
import { classify } from './classify.ts';
import type { HBaseConfig } from './config.ts';
import { fittingKey, RowEncoder } from './encode.ts';
import { Guard } from './guard/guard.ts';
import { Item, locate, sharesOf, wavesOf } from './items.ts';
import { notOpen } from './not-open.ts';
import { compileRowKey, holdsWholeKey, type RowKey } from './row-key.ts';
import { RowOutcome } from './row-outcome.ts';
import { serverVersion } from './rpc/admin.ts';
import { CellBlock } from './rpc/cells.ts';
import { Cluster } from './rpc/cluster.ts';
import type { Request } from './rpc/connection.ts';
import { type ActionAnswer, type Parts, readMulti, writeMulti } from './rpc/multi.ts';
import type { ServerAddress } from './rpc/regions.ts';
import { Tables } from './tables.ts';

/** A request is sent at this size even when it has few rows: the server holds all of it in memory. */
const CALL_BYTES = 2 * 1024 * 1024;

/** As many as calls are under way for the most part. */
const SPARE_BLOCKS = 8;

/** No older release is maintained. */
const OLDEST: readonly [number, number] = [2, 4];

/**
 * Rows in HBase. The changes of a call go to the region servers that have their rows, in the order of their keys, which is the one that regions keep them in. They
 * are written with the version as their timestamp, so that whatever else is written meanwhile the newest is what is seen. Where the table may have something newer of
 * them it is asked first. Changes of one row go out one after another.
 */
export class HBaseSink implements Sink {
  readonly #cluster: Cluster;
  readonly #config: HBaseConfig;
  readonly #encoder: RowEncoder;
  readonly #tables: Tables;
  readonly #guard: Guard;
  readonly #table: Template;
  readonly #rowKey: RowKey;
  readonly #isWholeKey: (change: Change) => boolean;
  /** Cells of calls that are answered, whose memory is used again. */
  readonly #spare: CellBlock[] = [];
  readonly #ending = new AbortController();

  private constructor(cluster: Cluster, config: HBaseConfig, context: SinkContext) {
    this.#cluster = cluster;
    this.#config = config;
    this.#encoder = new RowEncoder(config);
    this.#tables = new Tables({
      cluster,
      config,
      families: this.#encoder.families,
      signal: this.#ending.signal,
    });
    this.#guard = new Guard({ cluster, config, context, signal: this.#ending.signal });
    this.#table = compileTemplate(config.table, { path: 'sink.table', row: false, nullText: '' });
    this.#rowKey = compileRowKey(config.rowKey);
    this.#isWholeKey = holdsWholeKey(config.rowKey);
  }

  /** @throws TaplineError SINK_HBASE_… */
  static async open(config: HBaseConfig, context: SinkContext): Promise<HBaseSink> {
    const masters = config.masters.split(',').map((one) => one.trim());
    const cluster = new Cluster({
      masters,
      reachAt: config.reachAt,
      user: config.user,
      timeoutMs: config.timeoutMs,
    });
    try {
      await orAbort(requireRelease(cluster), context.signal);
      return new HBaseSink(cluster, config, context);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  async apply(changes: readonly Change[], signal: AbortSignal, places?: Places): Promise<ApplyResult> {
    signal.throwIfAborted();
    if (this.#ending.signal.aborted)
      throw new TaplineError('INTERNAL', { message: 'apply was called on a sink that is disposed of.' });
    const outcome = new RowOutcome(changes.length);
    const tables = this.#itemsByTable(changes, places, outcome);
    await orAbort(Promise.all([...tables].map(([table, items]) => this.#writeTable(table, items, outcome))), signal);
    return outcome.result();
  }

  assigned(partitions: readonly TopicPartition[]): Promise<void> {
    this.#guard.reassigned(partitions);
    return Promise.resolve();
  }

  async check(signal: AbortSignal): Promise<void> {
    await orAbort(requireRelease(this.#cluster), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the sink was closed'));
    await this.#cluster[Symbol.asyncDispose]();
  }

  #itemsByTable(changes: readonly Change[], places: Places | undefined, outcome: RowOutcome): Map<string, Item[]> {
    const tables = new Map<string, Item[]>();
    for (const [index, change] of changes.entries()) {
      if (this.#config.mode === 'archive' && isDelete(change)) continue;
      const row = outcome.attempt(index, () => fittingKey(this.#rowKey(change)));
      if (row === undefined) continue;
      const item = new Item(index, change, row, places?.at(index));
      const table = this.#table(change);
      const items = tables.get(table);
      if (items === undefined) tables.set(table, [item]);
      else items.push(item);
    }
    return tables;
  }

  async #writeTable(table: string, items: Item[], outcome: RowOutcome): Promise<void> {
    for (const wave of wavesOf(items)) {
      const left = wave.filter(({ row, index }) => !outcome.heldBack(table, row, index));
      if (left.length > 0) await this.#writeWave({ table, outcome }, left);
    }
  }

  async #writeWave(call: Call, items: readonly Item[]): Promise<void> {
    const { table } = call;
    try {
      await this.#tables.ready(table);
      await this.#allow(table, items);
      const { byServer, elsewhere } = locate(items, await this.#cluster.regions(table));
      for (const { item, region } of elsewhere) this.#failed(call, [item], notOpen(table, region));
      await Promise.all([...byServer].map(([server, rows]) => this.#writeServer({ ...call, server }, rows)));
    } catch (error) {
      this.#failed(call, items, classify(error, table));
    }
  }

  /** Finds out which rows are to be asked for. */
  async #allow(table: string, items: readonly Item[]): Promise<void> {
    const shares = sharesOf(items, this.#isWholeKey);
    if (shares === undefined) await this.#guard.allow(table, undefined);
    for (const share of shares ?? []) {
      const allowed = this.#guard.allow(table, share);
      const from = allowed instanceof Promise ? await allowed : allowed;
      for (const item of share.items) item.asks = item.place === undefined || item.place.offset < from;
    }
  }

  async #writeServer(call: ServerCall, rows: readonly Item[]): Promise<void> {
    const count = Math.max(1, Math.ceil(rows.length / this.#config.parallelCalls));
    const parts: Promise<void>[] = [];
    for (let from = 0; from < rows.length; from += count)
      parts.push(this.#writePart(call, rows.slice(from, from + count)));
    await Promise.all(parts);
  }

  /** Asks for what has to be asked for, and writes what is not older, in requests that are not too large. */
  async #writePart(call: ServerCall, rows: readonly Item[]): Promise<void> {
    const asked = rows.filter(({ asks }) => asks);
    if (asked.length > 0) {
      await this.#call(call, this.#question(asked), (item, answer) => {
        if (answer === 'found') call.outcome.set(item.index, 'stale');
        else item.asks = false;
      });
    }
    const newer = asked.length > 0 ? rows.filter(({ asks }) => !asks) : rows;
    const calls: Promise<void>[] = [];
    for (let from = 0; from < newer.length; ) {
      const { next, ...encoded } = this.#puts(call, newer, from);
      if (encoded.items.length > 0) calls.push(this.#call(call, encoded, () => undefined));
      from = next;
    }
    await Promise.all(calls);
  }

  #question(rows: readonly Item[]): Encoded {
    let parts: Parts = [];
    const request = this.#cluster.request('Multi', (message) => {
      parts = writeMulti(message, rows, ({ row, change }, index) => {
        this.#encoder.ask(message, index, row, change);
        return true;
      });
    });
    return { request, parts, items: rows };
  }

  /** The rows from `from` on, until they are enough for a request. */
  #puts({ outcome }: Call, rows: readonly Item[], from: number): Encoded & { readonly next: number } {
    const cells = this.#spare.pop() ?? new CellBlock();
    const items: Item[] = [];
    let next = from;
    function* some(): Generator<Item> {
      while (next < rows.length && cells.length < CALL_BYTES) yield rows[next++] as Item;
    }
    let parts: Parts = [];
    cells.clear();
    const request = this.#cluster.request(
      'Multi',
      (message) => {
        parts = writeMulti(message, some(), (item, index) => {
          const { row, change } = item;
          const written = outcome.attempt(item.index, () => {
            this.#encoder.put(message, cells, index, row, change);
            return true;
          });
          if (written === true) items.push(item);
          return written === true;
        });
      },
      cells,
    );
    return { request, parts, items, cells, next };
  }

  async #call(
    call: ServerCall,
    { request, parts, items, cells }: Encoded,
    done: (item: Item, answer: 'done' | 'found') => void,
  ): Promise<void> {
    const { server, table } = call;
    let answers: readonly (ActionAnswer | undefined)[];
    try {
      answers = readMulti(await this.#cluster.regionServer(server, request), parts);
    } catch (error) {
      this.#failed(call, items, classify(error, server));
      return;
    }
    if (cells !== undefined && this.#spare.length < SPARE_BLOCKS) this.#spare.push(cells);
    for (const [at, item] of items.entries()) {
      const answer = answers[at];
      if (answer === 'done' || answer === 'found') done(item, answer);
      else {
        const error = classify(answer ?? new RangeError('an answer is missing'), server);
        this.#failed(call, [item], await this.#ofTable(table, error));
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
  #failed({ table, outcome }: Call, items: readonly Item[], error: TaplineError): void {
    this.#tables.forget(table);
    this.#guard.forget(table);
    for (const { row, index } of items) outcome.failedIn(table, row, index, error);
  }
}

/** What a call writes to one table. */
interface Call {
  readonly table: string;
  readonly outcome: RowOutcome;
}

interface ServerCall extends Call {
  readonly server: ServerAddress;
}

interface Encoded {
  readonly request: Request;
  readonly parts: Parts;
  readonly items: readonly Item[];
  /** What the request sends behind it. */
  readonly cells?: CellBlock;
}

function isDelete(change: Change): boolean {
  return change instanceof EncodedChange ? !change.hasAfter : change.after === null;
}

async function requireRelease(cluster: Cluster): Promise<void> {
  const release = await serverVersion(cluster);
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new TaplineError('SINK_HBASE_VERSION', {
    message: `The master is HBase ${release}; ${OLDEST.join('.')} or later is needed.`,
  });
}
