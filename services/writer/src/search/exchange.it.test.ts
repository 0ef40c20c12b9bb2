import { beforeAll, expect, test } from '@jest/globals';
import { loadConfig, silentLogger, type TaplineError } from '@tapline/kernel';
import { type Change, change, neverAborted, type Sink, SuiteTables, suiteTable } from '@tapline/sink';
import { type SearchAddress, testServers } from '@tapline/test-stack';
import { ElasticsearchClient } from '../sinks/elasticsearch/client.ts';
import { ELASTICSEARCH_CONFIG } from '../sinks/elasticsearch/config.ts';
import { elasticsearchSink } from '../sinks/elasticsearch/index.ts';
import { OpensearchClient } from '../sinks/opensearch/client.ts';
import { opensearchSink } from '../sinks/opensearch/index.ts';
import { DocumentStore } from './documents/testing/document-store.ts';
import { ShopRows } from './documents/testing/shop-rows.ts';
import { besideSearch, SearchExchange } from './exchange.ts';
import { Store } from './testing/store.ts';

const PRODUCTS = {
  elasticsearch: { sink: elasticsearchSink, Client: ElasticsearchClient },
  opensearch: { sink: opensearchSink, Client: OpensearchClient },
};
const signal = neverAborted();
let servers: Readonly<Record<keyof typeof PRODUCTS, SearchAddress>>;

beforeAll(async () => {
  servers = await testServers('elasticsearch', 'opensearch');
});

function put(id: number, version: number, tier: string): Change {
  return change(version, { id }, { id, tier });
}

test.each(['elasticsearch', 'opensearch'] as const)(
  '%s: a second index takes over the alias with its filter in one step, and the live writer goes on in it',
  async (product) => {
    const { sink, Client } = PRODUCTS[product];
    const store = new Store(servers[product].url);
    const alias = `exchange-${process.pid}-${product}`;
    const [v1, v2] = [`${alias}-v1`, `${alias}-v2`];
    const declaration = { name: 'test', doc: 'Test.', fields: { sink: ELASTICSEARCH_CONFIG } } as const;
    const given = { node: store.url, index: alias, bookIndex: '', types: { text: 'keyword' } };
    const config = loadConfig(declaration, { value: { sink: given } }).value.sink;
    const tables = new SuiteTables(suiteTable({ id: 'int', tier: 'varchar(10)' }));
    const context = { name: 'exchange', log: silentLogger, signal, tables };
    const filter = { term: { tier: 'gold' } };
    await store.must('PUT', v1, {
      mappings: { properties: { tier: { type: 'keyword' } } },
      aliases: { [alias]: { filter } },
    });
    await using live = await sink.open(config, context);
    await using exchange = new SearchExchange(new Client(config), config, 'v2');
    await live.apply([put(1, 5, 'gold'), put(2, 6, 'tin')], signal);
    expect(await exchange.prepare(false, signal)).toBe('open');

    await using second = await sink.open(besideSearch(config, 'v2'), context);
    await second.apply([put(1, 5, 'gold'), put(2, 6, 'tin'), put(3, 7, 'gold')], signal);
    // What is there and is of no earlier run may be anybody's.
    await expect(exchange.prepare(false, signal)).rejects.toMatchObject({ code: 'REPLAY_INTO' });
    expect(await exchange.prepare(true, signal)).toBe('open');
    expect(await exchange.exchange(signal)).toEqual([expect.stringContaining(`${alias} is ${v2} now`)]);
    expect(await exchange.prepare(true, signal)).toBe('exchanged');
    expect(await exchange.exchange(signal)).toEqual(['nothing was written, and so nothing is exchanged']);
    // At once, without a refresh by somebody else.
    expect(await store.must('GET', `${alias}/_count`)).toMatchObject({ count: 2 });
    expect(await store.must('GET', `${alias}/_alias`)).toEqual({ [v2]: { aliases: { [alias]: { filter } } } });

    expect((await live.apply([put(1, 5, 'gold'), put(1, 8, 'tin')], signal)).verdicts).toEqual(['stale', 'applied']);
    expect([await store.source(v1, '1'), await store.source(v2, '1')]).toEqual([
      { id: 1, tier: 'gold' },
      { id: 1, tier: 'tin' },
    ]);

    // An index itself, and an alias of several, cannot be exchanged.
    await using plain = new SearchExchange(new Client(config), { ...config, index: v1 }, 'x');
    await expect(plain.prepare(false, signal)).rejects.toMatchObject({ message: expect.stringContaining('no alias') });
    await store.must('POST', '_aliases', { actions: [{ add: { index: v1, alias } }] });
    await expect(exchange.prepare(true, signal)).rejects.toMatchObject({ message: expect.stringContaining('several') });
    await store.must('DELETE', `${v1},${v2}`);
  },
);

test.each(['elasticsearch', 'opensearch'] as const)(
  '%s: documents of several tables are exchanged along with their parts, and go on from these',
  async (product) => {
    const shop = await DocumentStore.open(product);
    const index = shop.place();
    const parts = `${index}--parts`;
    const config = shop.config({ index });
    const rows = new ShopRows();
    const changes = [rows.putCustomer(1), rows.putOrder(1, 1), rows.putItem(1, 1), rows.putItem(2, 1)];
    const exchangeTo = (name: string): SearchExchange => new SearchExchange(shop.client(config), config, name);
    const secondOf = (name: string): Promise<Sink> => {
      const { document } = besideSearch(config, name);
      return shop.sink({ index: `${index}-${name}`, document });
    };
    {
      await using first = await shop.sink({ index });
      expect((await first.apply(changes, signal)).errors.size).toBe(0);
    }
    await using toV1 = exchangeTo('v1');
    const told = await toV1.prepare(false, signal).catch((error: unknown) => error as TaplineError);
    expect(told).toMatchObject({ code: 'REPLAY_INTO', message: expect.stringContaining('no alias') });
    await using v1 = await secondOf('v1');
    await v1.apply(changes, signal);
    // Once and by hand, as the remedy says.
    const [, actions] = /_aliases (\{.*\}), which/.exec(String((told as TaplineError).remedy)) ?? [];
    await shop.store.must('POST', '_aliases', JSON.parse(actions ?? '') as unknown);
    await using live = await shop.sink({ index });
    const more = [rows.putItem(3, 1), ...rows.remove('order_items', 2), rows.putCustomer(1)];
    expect((await live.apply(more, signal)).errors.size).toBe(0);

    await using toV2 = exchangeTo('v2');
    expect(await toV2.prepare(false, signal)).toBe('open');
    await using v2 = await secondOf('v2');
    // What is deleted leaves its parts, and no document.
    await v2.apply(more.slice(2, 3), signal);
    await expect(toV2.exchange(signal)).rejects.toMatchObject({ message: expect.stringContaining('no document yet') });
    await v2.apply([...changes, ...more], signal);
    expect(await toV2.exchange(signal)).toHaveLength(2);
    expect(await toV2.prepare(true, signal)).toBe('exchanged');
    expect(await shop.documents(index)).toEqual(rows.documents());
    expect((await live.apply([rows.putItem(4, 1), rows.putCustomer(1)], signal)).errors.size).toBe(0);
    expect(await shop.documents(`${index}-v2`)).toEqual(rows.documents());
    expect(await shop.documents(`${index}-v1`)).not.toEqual(rows.documents());
    await shop.store.must('DELETE', ['v1', 'v2'].flatMap((name) => [`${index}-${name}`, `${parts}-${name}`]).join(','));
  },
);
