/** What the recipes' source has: the tables that they name, and rows enough to tell right from wrong. */
export const SHOP: readonly string[] = [
  'CREATE DATABASE shop CHARACTER SET utf8mb4',
  'USE shop',
  `CREATE TABLE customers (id INT PRIMARY KEY, tenant VARCHAR(20) NOT NULL, name VARCHAR(100) NOT NULL, email VARCHAR(100) NULL,
     phone VARCHAR(30) NULL, city VARCHAR(50) NULL, active TINYINT NOT NULL DEFAULT 1)`,
  `CREATE TABLE products (id INT PRIMARY KEY, title VARCHAR(200) NOT NULL, description TEXT NULL, price DECIMAL(10,2) NOT NULL,
     stock INT NOT NULL, attributes JSON NULL)`,
  `CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id INT NOT NULL, channel VARCHAR(20) NOT NULL,
     status ENUM('placed','paid','sent') NOT NULL, total DECIMAL(12,2) NOT NULL, created_at DATETIME NOT NULL)`,
  `CREATE TABLE order_items (order_id BIGINT NOT NULL, line INT NOT NULL, product_id INT NOT NULL, quantity INT NOT NULL,
     price DECIMAL(10,2) NOT NULL, PRIMARY KEY (order_id, line))`,
  'CREATE TABLE sessions (id CHAR(8) PRIMARY KEY, customer_id INT NOT NULL, cart JSON NULL)',
  'CREATE TABLE players (id INT PRIMARY KEY, league VARCHAR(20) NOT NULL, name VARCHAR(50) NOT NULL, points BIGINT NOT NULL)',
  'CREATE TABLE log_1 (id INT PRIMARY KEY, text VARCHAR(100) NOT NULL)',
  `INSERT INTO customers VALUES (1, 'acme', 'Ann Berg', 'ann@example.org', '12345', 'Oslo', 1), (2, 'acme', 'Bo Chan', NULL, NULL, '東京', 0),
     (3, 'bolt', 'Cy Dahl', 'cy@example.org', '777', NULL, 1), (4, 'bolt', 'Di Eng', 'di@example.org', 'ext. 9', 'Łódź', 1)`,
  `INSERT INTO products VALUES (1, 'Red kettle', 'Boils water', 19.90, 5, '{"colour": "red", "litres": 1.5}'), (2, 'Mug', NULL, 4.00, 100, NULL),
     (3, 'Tea, green', 'Leaves', 7.25, 0, '{"kg": 0.25}')`,
  `INSERT INTO orders VALUES (1, 1, 'web', 'placed', 27.90, '2026-01-15 10:00:00'), (2, 1, 'app', 'paid', 4.00, '2026-01-20 11:00:00'),
     (3, 2, 'web', 'paid', 12.00, '2026-02-01 09:30:00'), (4, 3, 'store', 'sent', 7.25, '2026-02-03 23:59:59'), (5, 4, 'web', 'sent', 8.00, '2026-02-03 12:00:00')`,
  'INSERT INTO order_items VALUES (1, 1, 1, 1, 19.90), (1, 2, 2, 2, 4.00), (2, 1, 2, 1, 4.00), (3, 1, 2, 3, 4.00), (4, 1, 3, 1, 7.25), (5, 1, 2, 2, 4.00)',
  `INSERT INTO sessions VALUES ('a1', 1, '{"items": 2}'), ('b2', 2, NULL)`,
  `INSERT INTO players VALUES (1, 'north', 'Ada', 120), (2, 'north', 'Ben', 95), (3, 'south', 'Cleo', 120), (4, 'south', 'Dan', -3)`,
  `INSERT INTO log_1 VALUES (1, 'first')`,
];

const MAKE_ACCOUNTS: readonly string[] = [
  'CREATE DATABASE accounts CHARACTER SET utf8mb4',
  'CREATE TABLE accounts.users (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL, seen DATETIME NULL)',
];

/** The same table in both servers, its rows in one of them. */
export const ACCOUNTS: readonly string[] = [
  ...MAKE_ACCOUNTS,
  `INSERT INTO accounts.users VALUES (1, 'Ann', NULL), (2, 'Bo', '2026-01-01 00:00:00'), (3, 'Cy', NULL), (4, 'Di', NULL)`,
];
export const EAST: readonly string[] = MAKE_ACCOUNTS;

/** What changes in the east; these rows the west leaves alone. */
export const EAST_CHANGES: readonly string[] = [
  `UPDATE accounts.users SET seen = '2026-02-02 02:02:02' WHERE id = 2`,
  'DELETE FROM accounts.users WHERE id = 4',
  `INSERT INTO accounts.users VALUES (20, 'Eve', NULL)`,
];
/** The update, the delete with its tombstone, the insert. */
export const EAST_RECORDS = 4;

/** Rows change under the writers' eyes: inserts, updates, deletes, changed keys, columns that decide where a row goes. */
export const CHANGES: readonly string[] = [
  `UPDATE customers SET city = 'Bergen', email = NULL WHERE id = 1`,
  `UPDATE customers SET active = 1 - active WHERE id IN (2, 3)`,
  `UPDATE customers SET tenant = 'acme' WHERE id = 3`,
  `INSERT INTO customers VALUES (5, 'acme', 'Eve Fox', 'eve@example.org', '55', 'Rome', 1), (6, 'bolt', 'Flo Gee', NULL, 'none', NULL, 1)`,
  'DELETE FROM customers WHERE id = 4',
  `UPDATE products SET price = 21.50, attributes = JSON_SET(attributes, '$.colour', 'blue') WHERE id = 1`,
  'DELETE FROM products WHERE id = 3',
  `INSERT INTO products VALUES (4, 'Cups "fine" 🎁', 'Six of them', 33.10, 7, NULL)`,
  'BEGIN',
  `INSERT INTO orders VALUES (6, 5, 'app', 'placed', 33.10, '2026-02-28 08:00:00')`,
  'INSERT INTO order_items VALUES (6, 1, 4, 1, 33.10)',
  'COMMIT',
  `UPDATE orders SET status = 'paid', channel = 'app' WHERE id = 1`,
  `UPDATE orders SET created_at = '2026-03-01 00:00:00', total = 12.50 WHERE id = 3`,
  'UPDATE orders SET customer_id = 1 WHERE id = 4',
  'DELETE FROM orders WHERE id = 5',
  'DELETE FROM order_items WHERE order_id = 5',
  'UPDATE order_items SET quantity = 4, price = 4.10 WHERE order_id = 3 AND line = 1',
  'UPDATE order_items SET line = 7 WHERE order_id = 1 AND line = 2',
  `UPDATE sessions SET cart = '{"items": 3}' WHERE id = 'a1'`,
  `DELETE FROM sessions WHERE id = 'b2'`,
  'UPDATE players SET points = points + 40 WHERE id = 2',
  `UPDATE players SET league = 'north' WHERE id = 3`,
  'DELETE FROM players WHERE id = 4',
  `INSERT INTO players VALUES (5, 'south', 'Eli', 9007199254740000)`,
  'CREATE TABLE log_2 (id INT PRIMARY KEY, text VARCHAR(100) NOT NULL)',
  `INSERT INTO log_2 VALUES (1, 'second')`,
  `UPDATE accounts.users SET name = 'Anne' WHERE id = 1`,
  'DELETE FROM accounts.users WHERE id = 3',
  `INSERT INTO accounts.users VALUES (10, 'Flo', NULL)`,
];
