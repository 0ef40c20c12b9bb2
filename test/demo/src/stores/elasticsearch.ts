import type { ShopTable } from '../shop.ts';
import { type DemoStore, type OpenStore, rowName, type StoredRow } from './store.ts';

type Json = Readonly<Record<string, unknown>>;
interface Hits {
  readonly _scroll_id?: string;
  readonly hits?: { readonly hits: readonly { readonly _id: string; readonly _source: Json }[] };
}

const PAGE_DOCUMENTS = 5000;
const ASK_MS = 10_000;

const indexOf = (table: ShopTable): string => `demo-${table.name}`;

/** A document a row in one node. The node of tests has the server's core alone, so what needs a module of the distribution is mapped as keywords. */
export const openElasticsearch: OpenStore = async (stack) => {
  const server = await stack.add('elasticsearch');
  const { url } = server.address;

  async function ask(path: string, body?: Json): Promise<{ status: number; answer: Json }> {
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const response = await fetch(`${url}/${path}`, {
      ...(body === undefined ? {} : json),
      signal: AbortSignal.timeout(ASK_MS),
    });
    return { status: response.status, answer: (await response.json()) as Json };
  }

  const store: DemoStore = {
    title: 'Elasticsearch',
    address: url,
    server,
    sink: {
      type: 'elasticsearch',
      node: url,
      index: 'demo-${table}',
      types: { decimal: 'keyword', unsignedBigint: 'keyword', json: 'keyword' },
      settings: '{"number_of_shards": 1, "number_of_replicas": 0}',
    },
    pollMs: 3,
    async row(table, key) {
      const { status, answer } = await ask(`${indexOf(table)}/_doc/${encodeURIComponent(rowName(key))}`);
      return status === 200 ? texts(answer['_source'] as Json) : undefined;
    },
    async rows(table) {
      const rows = new Map<string, StoredRow>();
      await ask(`${indexOf(table)}/_refresh`, {});
      let page = (await ask(`${indexOf(table)}/_search?scroll=1m`, { size: PAGE_DOCUMENTS })).answer as Hits;
      for (; (page.hits?.hits.length ?? 0) > 0; ) {
        for (const { _id, _source } of page.hits?.hits ?? []) rows.set(_id, texts(_source));
        page = (await ask('_search/scroll', { scroll: '1m', scroll_id: page._scroll_id })).answer as Hits;
      }
      return rows;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return store;
};

/** A list is a SET's members. */
function texts(source: Json): StoredRow {
  const present = Object.entries(source).filter(([, value]) => value !== null);
  return Object.fromEntries(
    present.map(([column, value]) => [column, Array.isArray(value) ? value.join(',') : String(value)]),
  );
}
