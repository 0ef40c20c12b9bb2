import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { SEED } from './shop.ts';

const DEADLOCK = 1213;
const LOCK_WAIT_TIMEOUT = 1205;
const DUPLICATE_KEY = 1062;
const CITIES = ['Oslo', 'Zürich', '東京', 'São Paulo', 'Nairobi', 'Łódź'];
const STATUSES = ['placed', 'paid', 'sent', 'returned'];

const pick = (count: number): number => 1 + Math.floor(Math.random() * count);
const money = (most: number): string => (Math.random() * most).toFixed(2);

/** Changes the shop at a steady rate: inserts, updates, deletes, changed keys, transactions over several tables. */
export class ShopLoad {
  /** Rows changed by transactions that are committed. */
  rows = 0;
  /** Customers have the column `note` by now. */
  altered = false;
  /** The newest order that is committed. */
  newestOrder = SEED.orders;
  readonly #rate: number;
  readonly #stop = new AbortController();
  #coupons = 0;
  #workers: Promise<void>[] = [];

  /** `rowsPerSecond`: what is aimed at, by all connections together. */
  constructor(rowsPerSecond: number) {
    this.#rate = rowsPerSecond;
  }

  /** Each connection commits one transaction after the other; `shop` must be its default database. */
  start(connections: readonly Connection[]): void {
    const started = performance.now();
    this.#workers = connections.map((connection) => this.#work(connection, started));
    // A failure stops the others; stop() tells it.
    for (const worker of this.#workers) {
      worker.catch(() => {
        this.#stop.abort();
      });
    }
  }

  /** Resolves when the last transaction is committed; rejects with what made a connection fail. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#workers);
  }

  async #work(connection: Connection, started: number): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const dueMs = started + (this.rows / this.#rate) * 1000;
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 1) await delay(earlyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // Not `+= await`: that would read the sum before waiting, and lose what the others add meanwhile.
      const rows = await this.#transaction(connection);
      this.rows += rows;
    }
  }

  /** One transaction; gives the rows it changed, 0 when it lost against another one. */
  async #transaction(connection: Connection): Promise<number> {
    await connection.query('BEGIN');
    try {
      const rows = await this.#change(connection);
      await connection.query('COMMIT');
      return rows;
    } catch (error) {
      await connection.query('ROLLBACK');
      const { errno } = error as { errno?: number };
      if (errno === DEADLOCK || errno === LOCK_WAIT_TIMEOUT || errno === DUPLICATE_KEY) return 0;
      throw error;
    }
  }

  async #change(connection: Connection): Promise<number> {
    const dice = Math.random();
    if (dice < 0.4) return await this.#placeOrder(connection);
    if (dice < 0.6) return await this.#moveOrder(connection);
    if (dice < 0.8) return await this.#changeCustomer(connection);
    if (dice < 0.88) return await this.#dropOrder(connection);
    if (dice < 0.94) return await this.#renameCoupon(connection);
    return await this.#renumberItems(connection);
  }

  /** Order, items, stock and customer in one transaction. */
  async #placeOrder(connection: Connection): Promise<number> {
    const customer = pick(SEED.customers);
    const coupon = Math.random() < 0.3 ? `SAVE-${pick(SEED.coupons)}` : null;
    const order = `INSERT INTO orders (customer_id, status, total, coupon, placed) VALUES (?, 'placed', ?, ?, NOW(6))`;
    const [{ insertId }] = await connection.query<ResultSetHeader>(order, [customer, money(500), coupon]);
    const lines = pick(4);
    const items = Array.from({ length: lines }, (_, index) => [
      insertId,
      index + 1,
      pick(SEED.products),
      pick(5),
      money(80),
    ]);
    await connection.query('INSERT INTO order_items VALUES ?', [items]);
    let rows = 1 + lines;
    for (const product of new Set(items.map((item) => Number(item[2])).toSorted((left, right) => left - right))) {
      rows += await changed(connection, 'UPDATE products SET stock = stock - 1 WHERE id = ?', [product]);
    }
    rows += await changed(connection, 'UPDATE customers SET orders = orders + 1, spent = spent + ? WHERE id = ?', [
      money(500),
      customer,
    ]);
    this.newestOrder = Math.max(this.newestOrder, Number(insertId));
    return rows;
  }

  async #moveOrder(connection: Connection): Promise<number> {
    const status = STATUSES[pick(STATUSES.length) - 1];
    return await changed(connection, 'UPDATE orders SET status = ?, total = total + 0.01 WHERE id = ?', [
      status,
      pick(this.newestOrder),
    ]);
  }

  async #changeCustomer(connection: Connection): Promise<number> {
    const id = pick(SEED.customers);
    const city = CITIES[pick(CITIES.length) - 1];
    if (this.altered && Math.random() < 0.5) {
      return await changed(connection, 'UPDATE customers SET note = ?, city = ? WHERE id = ?', [
        `called at ${Date.now()}`,
        city,
        id,
      ]);
    }
    const level = JSON.stringify({ mail: Math.random() < 0.5, level: pick(9), seen: Date.now() });
    return await changed(
      connection,
      'UPDATE customers SET city = ?, settings = ?, email = IF(RAND() < 0.2, NULL, email) WHERE id = ?',
      [city, level, id],
    );
  }

  async #dropOrder(connection: Connection): Promise<number> {
    const id = pick(this.newestOrder);
    const items = await changed(connection, 'DELETE FROM order_items WHERE order_id = ?', [id]);
    return items + (await changed(connection, 'DELETE FROM orders WHERE id = ?', [id]));
  }

  /** The primary key itself changes: the old key must vanish from Redis. */
  async #renameCoupon(connection: Connection): Promise<number> {
    this.#coupons += 1;
    const fresh = `SAVE-${pick(SEED.coupons)}-${this.#coupons}`;
    return await changed(connection, 'UPDATE coupons SET code = ?, used = used + 1 ORDER BY RAND() LIMIT 1', [fresh]);
  }

  async #renumberItems(connection: Connection): Promise<number> {
    const order = 'UPDATE order_items SET line = line + 10 WHERE order_id = ? AND line < 3000 ORDER BY line DESC';
    return await changed(connection, order, [pick(this.newestOrder)]);
  }
}

async function changed(
  connection: Connection,
  sql: string,
  values: (string | number | null | undefined)[],
): Promise<number> {
  const [result] = await connection.query<ResultSetHeader>(sql, values);
  return result.affectedRows;
}
