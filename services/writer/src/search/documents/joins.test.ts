import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '@tapline/kernel';
import { checkSearchConfig } from '../check-config.ts';
import { SEARCH_FIELDS } from '../config.ts';
import { Joins, referenceTo } from './joins.ts';
import { SHOP_DOCUMENT, shopChange, shopTombstone } from './testing/shop.ts';

const DECLARATION = {
  name: 'test',
  doc: 'Test.',
  fields: { sink: { type: 'group', fields: SEARCH_FIELDS as typeof SEARCH_FIELDS } },
} as const;

const LINES = { table: 'shop.lines', on: { shop: 'shop', order: 'id' }, as: 'lines' };

function checked(given: Readonly<Record<string, unknown>>): void {
  const sink = { index: 'orders', document: SHOP_DOCUMENT, ...given };
  checkSearchConfig(loadConfig(DECLARATION, { value: { sink } }).value.sink);
}

function joins(document: object = SHOP_DOCUMENT, id = '${key}'): Joins {
  const { sink } = loadConfig(DECLARATION, { value: { sink: { document } } }).value;
  if (sink.document === undefined) throw new Error('no document');
  return new Joins(sink.document, id);
}

const never = (): boolean => false;

describe('what is refused of sink.document', () => {
  test('the usual is not', () => {
    expect(() => checked({})).not.toThrow();
    expect(() =>
      checked({ id: '${key.shop}-${key.id}', document: { root: 'shop.orders', many: [LINES] } }),
    ).not.toThrow();
  });

  test.each<[what: string, given: Readonly<Record<string, unknown>>, path: string]>([
    ['an index by placeholders', { index: '${table}' }, 'sink.index'],
    ['an id that is not of the key alone', { id: '${table}-${key}' }, 'sink.id'],
    ['routing', { routing: '${key}' }, 'sink.routing'],
    ['lost indexes that are made anew', { lostIndex: 'create' }, 'sink.lostIndex'],
    [
      'two members of one name',
      { document: { ...SHOP_DOCUMENT, one: [{ ...SHOP_DOCUMENT.one[0], as: 'items' }] } },
      'sink.document.one[0].as',
    ],
    [
      'a join of no columns',
      { document: { root: 'shop.orders', many: [{ ...LINES, on: {} }] } },
      'sink.document.many[0].on',
    ],
    [
      'lists that refer to different keys',
      { document: { ...SHOP_DOCUMENT, many: [...SHOP_DOCUMENT.many, LINES] } },
      'sink.document.many[1].on',
    ],
    ['an id of columns that nobody refers to', { id: '${key.code}' }, 'sink.id'],
    ['an id that is not in columns', { document: { root: 'shop.orders', many: [LINES] } }, 'sink.id'],
  ])('%s', (_, given, path) => {
    expect(() => checked(given)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', place: { path } }));
  });
});

describe('tables', () => {
  test('are known by their records and by their tombstones', () => {
    expect(joins().rolesOf(shopTombstone('orders', 1n, 1))).toEqual([{ kind: 'root' }]);
    expect(joins().rolesOf(shopChange('customers', 1n, 1, { id: 1 }))).toMatchObject([{ kind: 'one', as: 'customer' }]);
  });

  test('may be several things', () => {
    const employees = { table: 'shop.orders', on: { boss: 'id' }, as: 'boss' };
    const roles = joins({ root: 'shop.orders', one: [employees] }).rolesOf(shopChange('orders', 1n, 1, { id: 1 }));
    expect(roles.map(({ kind }) => kind)).toEqual(['root', 'one']);
  });

  test('one without a part is refused', () => {
    expect(() => joins({ root: 'shop.orders' }).rolesOf(shopTombstone('customers', 1n, 1))).toThrow(
      expect.objectContaining({ code: 'SINK_SEARCH_DOCUMENT', message: expect.stringContaining('shop.customers') }),
    );
  });
});

describe('keys', () => {
  test('whole numbers of every width mean the same row', () => {
    const [list] = joins().many;
    const change = shopChange('order_items', 1n, 4, { id: 4n, order_id: 7n });
    if (list === undefined || change.after === null) throw new Error('no list');
    expect(joins().parentOf(list, change, change.after, never)).toBe('7');
    expect(joins().idOf(shopChange('orders', 1n, 7, { id: 7 }))).toBe('7');
  });

  test('NULL refers to nothing; a column that nobody knows is a mistake', () => {
    const change = shopChange('orders', 1n, 1, { id: 1 });
    expect(joins().referencesOf(change, { id: 1, customer_id: null }, never)).toEqual({ customer: null });
    expect(joins().referencesOf(change, { id: 1 }, () => true)).toEqual({ customer: null });
    expect(() => joins().referencesOf(change, { id: 1 }, never)).toThrow(
      expect.objectContaining({ code: 'SINK_SEARCH_DOCUMENT', message: expect.stringContaining('customer_id') }),
    );
  });

  test('of several columns are not mixed up', () => {
    const [join] = joins({ root: 'shop.orders', one: [{ ...LINES, as: 'line' }] }).one;
    if (join === undefined) throw new Error('no join');
    const of = (shop: string, id: string): string =>
      referenceTo(join, { ...shopChange('customers', 1n, 1, null), key: { shop, id } });
    expect(of('a:b', 'c')).not.toBe(of('a', 'b:c'));
    expect(() => referenceTo(join, shopChange('customers', 1n, 1, null))).toThrow(
      expect.objectContaining({ code: 'SINK_SEARCH_DOCUMENT' }),
    );
  });

  test('a root whose key has more columns than the lists refer to is refused', () => {
    expect(() => joins().idOf({ ...shopChange('orders', 1n, 1, null), key: { shop: 1, id: 1 } })).toThrow(
      expect.objectContaining({ code: 'SINK_SEARCH_DOCUMENT' }),
    );
  });
});
