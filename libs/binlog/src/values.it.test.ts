import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Change, RowValues } from './testing/collect.ts';
import { TestSource } from './testing/source.ts';
import { selectExpression } from './testing/value-text.ts';
import { WIRE_TYPE } from './wire-types.ts';

/** A column and the values it takes, one row each; every column is NULL in a last row besides. */
type Case = readonly [type: string, ...values: string[]];

const COMMON: readonly Case[] = [
  ['TINYINT', '-128', '127'],
  ['TINYINT UNSIGNED', '0', '255'],
  ['SMALLINT', '-32768', '32767'],
  ['SMALLINT UNSIGNED', '0', '65535'],
  ['MEDIUMINT', '-8388608', '8388607'],
  ['MEDIUMINT UNSIGNED', '0', '16777215'],
  ['INT', '-2147483648', '2147483647'],
  ['INT UNSIGNED', '0', '4294967295'],
  ['BIGINT', '-9223372036854775808', '9223372036854775807'],
  ['BIGINT UNSIGNED', '0', '18446744073709551615'],
  ['FLOAT', '-0.1', '3.4e38', '0'],
  ['DOUBLE', '-0.1', '1.7976931348623157e308', '5e-324'],
  ['DECIMAL(1,0)', '-9', '9'],
  ['DECIMAL(10,2)', '-12345678.90', '0.01', '-0.01'],
  [
    'DECIMAL(65,30)',
    '-99999999999999999999999999999999999.999999999999999999999999999999',
    '0.000000000000000000000000000001',
  ],
  ['DECIMAL(30,30)', '0.123456789012345678901234567891', '-0.5'],
  ['DECIMAL(20,0) UNSIGNED', '18446744073709551616', '0'],
  ['BIT(1)', "b'1'", "b'0'"],
  ['BIT(9)', "b'100000001'", "b'11111111'"],
  ['BIT(64)', "b'1111111111111111111111111111111111111111111111111111111111111111'", "b'0'"],
  ['YEAR', '0', '1901', '2155'],
  ['DATE', "'0000-00-00'", "'2020-02-00'", "'9999-12-31'", "'1000-01-01'"],
  ['DATETIME', "'0000-00-00 00:00:00'", "'9999-12-31 23:59:59'"],
  ['DATETIME(1)', "'2020-02-29 12:34:56.7'", "'2020-00-15 00:00:00.1'"],
  ['DATETIME(3)', "'2020-02-29 12:34:56.789'", "'1000-01-01 00:00:00.001'"],
  ['DATETIME(6)', "'2020-02-29 12:34:56.789012'", "'9999-12-31 23:59:59.999999'"],
  ['TIMESTAMP NULL', "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'0000-00-00 00:00:00'"],
  ['TIMESTAMP(3) NULL', "'2020-02-29 12:34:56.789'", "'0000-00-00 00:00:00'"],
  ['TIMESTAMP(6) NULL', "'2038-01-19 03:14:07.999999'", "'1970-01-01 00:00:01.000001'"],
  ['TIME', "'-838:59:59'", "'838:59:59'", "'00:00:00'"],
  ['TIME(2)', "'-00:00:00.01'", "'12:34:56.78'"],
  ['TIME(3)', "'-100:00:00.999'", "'12:34:56.789'"],
  ['TIME(6)', "'-838:59:58.999999'", "'-00:00:00.000001'", "'838:59:58.000001'"],
  ['CHAR(0)', "''"],
  ['CHAR(10)', "'ä😀'", "''", "'a b '"],
  ['CHAR(255)', "REPEAT('😀', 255)", "'x'"],
  ['VARCHAR(10)', "'ä😀'", "''", "' a '"],
  ['VARCHAR(255)', "REPEAT('x', 255)", "REPEAT('😀', 255)"],
  ['VARCHAR(300) CHARACTER SET latin1', "'äöü€'", "REPEAT('é', 300)"],
  ['VARCHAR(20) CHARACTER SET utf16', "'ä😀'"],
  ['CHAR(5) CHARACTER SET gbk', "'中文'"],
  ['BINARY(5)', "x'0001000000'", "x'ffffffffff'", "''"],
  ['BINARY(255)', "REPEAT(x'ff', 255)", "x'00'"],
  ['VARBINARY(300)', "x'00ff00'", "REPEAT(x'00', 300)"],
  ['TINYTEXT', "'ä'", "REPEAT('x', 255)"],
  ['TEXT', "''", "REPEAT('😀', 16383)"],
  ['MEDIUMTEXT', "'x'", "REPEAT('x', 70000)"],
  ['LONGTEXT', "'x'", "REPEAT('y', 70000)"],
  ['TINYBLOB', "x'00'", "REPEAT(x'ff', 255)"],
  ['BLOB', "x'00ff'", "REPEAT(x'00', 65535)"],
  ['MEDIUMBLOB', "x'00'"],
  ['LONGBLOB', "REPEAT(x'ab', 100000)"],
  ["ENUM('a','b,c','ü')", "'a'", "'ü'", "''"],
  [`ENUM(${Array.from({ length: 300 }, (_, i) => `'m${i}'`).join()})`, "'m299'", "'m0'"],
  ["SET('a','b','ü')", "'a,ü'", "''"],
  [`SET(${Array.from({ length: 64 }, (_, i) => `'m${i}'`).join()})`, "'m0,m63'", '18446744073709551615'],
  [
    'GEOMETRY',
    "ST_GeomFromText('POINT(1 -2)')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')",
  ],
  ['POINT', "ST_GeomFromText('POINT(1e300 0)')"],
];

const MYSQL: readonly Case[] = [
  ['GEOMETRY', "ST_GeomFromText('POINT(48.1 11.5)', 4326)"],
  [
    'JSON',
    '\'{"a": [1, -1, 1.5, 1e300, 12345678901234567890, null, true, "\\\\u0001\\\\"ü😀"], "": {}}\'',
    "'[]'",
    "'null'",
    "JSON_ARRAY(CAST('2020-01-02 03:04:05.6' AS DATETIME(6)), CAST('-1:2:3' AS TIME), DATE'0001-01-01', 1.230, x'00ff', b'1')",
    "CAST(CONCAT('[', REPEAT('70000,', 20000), '\"', REPEAT('x', 70000), '\"]') AS JSON)",
    "CAST(CONCAT('{', REPEAT('\"a\":[', 1), REPEAT('[', 90), '1', REPEAT(']', 90), ']}') AS JSON)",
  ],
];

/** VECTOR came with 9.0. */
const NEW: readonly Case[] = [['VECTOR(3)', "STRING_TO_VECTOR('[1,-2.5,3e38]')"]];

const MARIADB: readonly Case[] = [
  ['VARCHAR(254) COMPRESSED', "''", "'a'", "REPEAT('ab', 127)"],
  ['VARCHAR(255) COMPRESSED', "REPEAT('x', 255)", "'no shorter'"],
  ['VARCHAR(256) CHARACTER SET latin1 COMPRESSED', "REPEAT('é', 256)", "'ü'"],
  ['VARBINARY(3000) COMPRESSED', "REPEAT(x'00ff', 1500)", "x'00'"],
  ['TINYTEXT COMPRESSED', "REPEAT('y', 250)", "''"],
  ['TEXT COMPRESSED', "REPEAT('😀', 16000)", "'ä'"],
  ['MEDIUMTEXT COMPRESSED', "REPEAT('z', 100000)", "''"],
  ['LONGBLOB COMPRESSED', "CONCAT(REPEAT(x'ff', 3000000), x'00')", "x'8001'"],
];

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('on %s', (name) => {
  let source: TestSource;

  beforeAll(async () => {
    source = await TestSource.open(name);
  });

  afterAll(async () => {
    await source[Symbol.asyncDispose]();
  });

  test('every column type gives exactly what SELECT gives, in inserts, updates and deletes', async () => {
    const cases = [...COMMON, ...(name === 'mariadb' ? MARIADB : MYSQL), ...(name === 'mysql' ? NEW : [])];
    const rows = Math.max(...cases.map((one) => one.length - 1));
    const valuesOf = (row: number): string => cases.map((one) => one[1 + (row % (one.length - 1))]!).join();
    await source.root.execute("SET SESSION sql_mode = '', time_zone = '+00:00'");
    await source.root.execute(
      `CREATE TABLE t (id INT PRIMARY KEY, ${cases.map(([type], i) => `c${i} ${type}`).join()}) ROW_FORMAT=DYNAMIC`,
    );
    const inserts = Array.from({ length: rows }, (_, row) => `INSERT INTO t VALUES (${row}, ${valuesOf(row)})`);
    const { changes } = await source.changesOf([
      ...inserts,
      `INSERT INTO t (id) VALUES (${rows})`,
      'UPDATE t SET id = id + 1000',
      `DELETE FROM t WHERE id = ${rows + 1000}`,
    ]);

    const table = changes[0]!.table;
    const list = table.columns.map((column, i) => selectExpression(column, i === 0 ? 'id' : `c${i - 1}`));
    const selected = await source.root.query(`SELECT ${list.join()} FROM t ORDER BY id`);
    const exact = (values: RowValues): RowValues => values.map((value, i) => canonical(table.columns[i]!.type, value));
    const of = (op: Change['op']): Change[] => changes.filter((change) => change.op === op);

    expect(new Set(changes.map((change) => change.table))).toEqual(new Set([table]));
    expect(selected.length).toBe(rows);
    const updated = of('update').map(({ after }) => after);
    expect(updated.slice(0, rows).map(exact)).toEqual(selected.map(exact));
    expect(of('insert').map(({ after }) => after.slice(1))).toEqual(updated.map((after) => after.slice(1)));
    expect(of('update').map(({ before }) => before)).toEqual(of('insert').map(({ after }) => after));
    const empty = updated[rows]!;
    expect(empty.slice(1).every((value) => value === null)).toBe(true);
    expect(of('delete').map(({ before }) => before)).toEqual([empty]);
    expect(
      changes.every(({ op, before, after }) =>
        (op === 'insert' ? before : op === 'delete' ? after : [undefined]).every((value) => value === undefined),
      ),
    ).toBe(true);
  });

  test('the table map tells names, signs, members, character sets and the key', async () => {
    const { changes } = await source.changesOf([
      "CREATE TABLE m (y YEAR, u INT UNSIGNED, s BIGINT, e ENUM('x','ü,') CHARACTER SET latin1, t VARCHAR(9) CHARACTER SET latin1, b BLOB, g POINT, i INT UNSIGNED NOT NULL, k CHAR(3) NOT NULL, PRIMARY KEY (k, i)) CHARACTER SET utf8mb4",
      "INSERT INTO m (i, k, e) VALUES (1, 'a', 'ü,')",
    ]);
    const { table, after } = changes[0]!;
    expect(table.columns.map(({ name: column }) => column)).toEqual(['y', 'u', 's', 'e', 't', 'b', 'g', 'i', 'k']);
    const [, unsigned, signed, members, latin1, blob, , key] = table.columns;
    expect([unsigned!.unsigned, signed!.unsigned, key!.unsigned]).toEqual([true, false, true]);
    expect(members!.type).toBe(WIRE_TYPE.ENUM);
    expect(members!.memberBytes?.map((bytes) => bytes.toString('latin1'))).toEqual(['x', 'ü,']);
    expect([members!.charsetId, latin1!.charsetId, blob!.charsetId]).toEqual([8, 8, 63]);
    expect([table.columns[0]!.nullable, key!.nullable]).toEqual([true, false]);
    expect(table.primaryKey).toEqual([8, 7]);
    expect(after[3]).toBe('2');
  });
});

test('MariaDB columns compressed in every way that a session may choose', async () => {
  await using source = await TestSource.open('mariadb');
  const plain = Buffer.alloc(5000, 'ab');
  const ways = ['wrap = ON', 'wrap = OFF', 'level = 0', 'level = 9', "strategy = 'HUFFMAN_ONLY'"];
  const { changes } = await source.changesOf([
    'CREATE TABLE c (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(6000) CHARACTER SET ascii COMPRESSED, x INT)',
    ...ways.flatMap((way) => [
      `SET SESSION column_compression_zlib_${way}`,
      `INSERT INTO c (v, x) VALUES ('${plain.toString()}', 7)`,
    ]),
    'UPDATE c SET v = NULL WHERE id = 1',
    "UPDATE c SET v = 'short' WHERE id = 1",
  ]);
  const hex = plain.toString('hex').toUpperCase();
  const inserted = changes.slice(0, ways.length).map(({ after }) => after.slice(1));
  expect(inserted).toEqual(ways.map(() => [hex, '7']));
  expect(changes.slice(ways.length).map(({ before, after }) => [before[1], after[1]])).toEqual([
    [hex, null],
    [null, Buffer.from('short').toString('hex').toUpperCase()],
  ]);
});

/** Floats by value: a SELECT and JavaScript write the same double in two ways. */
function canonical(type: number, value: string | null | undefined): string | null | undefined {
  const isFloat = type === WIRE_TYPE.FLOAT || type === WIRE_TYPE.DOUBLE;
  return isFloat && typeof value === 'string' ? String(Number(value)) : value;
}
