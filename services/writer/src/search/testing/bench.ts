import { silentLogger } from '@tapline/kernel';
import type { Column, Table } from '@tapline/schema';
import { neverAborted, type Row, type Sink, type SinkBench, type SinkContext, type SuiteTables } from '@tapline/sink';
import type { MovingAddress } from '@tapline/test-stack';

/** How a store's own test opens its sink on a place: `given` is what a user would write under `sink`. */
export type OpenSearchSink = (given: Readonly<Record<string, unknown>>, context: SinkContext) => Promise<Sink>;

export interface SearchBenchOptions {
  /** The store itself; the sink goes through `proxy`. */
  readonly url: string;
  readonly proxy: MovingAddress;
  readonly open: OpenSearchSink;
  readonly tables: SuiteTables;
  /** Name of the index. */
  readonly place: string;
  /** The published jars of Elasticsearch have no `unsigned_long`; neither store's have `geo_shape`. */
  readonly unsignedBigint: 'unsigned_long' | 'keyword';
}

/** The contract suite's place in a real store: one index. */
export class SearchBench implements SinkBench {
  readonly #options: SearchBenchOptions;

  constructor(options: SearchBenchOptions) {
    this.#options = options;
  }

  open(): Promise<Sink> {
    const { open, place, unsignedBigint, proxy, tables } = this.#options;
    const node = `http://${proxy.host}:${proxy.port}`;
    const context = { name: 'contract', log: silentLogger, signal: neverAborted(), tables };
    return open({ node, index: place, types: { unsignedBigint, geometry: 'binary' } }, context);
  }

  async read(key: Row): Promise<unknown> {
    const answer = await fetch(`${this.#index}/_source/${encodeURIComponent(idOf(key))}`);
    return answer.status === 404 ? undefined : await answer.text();
  }

  expected(row: Row): unknown {
    const { columns } = this.#options.tables.table;
    const members = Object.entries(row).map(([name, value]) => {
      const column = columns.find((one) => one.name === name);
      return `${JSON.stringify(name)}:${this.#expectedValue(column, value)}`;
    });
    return `{${members.join(',')}}`;
  }

  /** A deleted document's version is told only to who tries to write an older one: 0 is older than all. */
  async version(key: Row): Promise<bigint | undefined> {
    const id = JSON.stringify(idOf(key));
    const answer = await fetch(`${this.#index}/_bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `{"delete":{"_id":${id},"version":0,"version_type":"external"}}\n`,
    });
    const held = /current version \[(\d+)\]/.exec(await answer.text())?.[1];
    return held === undefined || held === '0' ? undefined : BigInt(held);
  }

  async alter(table: Table): Promise<void> {
    await Promise.resolve(this.#options.tables.alter(table));
  }

  async refuseWrites(): Promise<AsyncDisposable> {
    // The sink makes the index at the first row, which is to be refused.
    await this.#settings({ 'index.blocks.write': true }, true);
    return {
      [Symbol.asyncDispose]: async () => {
        await this.#settings({ 'index.blocks.write': null }, false);
      },
    };
  }

  interrupt(): Promise<AsyncDisposable> {
    const { proxy, url } = this.#options;
    proxy.moveTo(undefined);
    return Promise.resolve({
      [Symbol.asyncDispose]: () => {
        proxy.moveTo(Number(new URL(url).port));
        return Promise.resolve();
      },
    });
  }

  stall(): Promise<AsyncDisposable> {
    return Promise.resolve(this.#options.proxy.hold());
  }

  get #index(): string {
    return `${this.#options.url}/${this.#options.place}`;
  }

  async #settings(settings: Readonly<Record<string, unknown>>, make: boolean): Promise<void> {
    const answer = await fetch(make ? this.#index : `${this.#index}/_settings`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(make ? { settings } : settings),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  #expectedValue(column: Column | undefined, value: Row[string] | undefined): string {
    const { type = '', columnType = '' } = column ?? {};
    if (value === null || value === undefined) return 'null';
    if (type === 'json') return expectedDocument(String(value));
    if (type === 'set') return JSON.stringify(value === '' ? [] : String(value).split(','));
    if (type === 'decimal') return String(value);
    if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
    if (typeof value !== 'bigint') return JSON.stringify(value);
    return this.#options.unsignedBigint === 'keyword' && /unsigned|bit/.test(columnType) ? `"${value}"` : String(value);
  }
}

function expectedDocument(text: string): string {
  return text.startsWith('{') ? text : `{"value":${text}}`;
}

/** Written apart from the sink's own code on purpose: the two must agree. */
function idOf(key: Row): string {
  const values = Object.values(key).map(String);
  if (values.length === 1) return values[0] ?? '';
  return values.map((part) => part.replaceAll('%', '%25').replaceAll(':', '%3A')).join(':');
}
