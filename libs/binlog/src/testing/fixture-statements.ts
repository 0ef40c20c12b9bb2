/* What the golden files are made of. Small on purpose: every byte of them is damaged once in golden.test.ts. */

const values = (table: string, ...rows: readonly string[]): string[] =>
  rows.map((row) => `INSERT INTO ${table} VALUES (${row})`);

/** Types of all servers, at their ends. */
export const commonTypes: readonly string[] = [
  `CREATE TABLE common (id INT PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, si SMALLINT, mi MEDIUMINT, mu MEDIUMINT UNSIGNED, iu INT UNSIGNED,
   bi BIGINT, bu BIGINT UNSIGNED, d1 DECIMAL(65,30), d2 DECIMAL(9,2), f FLOAT, g DOUBLE, da DATE, dt DATETIME, dt3 DATETIME(3), dt6 DATETIME(6),
   ts TIMESTAMP NULL, ts6 TIMESTAMP(6) NULL, t TIME, t3 TIME(3), t6 TIME(6), y YEAR, c CHAR(5), v VARCHAR(30), l VARCHAR(9) CHARACTER SET latin1,
   k CHAR(3) CHARACTER SET gbk, b BINARY(4), vb VARBINARY(300), bl BLOB, x TEXT, e ENUM('a','b,c','ü'), s SET('x','y','z'), b1 BIT(1), b40 BIT(40))`,
  ...values(
    'common',
    `1, -128, 255, -32768, -8388608, 16777215, 4294967295, -9223372036854775808, 18446744073709551615, -${'9'.repeat(35)}.${'9'.repeat(30)}, 1234567.89,
     -0.1, 1.7976931348623157e308, '9999-12-31', '2024-02-29 23:59:59', '2024-02-29 23:59:59.987', '9999-12-31 23:59:59.999999',
     '2038-01-19 03:14:07', '2038-01-19 03:14:07.999999', '-838:59:59', '-00:00:00.001', '838:59:58.999999', 2155, 'ä😀', 'it''s \\\\ "q"', 'é€', '中文',
     x'0001ff00', x'00ff27', x'00', REPEAT('é', 40), 'b,c', 'x,z', b'1', b'1000000000000000000000000000000000000001'`,
    `2, 127, 0, 32767, 8388607, 0, 0, 9223372036854775807, 0, 0.000000000000000000000000000001, -0.01, 3.4028234e38, 5e-324, '0000-00-00', '0000-00-00',
     '2024-00-10 00:00:00', '1000-01-01 00:00:00.000001', '1970-01-01 00:00:01', '0000-00-00', '838:59:59', '12:34:56.789', '-838:59:58.000001', 0, '', '',
     '', '', '', '', '', '', 'ü', '', b'0', b'0'`,
  ),
  'INSERT INTO common (id) VALUES (3)',
  "UPDATE common SET v = REPEAT('y', 30), g = -0e0, e = 'a' WHERE id < 3",
  'DELETE FROM common WHERE id > 1',
];

/** MySQL's own. */
export const mysqlTypes: readonly string[] = [
  'CREATE TABLE own (id INT PRIMARY KEY, j JSON, g GEOMETRY, v INT AS (id * 2) VIRTUAL, w INT AS (id * 3) STORED, z VARCHAR(9) CHARACTER SET utf16)',
  ...[
    `1, '{"a": [1, -2.5, "x\\\\ny", null, true], "big": 18446744073709551615, "é": {"": {}}}', ST_GeomFromText('LINESTRING(0 0,1 -1)', 4326), 'ä😀'`,
    "2, JSON_ARRAY(CAST('2020-01-02 03:04:05.6' AS DATETIME(6)), CAST('-1:2:3' AS TIME), DATE'0001-01-01', 1.230, x'00ff', b'1'), NULL, ''",
    "3, 'null', ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),POLYGON((0 0,4 0,4 4,0 0)))'), NULL",
  ].map((row) => `INSERT INTO own (id, j, g, z) VALUES (${row})`),
  "UPDATE own SET j = JSON_SET(j, '$.a[0]', 'one') WHERE id = 1",
  'DELETE FROM own',
];

/** MariaDB's own; VECTOR came with 11.7. */
export const mariadbTypes: readonly string[] = [
  'CREATE TABLE own (id INT PRIMARY KEY, u UUID, i6 INET6, i4 INET4, j JSON, g POINT, l VARCHAR(9) CHARACTER SET latin1, v INT AS (id * 2) VIRTUAL)',
  ...[
    `1, '0190163d-8694-739b-aea5-966c26f8ad00', '2001:db8::', '1.2.3.0', '{"a": [1, "é"]}', ST_GeomFromText('POINT(1 2)', 4326), 'é€'`,
    '2, NULL, NULL, NULL, NULL, NULL, NULL',
  ].map((row) => `INSERT INTO own (id, u, i6, i4, j, g, l) VALUES (${row})`),
  "UPDATE own SET l = 'ü'",
  'DELETE FROM own',
];

export const compressedColumns: readonly string[] = [
  'CREATE TABLE pressed (id INT PRIMARY KEY, v VARCHAR(300) COMPRESSED, b BLOB COMPRESSED, t TEXT COMPRESSED CHARACTER SET latin1, n INT)',
  ...values('pressed', "1, REPEAT('ab', 150), REPEAT(x'00ff', 500), REPEAT('é', 1000), 1", "2, 'short', x'', 'é', 2"),
  'INSERT INTO pressed (id) VALUES (3)',
  "UPDATE pressed SET v = REPEAT('c', 200) WHERE id < 3",
  'DELETE FROM pressed',
];

/** DDL, a statement without rows, several tables in one transaction, keys that change. */
export const statements: readonly string[] = [
  'CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, item VARCHAR(20))',
  'CREATE TABLE items (id INT PRIMARY KEY, item VARCHAR(20))',
  'BEGIN',
  "INSERT INTO orders (item) VALUES ('a'), ('b'), ('c')",
  "INSERT INTO items VALUES (1, 'one'), (2, 'two')",
  'UPDATE orders SET id = id + 100 ORDER BY id DESC',
  'COMMIT',
  'ALTER TABLE orders ADD COLUMN n INT',
  "INSERT INTO orders (item, n) VALUES ('d', 4)",
  'SET SESSION binlog_format = STATEMENT',
  "INSERT INTO orders (item) VALUES ('statement')",
  'SET SESSION binlog_format = ROW',
  'TRUNCATE TABLE orders',
];

/** Images without what did not change, or without what is large and did not change. */
export const rowImages: readonly string[] = [
  'CREATE TABLE images (id INT PRIMARY KEY, a INT, b BLOB, t TEXT, v VARCHAR(20))',
  'CREATE TABLE keyless (a INT, b BLOB)',
  ...['MINIMAL', 'NOBLOB', 'FULL'].flatMap((image, i) => [
    `SET SESSION binlog_row_image = ${image}`,
    ...values('images', `${10 * i + 1}, 1, x'00ff', 'text', 'v'`),
    `INSERT INTO images (id) VALUES (${10 * i + 2})`,
    ...values('keyless', `${i}, x'ff'`),
    'UPDATE images SET a = 2',
    'UPDATE images SET a = NULL, v = NULL',
    "UPDATE images SET t = 'other', b = NULL WHERE a IS NULL",
    'UPDATE images SET id = id + 5 ORDER BY id DESC',
    'UPDATE keyless SET b = NULL',
    'DELETE FROM images',
    'DELETE FROM keyless',
  ]),
];

/** Differences of JSON documents, with the full image before them and without; large offsets; several columns; a whole document where that is smaller. */
export const partialJson: readonly string[] = [
  "SET SESSION binlog_row_value_options = 'PARTIAL_JSON'",
  'CREATE TABLE docs (id INT PRIMARY KEY, j JSON, n INT, k JSON)',
  ...values(
    'docs',
    `1, '{"a": [1, 2, {"b": "x"}], "gone": true, "text": "${'t'.repeat(60)}"}', 1, '[1, 2, 3, "${'k'.repeat(40)}"]'`,
    "2, NULL, 2, '{}'",
    `3, '{"a": {}, "long": "${'l'.repeat(300)}"}', 3, NULL`,
  ),
  "UPDATE docs SET j = JSON_SET(j, '$.a[2].b', 'yy', '$.new', CAST(1.50 AS DECIMAL(5,2))) WHERE id = 1",
  "UPDATE docs SET j = JSON_REMOVE(j, '$.gone'), k = JSON_REPLACE(k, '$[0]', JSON_OBJECT('é', NULL)), n = 10 WHERE id = 1",
  "UPDATE docs SET j = JSON_SET(j, '$.a', JSON_ARRAY(1, 2)), n = n + 1",
  "UPDATE docs SET k = JSON_SET(k, '$[1]', 'two')",
  "SET SESSION binlog_row_image = 'MINIMAL'",
  'UPDATE docs SET n = n + 1',
  `UPDATE docs SET j = '{"whole": 1}'`,
  "SET SESSION binlog_row_image = 'FULL'",
  'DELETE FROM docs',
  "SET SESSION binlog_row_value_options = ''",
];

/** VECTOR counts among the columns with a character set: what follows it must not get its neighbour's. */
export const vectors: readonly string[] = [
  "CREATE TABLE vectors (id INT PRIMARY KEY, a VARCHAR(9), v VECTOR(3), l VARCHAR(9) CHARACTER SET latin1, e ENUM('ü') CHARACTER SET latin1, u TEXT)",
  ...values('vectors', "1, 'ä', STRING_TO_VECTOR('[1,-2.5,3e38]'), 'é', 'ü', 'ä😀'", '2, NULL, NULL, NULL, NULL, NULL'),
];

const branch = (id: string, ...inside: readonly string[]): string[] => [
  `XA START ${id}`,
  ...inside,
  `XA END ${id}`,
  `XA PREPARE ${id}`,
];

/** Prepared and committed, rolled back, in one phase, and decided in another order than prepared. */
export const xa: readonly string[] = [
  'CREATE TABLE xa (id INT PRIMARY KEY, v VARCHAR(20))',
  ...branch("'one'", "INSERT INTO xa VALUES (1, 'a')", "UPDATE xa SET v = 'b' WHERE id = 1"),
  "XA COMMIT 'one'",
  ...branch("'two','branch',7", "INSERT INTO xa VALUES (2, 'never')"),
  "XA ROLLBACK 'two','branch',7",
  "XA START x'00ff'",
  "INSERT INTO xa VALUES (3, 'at once')",
  "XA END x'00ff'",
  "XA COMMIT x'00ff' ONE PHASE",
  "INSERT INTO xa VALUES (4, 'plain')",
];
