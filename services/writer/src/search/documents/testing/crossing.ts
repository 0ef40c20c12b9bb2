import type { Change } from '@tapline/sink';
import { ShopRows } from './shop-rows.ts';

/** Ids that one crossing uses. */
const IDS = 10;

/** Changes of two members that meet in the same documents, and what must be there before. */
export interface Crossing {
  readonly before: readonly Change[];
  readonly orders: readonly Change[];
  readonly customers: readonly Change[];
}

/** Crossings with ids of their own, in one shop. */
export class Crossings {
  readonly rows: ShopRows = new ShopRows();
  /** All changes so far. */
  readonly changes: Change[] = [];
  #first = 1;

  /**
   * One member has orders that refer to the customer anew, and items that move to where something else happens; the other one has the customer's new name,
   * and orders that come and go. An order that nobody touches has the customer too.
   */
  next(): Crossing {
    const { rows } = this;
    const at = (nth: number): number => this.#first + nth;
    const [ann, ben] = [at(0), at(1)];
    const before = [
      rows.putCustomer(ann),
      rows.putCustomer(ben),
      rows.putOrder(at(0), ann),
      rows.putOrder(at(1), ben),
      rows.putOrder(at(2), ben),
      rows.putOrder(at(5), ben),
      rows.putItem(at(0), at(0)),
      rows.putItem(at(1), at(2)),
    ];
    const orders = [
      rows.putOrder(at(0), ben),
      rows.putOrder(at(3), ben),
      rows.putItem(at(0), at(1)),
      rows.putItem(at(2), at(4)),
      // Compaction has taken the delete event away.
      rows.remove('order_items', at(1))[1],
    ];
    const customers = [rows.putCustomer(ben), rows.putOrder(at(4), ann), ...rows.remove('orders', at(1))];
    this.#first += IDS;
    this.changes.push(...before, ...orders, ...customers);
    return { before, orders, customers };
  }
}
