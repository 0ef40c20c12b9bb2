import { randomBytes } from 'node:crypto';
import { loadConfig, silentLogger } from '@tapline/kernel';
import { neverAborted, type Sink } from '@tapline/sink';
import { testServers } from '@tapline/test-stack';
import { ElasticsearchClient } from '../../../sinks/elasticsearch/client.ts';
import { ELASTICSEARCH_CONFIG } from '../../../sinks/elasticsearch/config.ts';
import { OpensearchClient } from '../../../sinks/opensearch/client.ts';
import type { SearchClient } from '../../client.ts';
import type { SearchConfig } from '../../config.ts';
import { openSearchSink } from '../../sink.ts';
import { Store } from '../../testing/store.ts';
import { SHOP_DOCUMENT, ShopCatalog } from './shop.ts';

export type Kind = 'elasticsearch' | 'opensearch';

export interface Hit {
  readonly _id: string;
  readonly _version: number;
  readonly _source: unknown;
}

/** A store, and sinks of the shop's documents on it. */
export class DocumentStore {
  readonly store: Store;
  readonly #kind: Kind;

  private constructor(kind: Kind, url: string) {
    this.#kind = kind;
    this.store = new Store(url);
  }

  static async open(kind: Kind): Promise<DocumentStore> {
    const { [kind]: server } = await testServers(kind);
    return new DocumentStore(kind, server.url);
  }

  /** Name of an index that nobody else uses. */
  place(): string {
    return `documents-${this.#kind}-${randomBytes(6).toString('hex')}`;
  }

  /** @param wrap puts something between the sink and its client. */
  async sink(
    given: Readonly<Record<string, unknown>>,
    wrap: (client: SearchClient) => SearchClient = (client) => client,
  ): Promise<Sink> {
    const config = this.config(given);
    const client = this.client(config);
    const dialect = { flattened: this.#kind === 'elasticsearch' ? 'flattened' : 'flat_object' } as const;
    const tables = new ShopCatalog();
    const context = { name: 'documents', log: silentLogger, signal: neverAborted(), tables };
    return openSearchSink({ client: wrap(client), dialect, config, context });
  }

  async hits(index: string): Promise<readonly Hit[]> {
    await this.store.must('POST', `${index}/_refresh`);
    const found = await this.store.must('GET', `${index}/_search?size=1000&version=true`);
    return (found as { hits: { hits: readonly Hit[] } }).hits.hits;
  }

  async documents(index: string): Promise<ReadonlyMap<string, unknown>> {
    return new Map((await this.hits(index)).map(({ _id, _source }) => [_id, _source]));
  }

  client(config: SearchConfig): SearchClient {
    return this.#kind === 'elasticsearch' ? new ElasticsearchClient(config) : new OpensearchClient(config);
  }

  config(given: Readonly<Record<string, unknown>>): SearchConfig {
    const declaration = { name: 'test', doc: 'Test.', fields: { sink: ELASTICSEARCH_CONFIG } } as const;
    const sink = { node: this.store.url, id: '${key.id}', document: SHOP_DOCUMENT, ...given };
    return loadConfig(declaration, { value: { sink } }).value.sink;
  }
}
