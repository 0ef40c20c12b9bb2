import { type Change, type Row, suiteTable, type TableCatalog, type TablePlace, type TableShape } from '@tapline/sink';

export const SHOP_TABLES = ['orders', 'order_items', 'customers'] as const;
export type ShopTable = (typeof SHOP_TABLES)[number];

const COLUMNS: Readonly<Record<ShopTable, Readonly<Record<string, string>>>> = {
  orders: { id: 'int', customer_id: 'int', note: 'varchar(50)', total: 'decimal(20,4)', rev: 'bigint' },
  order_items: { id: 'bigint', order_id: 'bigint', sku: 'varchar(20)', rev: 'bigint' },
  customers: { id: 'int', name: 'varchar(20)', secret: 'varchar(20)', rev: 'bigint' },
};

export const SHOP_DOCUMENT = {
  root: 'shop.orders',
  many: [{ table: 'shop.order_items', on: { order_id: 'id' }, as: 'items' }],
  one: [{ table: 'shop.customers', on: { customer_id: 'id' }, as: 'customer', include: ['id', 'name', 'rev'] }],
} as const;

/** The catalogue of the shop. */
export class ShopCatalog implements TableCatalog {
  async describe({ topic }: TablePlace): Promise<TableShape | undefined> {
    const name = SHOP_TABLES.find((table) => topic === topicOf(table));
    if (name === undefined) return undefined;
    const table = { ...suiteTable(COLUMNS[name]), name };
    return { ...table, source: 'shop', messageKey: ['id'], shaped: new Set(), historyVersion: 1 };
  }

  statements(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }
}

export function topicOf(table: ShopTable): string {
  return `shop.shop.${table}`;
}

/** A change as the reader publishes it. `row` null: a delete. */
export function shopChange(
  table: ShopTable,
  version: bigint,
  id: number,
  row: Row | null,
  before: Row | null = null,
): Change {
  const source = {
    name: 'shop',
    db: 'shop',
    table,
    ts_ms: 0,
    gtid: null,
    file: '',
    pos: 0,
    row: 0,
    snapshot: 'false' as const,
  };
  const key = { id };
  return {
    topic: topicOf(table),
    key,
    op: row === null ? 'd' : before === null ? 'c' : 'u',
    before: row === null ? (before ?? key) : before,
    after: row,
    source,
    version,
    absent: null,
    tombstone: false,
  };
}

export function shopTombstone(table: ShopTable, version: bigint, id: number): Change {
  return { ...shopChange(table, version, id, null), before: null, source: null, tombstone: true };
}
