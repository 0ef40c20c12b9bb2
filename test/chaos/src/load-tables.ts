import type { Connection } from 'mysql2/promise';
import type { Random } from './random.ts';

/** How each table of the load is keyed in Kafka, for the reader's `keys` and for the oracle. `noise` is not captured. */
export const LOAD_KEYS: Readonly<Record<string, 'primary' | 'append'>> = {
  accounts: 'primary',
  order_lines: 'primary',
  words: 'primary',
  events: 'append',
};

const DDL = [
  `CREATE TABLE accounts (
     id INT NOT NULL PRIMARY KEY, owner VARCHAR(64) NOT NULL, balance DECIMAL(12,2) NOT NULL, note TEXT, rev BIGINT UNSIGNED NOT NULL,
     changed DATETIME(6) NOT NULL)`,
  `CREATE TABLE order_lines (
     order_id BIGINT NOT NULL, line SMALLINT NOT NULL, sku VARCHAR(32), quantity INT UNSIGNED NOT NULL, price DECIMAL(10,2),
     PRIMARY KEY (order_id, line))`,
  // Letters that differ in case or accent are one key to this collation, and different keys to Kafka.
  `CREATE TABLE words (
     word VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL PRIMARY KEY, score INT NOT NULL,
     raw VARBINARY(64), seen TIMESTAMP(3) NOT NULL)`,
  // Without a key, and with rows that cannot be told from each other.
  `CREATE TABLE events (at DATETIME(6) NOT NULL, kind VARCHAR(20) NOT NULL, payload VARCHAR(500))`,
  `CREATE TABLE noise (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100))`,
];

/** Creates the database with its tables and `rows` rows in each, all of it in the binlog. */
export async function createTables(options: {
  connection: Connection;
  database: string;
  rows: number;
  random: Random;
}): Promise<void> {
  const { connection, database, rows, random } = options;
  await connection.query(`CREATE DATABASE ${database}`);
  await connection.query(`USE ${database}`);
  for (const statement of DDL) await connection.query(statement);
  await connection.query('SET SESSION cte_max_recursion_depth = 10000000');
  await connection.query(
    `INSERT INTO accounts SELECT n, CONCAT('owner ', n), n / 100, IF(n % 3, REPEAT('n', n % 50), NULL), 1, NOW(6) FROM ${series(1, rows)}`,
  );
  await connection.query(
    `INSERT INTO order_lines SELECT n DIV 4, n % 4, CONCAT('sku-', n % 97), n % 7, n / 10 FROM ${series(1, rows)}`,
  );
  await connection.query(
    `INSERT INTO events SELECT NOW(0) - INTERVAL n DIV 2 SECOND, 'old', 'seen twice' FROM ${series(1, rows)}`,
  );
  for (let i = 0; i < Math.min(rows, 200); i++) await insertWord(connection, random);
}

async function insertWord(connection: Connection, random: Random): Promise<void> {
  await connection.query('INSERT IGNORE INTO words VALUES (?, ?, ?, NOW(3))', [
    someWord(random),
    random.int(-5, 5),
    Buffer.from([random.int(0, 255), 0, 255]),
  ]);
}

/** A derived table of the numbers `from` … `to` in column n. */
export function series(from: number, to: number): string {
  return `(WITH RECURSIVE s (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM s WHERE n < ${to}) SELECT n FROM s) AS numbers`;
}

const SYLLABLES = [
  'a',
  'A',
  'ä',
  'Ä',
  'e',
  'é',
  'ß',
  'ss',
  'ı',
  'ö',
  '漢',
  '字',
  '🎉',
  'ñ',
  ' ',
  '-',
  '"',
  "'",
  '\\',
  '\n',
  '%',
  'Ω',
  'ё',
];

/** A text out of a small pool, so that words meet again, with everything that quoting and encoding stumble over. */
export function someWord(random: Random): string {
  const length = random.int(1, 3);
  let word = '';
  for (let i = 0; i < length; i++) word += random.pick(SYLLABLES);
  return word;
}
