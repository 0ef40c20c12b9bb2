import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ItemRow, openStack, type SearchServer, type Stack, type TopicWriter } from '@tapline/test-stack';
import { seen, until, WriterFixture } from '../testing/fixture.ts';
import { WriterProcess } from '../testing/writer-process.ts';
import { Store } from './testing/store.ts';

let fixture: WriterFixture;
let stack: Stack;
let server: SearchServer;

// A server of its own: it is killed.
beforeAll(async () => {
  [fixture, stack] = await Promise.all([WriterFixture.open(), openStack({})]);
  server = await stack.add('elasticsearch', true);
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

const IDS = 300;

/** Changes at random among a few rows; `table` becomes what must be in the index. */
function load(topic: TopicWriter, changes: number, table: Map<number, ItemRow>): void {
  for (let step = 0; step < changes; step++) {
    const id = (step * 7919) % IDS;
    if (step % 7 === 3) {
      topic.remove(id);
      table.delete(id);
    } else {
      const row = { id, name: step % 10 === 0 ? null : `name ${topic.version}`, price: `${step % 1000}.25` };
      topic.put(row);
      table.set(id, row);
    }
  }
}

async function rowsOf(store: Store, index: string): Promise<unknown> {
  await store.must('POST', `${index}/_refresh`);
  const found = (await store.must('GET', `${index}/_search?size=${IDS}`)) as {
    hits: { hits: readonly { _id: string; _source: unknown }[] };
  };
  return new Map(found.hits.hits.map(({ _id, _source }) => [Number(_id), _source]));
}

test('rows come to the index with the table’s types; kill -9 of Elasticsearch and of the writer loses and doubles nothing', async () => {
  await using topic = await fixture.topic();
  const index = topic.source.toLowerCase();
  const flags = fixture.flags(topic, {
    // One of the writers is killed, and the next one waits so long.
    'source.sessionTimeoutMs': '6000',
    'sink.type': 'elasticsearch',
    'sink.node': server.address.url,
    'sink.index': index,
    'sink.types.decimal': 'keyword',
  });
  for (const flag of ['sink.address', 'sink.key', 'sink.versionPrefix']) delete flags[flag];
  const table = new Map<number, ItemRow>();
  for (const dies of ['writer', 'server', 'nobody'] as const) {
    await using writer = new WriterProcess(flags);
    load(topic, 1500, table);
    await topic.sent();
    await until('the writer applies', async () => (await writer.applied()) > 0, writer);
    if (dies === 'writer') await writer.kill();
    if (dies !== 'server') continue;
    await server.kill();
    load(topic, 1500, table);
    await topic.sent();
    await until('the writer retries', async () => (await writer.state())?.['writer'] === 'retrying', writer);
    await server.start();
    await until('the writer goes on', async () => (await writer.state())?.['writer'] === 'consuming', writer);
  }
  await using last = new WriterProcess(flags);
  await until('all is committed', () => fixture.caughtUp(topic), last);
  const store = new Store(server.address.url);
  expect(await rowsOf(store, index)).toEqual(table);
  expect(await store.must('GET', `${index}/_mapping`)).toMatchObject({
    [index]: { mappings: { properties: { id: { type: 'long' }, name: { type: 'text' }, price: { type: 'keyword' } } } },
  });
});

test('where the store makes no more indexes, the writer says so and waits', async () => {
  const store = new Store(server.address.url);
  const limit = (shards: number | null): Promise<unknown> =>
    store.must('PUT', '_cluster/settings', { persistent: { 'cluster.max_shards_per_node': shards } });
  await using topic = await fixture.topic();
  const flags = fixture.flags(topic, {
    'sink.type': 'elasticsearch',
    'sink.node': server.address.url,
    'sink.index': topic.source.toLowerCase(),
    'sink.types.decimal': 'keyword',
  });
  for (const flag of ['sink.address', 'sink.key', 'sink.versionPrefix']) delete flags[flag];
  await limit(1);
  topic.put({ id: 1, name: 'one', price: '1.00' });
  await topic.sent();
  await using writer = new WriterProcess(flags);
  const state = await seen(
    'the writer waits',
    () => writer.state(),
    (told) => told?.['writer'] === 'retrying',
    writer,
  );
  expect(state).toMatchObject({ error: { code: 'SINK_SEARCH_QUOTA', remedy: expect.any(String) } });
  expect([...(await fixture.committed(topic)).values()].filter((offset) => Number(offset) > 0)).toEqual([]);
  await limit(null);
  await until('all is committed', () => fixture.caughtUp(topic), writer);
});
