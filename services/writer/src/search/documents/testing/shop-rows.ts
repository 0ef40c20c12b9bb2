import type { Change, Row } from '@tapline/sink';
import { type ShopTable, shopChange, shopTombstone } from './shop.ts';

/** Beyond what a JavaScript number holds exactly. */
const FIRST_VERSION = 1n << 60n;

/** The tables as they are in the source, and the changes that made them so. Each row says in `rev` how new it is. */
export class ShopRows {
  readonly #tables: Readonly<Record<ShopTable, Map<number, Row>>> = {
    orders: new Map(),
    order_items: new Map(),
    customers: new Map(),
  };
  #rev = 0;

  row(table: ShopTable, id: number): Row | undefined {
    return this.#tables[table].get(id);
  }

  putOrder(id: number, customer: number | null): Change {
    return this.#put('orders', id, (rev) => {
      const note = rev % 4 === 0 ? null : `é ${rev}`;
      return { id, customer_id: customer, note, total: `${rev}.2500`, rev };
    });
  }

  putItem(id: number, order: number | null): Change {
    return this.#put('order_items', id, (rev) => {
      const order_id = order === null ? null : BigInt(order);
      return { id: BigInt(id), order_id, sku: `sku "${rev}"`, rev };
    });
  }

  putCustomer(id: number): Change {
    return this.#put('customers', id, (rev) => ({ id, name: `name ${rev}`, secret: `s${rev}`, rev }));
  }

  /** The delete event and the tombstone behind it. */
  remove(table: ShopTable, id: number): readonly [Change, Change] {
    const before = this.row(table, id) ?? null;
    this.#tables[table].delete(id);
    const version = FIRST_VERSION + BigInt(++this.#rev);
    this.#rev++;
    return [shopChange(table, version, id, null, before), shopTombstone(table, version + 1n, id)];
  }

  /** What a query that joins the tables gives now, by order. */
  documents(): ReadonlyMap<string, unknown> {
    const { orders, order_items, customers } = this.#tables;
    const documents = new Map<string, unknown>();
    for (const [id, order] of orders) {
      const items = [...order_items].filter(([, { order_id }]) => order_id === BigInt(id));
      const customer = customers.get(Number(order['customer_id']));
      const { secret: _, ...shown } = customer ?? {};
      documents.set(String(id), {
        ...order,
        total: Number(order['total']),
        items: items.sort(([one], [other]) => one - other).map(([, item]) => plain(item)),
        customer: customer === undefined ? null : shown,
      });
    }
    return documents;
  }

  #put(table: ShopTable, id: number, make: (rev: number) => Row): Change {
    const rev = ++this.#rev;
    const row = make(rev);
    const before = this.row(table, id) ?? null;
    this.#tables[table].set(id, row);
    // Half of the updates do not say what the row was, as after `beforeImage: none` or a load.
    return shopChange(table, FIRST_VERSION + BigInt(rev), id, row, rev % 2 === 0 ? before : null);
  }
}

function plain(row: Row): unknown {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
  );
}
