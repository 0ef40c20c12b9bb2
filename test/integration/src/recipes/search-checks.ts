import assert from 'node:assert/strict';
import type { Checks } from './check.ts';
import type { World } from './world.ts';

interface Hit {
  readonly _id: string;
  readonly _index: string;
  readonly _routing?: string;
  readonly _source: Readonly<Record<string, unknown>>;
}

/** Every document of the indexes that match, by id. */
async function documents(world: World, indexes: string, query = ''): Promise<readonly Hit[]> {
  await world.search(`${indexes}/_refresh`, 'POST');
  const answer = await world.search(`${indexes}/_search?size=100&version=true${query}`);
  const { hits } = answer as { hits?: { hits: Hit[] } };
  return [...(hits?.hits ?? [])].toSorted((left, right) => Number(left._id) - Number(right._id));
}

export const SEARCH_CHECKS: Checks = {
  'search-index': {
    async expect(world) {
      const found = (await documents(world, 'products')).map(({ _id, _source }) => [
        _id,
        _source['title'],
        _source['description'],
        Number(_source['price']),
        Number(_source['stock']),
      ]);
      const rows = await world.sql.rows('SELECT id, title, description, price, stock FROM products ORDER BY id');
      const expected = rows.map(([id, title, text, price, stock]) => [id, title, text, Number(price), Number(stock)]);
      assert.deepEqual(found, expected);
      const mapping = JSON.stringify(await world.search('products/_mapping'));
      assert.match(mapping, /"exact":\{"type":"keyword","normalizer":"lowercase"\}/);
    },
  },
  'search-by-month': {
    async expect(world) {
      const found = await documents(world, 'orders-20*');
      const rows = await world.sql.rows(
        `SELECT id, DATE_FORMAT(created_at, 'orders-%Y.%m'), status FROM orders ORDER BY id`,
      );
      assert.deepEqual(
        found.map(({ _id, _index, _source }) => [_id, _index, _source['status']]),
        rows,
      );
    },
  },
  'search-routing': {
    async expect(world) {
      const rows = await world.sql.rows('SELECT id, customer_id FROM orders ORDER BY id');
      const found = await documents(world, 'orders-by-customer');
      assert.deepEqual(
        found.map(({ _id, _routing }) => [_id, _routing]),
        rows,
      );
      const ofOne = await documents(world, 'orders-by-customer', '&routing=1');
      for (const [id, customer] of rows)
        assert.ok(customer !== '1' || ofOne.some(({ _id }) => _id === id), `order ${id}`);
    },
  },
  'search-soft-delete': {
    async expect(world) {
      const found = await documents(world, 'customers-kept');
      const rows = await world.sql.rows('SELECT id, name FROM customers ORDER BY id');
      const live = found.filter(({ _source }) => _source['deleted'] !== true);
      assert.deepEqual(
        live.map(({ _id, _source }) => [_id, _source['name']]),
        rows,
      );
      for (const { _source } of found.filter((hit) => !live.includes(hit)))
        assert.deepEqual({ ..._source }, { deleted: true });
    },
  },
  'order-document': {
    async expect(world) {
      const found = (await documents(world, 'order-documents')).map(({ _id, _source }) => ({
        id: _id,
        status: _source['status'],
        items: _source['items'],
        customer: _source['customer'],
      }));
      const orders = await world.sql.rows(
        `SELECT o.id, status, name, city FROM orders o LEFT JOIN customers c ON c.id = customer_id ORDER BY o.id`,
      );
      const items = await world.sql.rows('SELECT order_id, line, product_id, quantity FROM order_items ORDER BY 1, 2');
      const expected = orders.map(([id, status, name, city]) => ({
        id,
        status,
        items: items.filter(([order]) => order === id).map((item) => itemOf(item.slice(1))),
        customer: name === null ? null : { name, city },
      }));
      // As text: what comes from the store is of the realm outside of jest's.
      assert.equal(JSON.stringify(found), JSON.stringify(expected));
    },
  },
};

function itemOf(values: readonly (string | null)[]): object {
  const [line, product, quantity] = values.map(Number);
  return { line, product_id: product, quantity };
}
