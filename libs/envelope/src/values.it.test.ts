import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Table } from '@tapline/schema';
import { type AvroEnvelope, compileEnvelope, type TextRow } from './compile.ts';
import { ChangeReader } from './reader/change-reader.ts';
import type { Value } from './reader/values.ts';
import { written } from './testing/encode.ts';
import { EnvelopeSource, type SourceName, type WireRow } from './testing/source.ts';

/** A column type and SQL for its values, one row each. NULL is tried for all. */
type Case = readonly [type: string, ...values: string[]];

const COMMON: readonly Case[] = [
  ['TINYINT', '-128', '127', '0'],
  ['TINYINT(1)', '1'],
  ['TINYINT(4) UNSIGNED ZEROFILL', '7', '255'],
  ['SMALLINT', '-32768', '32767'],
  ['SMALLINT UNSIGNED', '65535'],
  ['MEDIUMINT', '-8388608', '8388607', '-1'],
  ['MEDIUMINT UNSIGNED', '16777215'],
  ['INT', '-2147483648', '2147483647'],
  ['INT UNSIGNED', '4294967295', '0'],
  ['BIGINT', '-9223372036854775808', '9223372036854775807', '-1', '4294967296'],
  ['BIGINT UNSIGNED', '18446744073709551615', '0', '128', '32768'],
  ['FLOAT', '-0.1', '3.4028234e38', '1.17e-38', '16777217', '-0e0', '0.3333333333'],
  ['FLOAT(7,2)', '12345.67', '-0.05'],
  ['DOUBLE', '-0.1', '1.7976931348623157e308', '5e-324', '0.30000000000000004', '-0e0'],
  ['DOUBLE(20,3)', '12345678901234567.891', '-0.001'],
  ['DECIMAL(1,0)', '-9', '0'],
  ['DECIMAL(10,2)', '-12345678.90', '0.01', '-0.01', '0'],
  ['DECIMAL(16,1)', '999999999999999.9', '-100000000000000.0'],
  ['DECIMAL(65,30)', `-${'9'.repeat(35)}.${'9'.repeat(30)}`, `0.${'0'.repeat(29)}1`, '12345678901234567890.5'],
  ['DECIMAL(30,30)', '0.123456789012345678901234567891', '-0.5'],
  ['DECIMAL(12,3) UNSIGNED ZEROFILL', '1.5'],
  ['BIT(1)', "b'1'", "b'0'"],
  ['BIT(9)', "b'100000001'", "b'11'"],
  ['BIT(64)', `b'${'1'.repeat(64)}'`, "b'10'"],
  ['YEAR', '0', '1901', '2155'],
  [
    'DATE',
    "'0000-00-00'",
    "'2020-02-00'",
    "'2023-02-31'",
    "'9999-12-31'",
    "'0000-01-01'",
    "'1000-00-00'",
    "'2024-02-29'",
  ],
  ['DATETIME', "'0000-00-00'", "'9999-12-31 23:59:59'", "'2020-00-15 12:34:56'", "'1969-12-31 23:59:59'"],
  ['DATETIME(1)', "'2020-02-29 12:34:56.7'", "'2020-00-15 00:00:00.1'"],
  ['DATETIME(2)', "'2020-02-29 12:34:56.78'"],
  ['DATETIME(3)', "'2020-02-29 12:34:56.789'", "'1000-01-01 00:00:00.001'"],
  ['DATETIME(4)', "'2020-02-29 12:34:56.7891'", "'0000-00-00 00:00:00'"],
  ['DATETIME(5)', "'2020-02-29 12:34:56.78912'"],
  ['DATETIME(6)', "'9999-12-31 23:59:59.999999'", "'2255-06-05 23:47:34.740993'", "'2020-02-31 01:02:03.000004'"],
  [
    'TIMESTAMP NULL',
    "'1970-01-01 00:00:01'",
    "'2038-01-19 03:14:07'",
    "'0000-00-00 00:00:00'",
    "'2024-02-29 00:00:00'",
  ],
  ['TIMESTAMP(1) NULL', "'2020-02-29 12:34:56.7'"],
  ['TIMESTAMP(2) NULL', "'2020-02-29 12:34:56.07'"],
  ['TIMESTAMP(3) NULL', "'2020-02-29 12:34:56.789'", "'0000-00-00 00:00:00'"],
  ['TIMESTAMP(4) NULL', "'2020-02-29 12:34:56.0001'"],
  ['TIMESTAMP(6) NULL', "'2038-01-19 03:14:07.999999'", "'1970-01-01 00:00:01.000001'", "'0000-00-00 00:00:00'"],
  ['TIME', "'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'"],
  ['TIME(1)', "'-00:00:00.5'", "'12:34:56.7'"],
  ['TIME(2)', "'-00:00:00.01'", "'12:34:56.78'"],
  ['TIME(3)', "'-100:00:00.999'", "'12:34:56.789'"],
  ['TIME(4)', "'-00:59:59.9999'"],
  ['TIME(6)', "'-838:59:58.999999'", "'-00:00:00.000001'", "'838:59:58.000001'"],
  ['CHAR(0)', "''"],
  ['CHAR(10)', "'ä😀'", "''", "' a b '"],
  ['CHAR(255)', "REPEAT('😀', 255)", "'x'"],
  ['VARCHAR(20)', "'ä😀'", "''", "' a '", "'a\\0b\\n'"],
  ['VARCHAR(300)', "REPEAT('x', 300)", "REPEAT('é', 300)"],
  ['VARCHAR(20) CHARACTER SET utf8mb3', "'äÿ中'"],
  ['VARCHAR(20) CHARACTER SET ascii', "'plain'"],
  ['CHAR(10) CHARACTER SET latin1', "'äöü€'", "''", "'plain'"],
  ['VARCHAR(300) CHARACTER SET latin1', "REPEAT('é', 300)", "REPEAT('x', 300)"],
  ['TEXT CHARACTER SET latin2', "'ąé'"],
  ['VARCHAR(20) CHARACTER SET cp1251', "'Привет'"],
  ['CHAR(5) CHARACTER SET gbk', "'中文'"],
  ['CHAR(5) CHARACTER SET sjis', "'日本ｱ'"],
  ['VARCHAR(5) CHARACTER SET ujis', "'日本ｱ'"],
  ['VARCHAR(5) CHARACTER SET big5', "'一二'"],
  ['VARCHAR(5) CHARACTER SET euckr', "'가갂'"],
  ['CHAR(5) CHARACTER SET ucs2', "'aé中'", "' '"],
  ['VARCHAR(20) CHARACTER SET utf16', "'ä😀'"],
  ['VARCHAR(20) CHARACTER SET utf16le', "'ä😀'"],
  ['CHAR(5) CHARACTER SET utf32', "'ä😀'"],
  ['TINYTEXT', "'ä'", "REPEAT('x', 255)"],
  ['TEXT', "''", "REPEAT('😀', 16383)"],
  ['MEDIUMTEXT', "REPEAT('x', 70000)"],
  ['LONGTEXT', "REPEAT('y', 70000)"],
  ['BINARY(5)', "x'0001000000'", "x'ffffffffff'", "''", "x'20'"],
  ['BINARY(255)', "REPEAT(x'ff', 255)", "x'00'"],
  ['VARBINARY(300)', "x'00ff00'", "REPEAT(x'00', 300)", "''"],
  ['TINYBLOB', "x'00'", "REPEAT(x'ff', 255)"],
  ['BLOB', "x'00ff'", "REPEAT(x'00', 65535)"],
  ['LONGBLOB', "REPEAT(x'ab', 100000)"],
  ["ENUM('a','b,c','ü','it''s','')", "'a'", "'b,c'", "'ü'", "'it''s'", "'wrong'", "''"],
  [`ENUM(${Array.from({ length: 300 }, (_, i) => `'m${i}'`).join()})`, "'m299'", "'m0'"],
  ["ENUM('ü','x') CHARACTER SET latin1", "'ü'"],
  ["SET('a','b','ü')", "'a,ü'", "''", "'a,b,ü'"],
  [`SET(${Array.from({ length: 64 }, (_, i) => `'m${i}'`).join()})`, "'m0,m63'", '18446744073709551615', "'m31,m32'"],
  [
    'JSON',
    `'{"n": 1.10, "s": "a\\\\"b", "u": "é😀", "d": null, "a": [1, true]}'`,
    "'[]'",
    "'null'",
    `'"text"'`,
    "'-0.5'",
  ],
];

const SPATIAL: readonly Case[] = [
  [
    'GEOMETRY',
    "ST_GeomFromText('POINT(1 -2)')",
    "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))')",
  ],
  ['POINT', "ST_GeomFromText('POINT(1e300 -0.5)')"],
  ['LINESTRING', "ST_GeomFromText('LINESTRING(0 0,1 1)')"],
  ['POLYGON', "ST_GeomFromText('POLYGON((0 0,0 1,1 1,0 0))')"],
  ['MULTIPOINT', "ST_GeomFromText('MULTIPOINT(0 0,1 1)')"],
  ['MULTILINESTRING', "ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3))')"],
  ['MULTIPOLYGON', "ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))')"],
  ['GEOMETRYCOLLECTION', "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')"],
];

const MYSQL_SPATIAL: readonly Case[] = [
  ['GEOMETRY', "ST_GeomFromText('POINT(48.1 11.5)', 4326)"],
  ['POINT SRID 4326', "ST_GeomFromText('POINT(48.1 11.5)', 4326)"],
];

const MYSQL: readonly Case[] = [
  ['VARCHAR(20) CHARACTER SET gb18030', "'中ḿ😀é'"],
  [
    'JSON',
    `'{"big": 12345678901234567890, "neg": -9223372036854775808, "e": 1e300, "z": 0.1, "": {"a": {}}}'`,
    "JSON_ARRAY(CAST('2020-01-02 03:04:05.6' AS DATETIME(6)), CAST('-1:2:3' AS TIME), DATE'0001-01-01', 1.230, x'00ff', b'1')",
    "CAST(CONCAT('[', REPEAT('70000,', 20000), '\"', REPEAT('x', 70000), '\"]') AS JSON)",
  ],
];

const MARIADB: readonly Case[] = [
  ['UUID', "'123e4567-e89b-12d3-a456-426614174000'", "'0190163d-8694-739b-aea5-966c26f8ad91'"],
  ['INET6', "'::1'", "'2001:db8::'"],
  ['INET4', "'1.2.3.0'"],
  ['VARCHAR(300) CHARACTER SET latin1 COMPRESSED', "REPEAT('é', 300)", "'ü'", "''"],
  ['VARBINARY(300) COMPRESSED', "REPEAT(x'00ff', 150)", "x'00'"],
  ['TINYTEXT COMPRESSED', "REPEAT('y', 250)"],
  ['TEXT COMPRESSED', "REPEAT('😀', 16000)", "''"],
  ['MEDIUMTEXT CHARACTER SET utf16 COMPRESSED', "REPEAT('ä', 30000)"],
  ['LONGBLOB COMPRESSED', "REPEAT(x'80', 300000)", "x'80'"],
];

const NEW: readonly Case[] = [['VECTOR(3)', "STRING_TO_VECTOR('[1,-2.5,3e38]')", "STRING_TO_VECTOR('[0.1,0,-0.0]')"]];

const CASES: readonly (readonly [SourceName, string, readonly Case[]])[] = [
  ['mysql', 'all types', [...COMMON, ...MYSQL, ...NEW]],
  ['mysql', 'spatial types', [...SPATIAL, ...MYSQL_SPATIAL]],
  ['mysql80', 'all types', [...COMMON, ...MYSQL]],
  ['mysql80', 'spatial types', [...SPATIAL, ...MYSQL_SPATIAL]],
  ['mariadb', 'all types', [...COMMON, ...MARIADB]],
  ['mariadb', 'spatial types', SPATIAL],
];

describe.each(CASES)('on %s, %s', (name, _, cases) => {
  let source: EnvelopeSource;
  let table: Table;
  let envelope: AvroEnvelope;
  let wire: readonly WireRow[];
  let text: readonly TextRow[];
  let plain: readonly (readonly (string | null)[])[];

  beforeAll(async () => {
    source = await EnvelopeSource.open(name);
    const columns = cases.map(([type], i) => `c${i} ${type}`);
    const rows = Math.max(...cases.map((one) => one.length - 1));
    const valuesOf = (row: number): string => cases.map((one) => one[1 + (row % (one.length - 1))]).join();
    wire = await source.rowsOf([
      `CREATE TABLE t (id INT PRIMARY KEY, ${columns.join()}) ROW_FORMAT=DYNAMIC`,
      ...Array.from({ length: rows }, (_, row) => `INSERT INTO t VALUES (${row}, ${valuesOf(row)})`),
      `INSERT INTO t (id) VALUES (${rows})`,
    ]);
    table = await source.table('t');
    const all = table.columns.map((column) => column.name);
    envelope = compileEnvelope({ source: 'it', table, keyColumns: all, wire: wire[0]!.table });
    envelope.bind({ key: 1, value: 2 });
    text = await rowsFrom(source, envelope.selectList);
    plain = await source.root.query(`SELECT ${table.columns.map(plainExpression).join()} FROM t ORDER BY id`);
  });

  afterAll(async () => {
    await source[Symbol.asyncDispose]();
  });

  test('the wire and the SELECT text of every value give the same Avro', () => {
    expect(wire.length).toBe(text.length);
    const different: unknown[] = [];
    table.columns.forEach((column) => {
      const one = compileEnvelope({ source: 'it', table, keyColumns: [column.name], wire: wire[0]!.table });
      one.bind({ key: 1, value: 2 });
      wire.forEach(({ after }, row) => {
        const fromWire = written((sink) => one.writeKey(sink, after));
        const fromText = written((sink) => one.writeKeyFromText(sink, text[row] as TextRow));
        if (!fromWire.equals(fromText)) different.push([column.columnType, row, excerpt(fromWire), excerpt(fromText)]);
      });
    });
    expect(different).toEqual([]);
  });

  test('ChangeReader gives what a plain SELECT shows', async () => {
    const reader = new ChangeReader({ schema: async () => envelope.keySchema as string });
    const different: unknown[] = [];
    for (const [row, { after }] of wire.entries()) {
      const key = written((sink) => envelope.writeKey(sink, after));
      const record = { topic: 't', partition: 0, offset: '0', key, value: null, headers: { v: Buffer.alloc(8) } };
      const change = await reader.read(record);
      table.columns.forEach((column, index) => {
        const seen = shown((change.key as Record<string, Value>)[column.name] as Value, column.type);
        const selected = normal(plain[row]![index] as string | null, column.type);
        if (seen !== selected) different.push([column.columnType, row, seen?.slice(0, 200), selected?.slice(0, 200)]);
      });
    }
    expect(different).toEqual([]);
  });
});

function excerpt(bytes: Buffer): string {
  return bytes.toString('hex', 0, 200);
}

async function rowsFrom(source: EnvelopeSource, list: string): Promise<TextRow[]> {
  const rows: TextRow[] = [];
  for await (const batch of source.root.stream(`SELECT ${list} FROM t AS r ORDER BY r.id`, { bufferBytes: 1 << 20 })) {
    rows.push(...batch);
  }
  return rows;
}

const SPATIAL_TYPE = /geom|point|linestring|polygon/;

/** What a person would select to see the value: bytes as hexadecimal digits. */
function plainExpression({ name, type }: Table['columns'][number]): string {
  if (/binary|blob|vector|uuid|inet/.test(type) || SPATIAL_TYPE.test(type)) return `HEX(${name})`;
  if (type === 'bit') return `${name}+0`;
  return /float|double/.test(type) ? `${name}*1e0` : name;
}

/** The server's text in the form that `shown` has. */
function normal(text: string | null, type: string): string | null {
  if (text === null) return null;
  if (type === 'float') return String(Math.fround(Number(text)));
  if (type === 'double') return String(Number(text));
  if (type === 'datetime') return text.replace(' ', 'T');
  if (type === 'timestamp') return text.startsWith('0000') ? '0000-00-00T00:00:00Z' : `${text.replace(' ', 'T')}Z`;
  if (type === 'decimal') return text.replace(/^0+(?=\d+\.)/, '');
  return /^(tiny|small|medium|big)?int$|^year$/.test(type) ? String(BigInt(text)) : text;
}

function shown(value: Value, type: string): string | null {
  if (value === null) return null;
  if (type === 'vector') {
    const floats = Float32Array.from(JSON.parse(value as string) as number[]);
    return Buffer.from(floats.buffer).toString('hex').toUpperCase();
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (type === 'float') return String(Math.fround(value as number));
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}
