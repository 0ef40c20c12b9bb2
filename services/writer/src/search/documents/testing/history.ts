import type { Change } from '@tapline/sink';
import type { Dice } from '@tapline/test-stack';
import { SHOP_TABLES, type ShopTable } from './shop.ts';
import { ShopRows } from './shop-rows.ts';

const PARTITIONS = 2;
/** Ids that occur. */
const SIZE: Readonly<Record<ShopTable, number>> = { orders: 12, order_items: 30, customers: 5 };

/** A partition as a broker keeps it: compaction leaves holes. */
export type Partition = (Change | undefined)[];

/** A shop that lives: rows that come, change, move between orders and go, as records of topics that are compacted now and then. */
export class ShopHistory {
  readonly rows: ShopRows = new ShopRows();
  readonly partitions: readonly Partition[] = SHOP_TABLES.flatMap(() =>
    Array.from({ length: PARTITIONS }, (): Partition => []),
  );
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  step(): void {
    const table = this.#dice.pick<ShopTable>(['orders', 'order_items', 'order_items', 'customers']);
    const id = 1 + this.#dice.roll(SIZE[table]);
    const isThere = this.rows.row(table, id) !== undefined;
    const changes = isThere && this.#dice.once(5) ? this.rows.remove(table, id) : [this.#put(table, id)];
    const partition = this.partitions[SHOP_TABLES.indexOf(table) * PARTITIONS + (id % PARTITIONS)];
    partition?.push(...changes);
  }

  /** Takes away records that have newer ones of their key, as the broker may at any time. */
  compact(): void {
    const partition = this.#dice.pick(this.partitions);
    const newest = new Map<unknown, number>();
    for (const [at, change] of partition.entries()) newest.set(change?.key?.['id'], at);
    for (const [at, change] of partition.entries())
      if (newest.get(change?.key?.['id']) !== at && this.#dice.once(2)) partition[at] = undefined;
  }

  #put(table: ShopTable, id: number): Change {
    if (table === 'customers') return this.rows.putCustomer(id);
    if (table === 'order_items') return this.rows.putItem(id, this.#referred(table, id, 'order_id', SIZE.orders));
    return this.rows.putOrder(id, this.#referred(table, id, 'customer_id', SIZE.customers));
  }

  /** Mostly what it was before, sometimes nothing. */
  #referred(table: ShopTable, id: number, column: string, size: number): number | null {
    const before = this.rows.row(table, id);
    if (before !== undefined && !this.#dice.once(3)) {
      const value = before[column] ?? null;
      return value === null ? null : Number(value);
    }
    return this.#dice.once(7) ? null : 1 + this.#dice.roll(size);
  }
}

/** Those that compaction has left. */
export function present(records: Partition): Change[] {
  return records.filter((record) => record !== undefined);
}
