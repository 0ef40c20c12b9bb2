import type { Connection } from 'mysql2/promise';

/** A table of the shop, and how each of its columns reads in a store: an SQL expression over the column. */
export interface ShopTable {
  readonly name: string;
  readonly key: readonly string[];
  readonly columns: ReadonlyMap<string, string>;
}

const asIs = (column: string): string => `cast(\`${column}\` as char)`;
const datetime = (column: string): string => `date_format(\`${column}\`, '%Y-%m-%dT%H:%i:%s.%f')`;

function table(
  name: string,
  key: readonly string[],
  columns: readonly (string | readonly [string, string])[],
): ShopTable {
  const entries = columns.map((column) => (typeof column === 'string' ? ([column, asIs(column)] as const) : column));
  return { name, key, columns: new Map(entries) };
}

export const DATABASE = 'shop';

/** Reads rows, each column in the text that stores must show. */
export function selectRows(table: ShopTable, rest: string): string {
  return `SELECT ${[...table.columns.values()].join(', ')} FROM ${DATABASE}.${table.name} ${rest}`;
}

/** What a store must hold for a row that `selectRows` gave: NULL columns are left out. */
export function storedRow({ columns }: ShopTable, row: readonly (string | null)[]): Readonly<Record<string, string>> {
  const entries = [...columns.keys()].flatMap((column, at) =>
    typeof row[at] === 'string' ? [[column, row[at]] as const] : [],
  );
  return Object.fromEntries(entries);
}

/** The table of the latency probes: each keeps changing a row of its own. */
export const PROBE = table('probe', ['id'], ['id', 'beat']);

/** `customers` gets the column `note` when the demo alters it. */
export const ADDED_COLUMN = { table: 'customers', column: 'note', expression: asIs('note') };
export const ALTER = 'ALTER TABLE shop.customers ADD COLUMN note VARCHAR(200) NULL';

export const SHOP_TABLES: readonly ShopTable[] = [
  table(
    'customers',
    ['id'],
    ['id', 'name', 'email', 'city', 'orders', 'spent', 'birthday', ['joined', datetime('joined')], 'settings'],
  ),
  table('products', ['id'], ['id', 'title', 'price', 'stock', 'weight', 'tags']),
  table('orders', ['id'], ['id', 'customer_id', 'status', 'total', 'coupon', ['placed', datetime('placed')]]),
  table('order_items', ['order_id', 'line'], ['order_id', 'line', 'product_id', 'quantity', 'price']),
  table('coupons', ['code'], ['code', 'percent', 'used']),
  PROBE,
];

const SCHEMA = `
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE customers (
  id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(200) NULL, city VARCHAR(100) NULL,
  orders INT NOT NULL DEFAULT 0, spent DECIMAL(14,2) NOT NULL DEFAULT 0, birthday DATE NULL, joined DATETIME(6) NOT NULL, settings JSON NULL);
CREATE TABLE products (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, title VARCHAR(200) NOT NULL, price DECIMAL(10,2) NOT NULL, stock INT NOT NULL,
  weight DOUBLE NULL, tags SET('new','sale','heavy','gift') NOT NULL DEFAULT '');
CREATE TABLE orders (
  id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, customer_id INT UNSIGNED NOT NULL, status ENUM('placed','paid','sent','returned') NOT NULL,
  total DECIMAL(14,2) NOT NULL, coupon VARCHAR(20) NULL, placed DATETIME(6) NOT NULL, KEY (customer_id));
CREATE TABLE order_items (
  order_id BIGINT UNSIGNED NOT NULL, line SMALLINT NOT NULL, product_id BIGINT UNSIGNED NOT NULL, quantity SMALLINT UNSIGNED NOT NULL,
  price DECIMAL(10,2) NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE coupons (code VARCHAR(20) PRIMARY KEY, percent TINYINT NOT NULL, used INT NOT NULL DEFAULT 0);
CREATE TABLE probe (id INT PRIMARY KEY, beat BIGINT NOT NULL);
INSERT INTO probe VALUES (1, 0), (2, 0), (3, 0), (4, 0);
`;

/** Rows that stand in the shop before the reader starts: its first load. */
export const SEED = { customers: 300, products: 200, orders: 1000, coupons: 50 };

const numbers = (count: number): string =>
  `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

/** Makes the tables and their first rows. */
export async function loadShop(connection: Connection): Promise<void> {
  await connection.query(SCHEMA);
  await connection.query('SET SESSION cte_max_recursion_depth = 100000');
  const seeds = [
    `INSERT INTO customers (name, email, city, birthday, joined, settings) ${numbers(SEED.customers)}
     SELECT CONCAT('Customer ', i), IF(i % 7 = 0, NULL, CONCAT('c', i, '@example.org')), ELT(1 + i % 4, 'Oslo', 'Zürich', '東京', 'São Paulo'),
       IF(i % 5 = 0, NULL, DATE('1970-01-01') + INTERVAL i * 37 DAY), NOW(6), JSON_OBJECT('mail', i % 2 = 0, 'level', i % 10) FROM n`,
    `INSERT INTO products (title, price, stock, weight, tags) ${numbers(SEED.products)}
     SELECT CONCAT('Product ', i, IF(i % 9 = 0, ' 🎁', '')), i * 1.25, 1000, i / 4, ELT(1 + i % 4, '', 'new', 'sale,gift', 'heavy') FROM n`,
    `INSERT INTO orders (customer_id, status, total, placed) ${numbers(SEED.orders)}
     SELECT 1 + i % ${SEED.customers}, 'placed', i * 0.5, NOW(6) FROM n`,
    `INSERT INTO order_items ${numbers(SEED.orders * 2)}
     SELECT 1 + (i - 1) DIV 2, 1 + (i - 1) % 2, 1 + i % ${SEED.products}, 1 + i % 3, 1.25 FROM n`,
    `INSERT INTO coupons (code, percent) ${numbers(SEED.coupons)} SELECT CONCAT('SAVE-', i), 1 + i % 50 FROM n`,
  ];
  for (const seed of seeds) await connection.query(seed);
}
