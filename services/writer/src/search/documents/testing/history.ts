import type { Change, Row } from '@tapline/sink';
import type { Dice } from './dice.ts';
import { SHOP_TABLES, type ShopTable, shopChange, shopTombstone } from './shop.ts';

/** Beyond what a JavaScript number holds exactly. */
const FIRST_VERSION = 1n << 60n;
const PARTITIONS = 2;

/** A partition as a broker keeps it: compaction leaves holes. */
export type Partition = (Change | undefined)[];

/** Ids that occur. */
export type ShopSize = Readonly<Record<ShopTable, number>>;

/** A shop that lives: rows that come, change, move between orders and go, as records of topics that are compacted now and then. */
export class ShopHistory {
  readonly partitions: readonly Partition[] = SHOP_TABLES.flatMap(() =>
    Array.from({ length: PARTITIONS }, (): Partition => []),
  );
  readonly #dice: Dice;
  readonly #size: ShopSize;
  readonly #tables: Readonly<Record<ShopTable, Map<number, Row>>> = {
    orders: new Map(),
    order_items: new Map(),
    customers: new Map(),
  };
  #rev = 0;
  readonly #taken: number[] = [];

  constructor(dice: Dice, size: ShopSize) {
    this.#dice = dice;
    this.#size = size;
  }

  /** What a query that joins the tables would give now, by order. */
  documents(): ReadonlyMap<string, unknown> {
    const { orders, order_items, customers } = this.#tables;
    const documents = new Map<string, unknown>();
    for (const [id, order] of orders) {
      const items = [...order_items].filter(([, { order_id }]) => Number(order_id) === id && order_id !== null);
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

  step(): void {
    const table = this.#dice.pick<ShopTable>(['orders', 'order_items', 'order_items', 'customers']);
    const rows = this.#tables[table];
    const id = 1 + this.#dice.roll(this.#size[table]);
    const before = rows.get(id);
    const rev = (this.#rev += 1 + this.#dice.roll(3));
    const version = FIRST_VERSION + BigInt(rev);
    if (before !== undefined && this.#dice.once(5)) {
      rows.delete(id);
      this.#publish(table, id, shopChange(table, version, id, null, before));
      this.#publish(table, id, shopTombstone(table, version + 1n, id));
      this.#rev++;
      return;
    }
    const after = this.#row(table, id, rev, before);
    rows.set(id, after);
    // Half of the updates do not say what the row was, as after `beforeImage: none` or a load.
    this.#publish(table, id, shopChange(table, version, id, after, this.#dice.once(2) ? (before ?? null) : null));
  }

  /** Records of these partitions that were not taken yet. */
  take(...partitions: readonly number[]): Change[] {
    return partitions.flatMap((at) => {
      const partition = this.partitions[at] ?? [];
      const from = this.#taken[at] ?? 0;
      this.#taken[at] = partition.length;
      return present(partition.slice(from));
    });
  }

  takenAlready(): Change[] {
    return this.partitions.flatMap((partition, at) => present(partition.slice(0, this.#taken[at] ?? 0)));
  }

  /** Takes away records that have newer ones of their key, as the broker may at any time. */
  compact(): void {
    const partition = this.#dice.pick(this.partitions);
    const newest = new Map<unknown, number>();
    for (const [at, change] of partition.entries()) newest.set(change?.key?.['id'], at);
    for (const [at, change] of partition.entries())
      if (newest.get(change?.key?.['id']) !== at && this.#dice.once(2)) partition[at] = undefined;
  }

  #row(table: ShopTable, id: number, rev: number, before: Row | undefined): Row {
    const stays = before !== undefined && !this.#dice.once(3);
    if (table === 'customers') return { id, name: `name ${rev}`, secret: `s${rev}`, rev };
    if (table === 'order_items') {
      const order = this.#dice.once(8) ? null : BigInt(1 + this.#dice.roll(this.#size.orders));
      return { id: BigInt(id), order_id: stays ? (before['order_id'] ?? null) : order, sku: `sku "${rev}"`, rev };
    }
    const customer = this.#dice.once(6) ? null : 1 + this.#dice.roll(this.#size.customers);
    const customer_id = stays ? (before['customer_id'] ?? null) : customer;
    return { id, customer_id, note: this.#dice.once(4) ? null : `é ${rev}`, total: `${rev}.2500`, rev };
  }

  #publish(table: ShopTable, id: number, change: Change): void {
    (this.partitions[SHOP_TABLES.indexOf(table) * PARTITIONS + (id % PARTITIONS)] as Partition).push(change);
  }
}

/** Those that compaction has left. */
export function present(records: Partition): Change[] {
  return records.filter((record) => record !== undefined);
}

function plain(row: Row): unknown {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === 'bigint' ? Number(value) : value]),
  );
}
