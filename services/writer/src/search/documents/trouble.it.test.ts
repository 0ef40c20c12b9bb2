import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Change, neverAborted, type Sink } from '@tapline/sink';
import { DocumentStore } from './testing/document-store.ts';
import { SHOP_DOCUMENT, shopTombstone } from './testing/shop.ts';
import { ShopRows } from './testing/shop-rows.ts';

let store: DocumentStore;

beforeAll(async () => {
  store = await DocumentStore.open('elasticsearch');
});

/** The verdict of each change, with the code of its error. */
async function applied(sink: Sink, ...changes: readonly Change[]): Promise<readonly string[]> {
  const { verdicts, errors } = await sink.apply(changes, neverAborted());
  return verdicts.map((verdict, index) => [verdict, errors.get(index)?.code].filter(Boolean).join(' '));
}

describe('what goes wrong with documents of several tables', () => {
  test('an index that is closed is waited for, also by changes that were kept already', async () => {
    const index = store.place();
    const rows = new ShopRows();
    await using sink = await store.sink({ index });
    expect(await applied(sink, rows.putOrder(1, 1))).toEqual(['applied']);
    const changes = [rows.putOrder(1, 2), rows.putItem(1, 1)];
    for (const closed of [index, `${index}--parts`]) {
      await store.store.must('POST', `${closed}/_close`);
      const waiting = new Array(2).fill('retry SINK_SEARCH_CLOSED');
      expect(await applied(sink, ...changes)).toEqual(waiting);
      expect(await applied(sink, ...changes)).toEqual(waiting);
      await store.store.must('POST', `${closed}/_open?wait_for_active_shards=1`);
    }
    expect(await applied(sink, ...changes)).toEqual(['stale', 'stale']);
    expect(await store.documents(index)).toEqual(rows.documents());
  });

  test('a value that the index refuses is poison, and the document is whole when it fits', async () => {
    const index = store.place();
    const rows = new ShopRows();
    const mappings = '{"properties": {"items": {"type": "nested", "properties": {"sku": {"type": "long"}}}}}';
    await using sink = await store.sink({ index, mappings });
    const [one, item, other] = [rows.putOrder(1, null), rows.putItem(1, 1), rows.putOrder(2, null)];
    const poison = 'poison SINK_SEARCH_MAPPING';
    expect(await applied(sink, one, item, other)).toEqual([poison, poison, 'applied']);
    expect(await applied(sink, ...rows.remove('order_items', 1))).toEqual(['applied', 'applied']);
    expect(await store.documents(index)).toEqual(rows.documents());
  });

  test('rows beyond a limit are poison, and the document stays as it was', async () => {
    const index = store.place();
    const rows = new ShopRows();
    const document = { ...SHOP_DOCUMENT, maxItems: 2 };
    await using sink = await store.sink({ index, document });
    const changes = [rows.putOrder(1, null), rows.putItem(1, 1), rows.putItem(2, 1)];
    expect(await applied(sink, ...changes)).toEqual(['applied', 'applied', 'applied']);
    const before = await store.hits(index);
    expect(await applied(sink, rows.putItem(3, 1))).toEqual(['poison SINK_SEARCH_DOCUMENT_FULL']);
    expect(await store.hits(index)).toEqual(before);
  });

  test('a table without a part, another form of the document and lost parts stop the writer', async () => {
    const index = store.place();
    const rows = new ShopRows();
    await using sink = await store.sink({ index });
    await applied(sink, rows.putOrder(1, null));
    const stranger = { ...shopTombstone('orders', 1n, 1), topic: 'shop.shop.invoices' };
    await expect(applied(sink, stranger)).rejects.toMatchObject({ code: 'SINK_SEARCH_DOCUMENT', disposition: 'fatal' });
    await using otherwise = await store.sink({ index, document: { ...SHOP_DOCUMENT, one: [] } });
    await expect(applied(otherwise, rows.putOrder(2, null))).rejects.toMatchObject({ code: 'SINK_SEARCH_DOCUMENT' });
    await store.store.must('DELETE', `${index}--parts`);
    await expect(applied(sink, rows.putOrder(1, null))).rejects.toMatchObject({ code: 'SINK_SEARCH_INDEX_LOST' });
  });

  test('numbers keep their digits, and lists are nested fields of their table’s types', async () => {
    const index = store.place();
    const rows = new ShopRows();
    await using sink = await store.sink({ index });
    const order = rows.putOrder(1, 1);
    const total = '12345678901234567.0001';
    const exact = { ...order, after: { ...order.after, total, rev: 2n ** 62n + 1n } };
    expect(await applied(sink, exact, rows.putItem(1, 1), rows.putCustomer(1))).toEqual([
      'applied',
      'applied',
      'applied',
    ]);
    const text = await (await fetch(`${store.store.url}/${index}/_source/1`)).text();
    expect(text).toContain(`"total":${total},"rev":${2n ** 62n + 1n},"items":[{`);
    expect(await store.store.must('GET', `${index}/_mapping`)).toMatchObject({
      [index]: {
        mappings: {
          properties: {
            total: { type: 'double' },
            items: { type: 'nested', properties: { order_id: { type: 'long' }, sku: { type: 'text' } } },
            customer: { properties: { name: { type: 'text' } } },
          },
        },
      },
    });
    expect(await store.store.must('GET', `${index}/_mapping`)).not.toMatchObject({
      [index]: { mappings: { properties: { customer: { properties: { secret: expect.anything() } } } } },
    });
  });
});
