import { describe, expect, test } from '@jest/globals';
import type { Column, Table } from '@tapline/schema';
import { change, type Row, suiteTable } from '@tapline/sink';
import { openStack, type SqlAddress, testServers } from '@tapline/test-stack';
import { Scene } from './testing/scene.ts';

/** The suite's table with these collations, by column. */
function table(columns: Readonly<Record<string, string>>, collations: Readonly<Record<string, string>>): Table {
  const plain = suiteTable(columns, ['word']);
  const typed = plain.columns.map((column) => (column.columnType === 'inet6' ? { ...column, type: 'inet6' } : column));
  const collated = (column: Column): Column => {
    const collation = collations[column.name];
    return collation === undefined ? column : { ...column, collation };
  };
  return { ...plain, columns: typed.map(collated) };
}

const FROM_MYSQL = table(
  {
    word: 'varchar(40)',
    any: 'varchar(40)',
    exact: 'text',
    doc: 'json',
    at: 'datetime(6)',
    bits: 'bit(9)',
    kind: "enum('a','b')",
    big: 'bigint unsigned',
    money: 'decimal(20,4)',
    bytes: 'varbinary(20)',
    year: 'year',
  },
  { word: 'utf8mb4_0900_as_cs', any: 'utf8mb4_ja_0900_as_cs_ks', exact: 'utf8mb4_0900_bin' },
);

const FROM_MARIADB = table(
  { word: 'varchar(40)', any: 'varchar(40)', exact: 'text', id: 'uuid', address: 'inet6' },
  { word: 'utf8mb4_uca1400_nopad_as_cs', any: 'utf8mb4_uca1400_german2_ai_ci', exact: 'utf8mb4_nopad_bin' },
);

/** No two of these are one, as long as accents, case and blanks at the end count. */
const WORDS = ['a', 'A', 'á', 'a '];

async function written(address: SqlAddress, from: Table, values: Row, columns: string): Promise<unknown> {
  await using scene = await Scene.open(address, from);
  const changes = WORDS.map((word, at) => change(at + 1, { word }, { word, any: word, exact: word, ...values }));
  expect(await scene.applied(changes)).toEqual(WORDS.map(() => 'applied'));
  const rows = await scene.rows(`HEX(word), HEX(any), HEX(exact), ${columns}`);
  expect(rows.map(([word]) => Buffer.from(word ?? '', 'hex').toString()).toSorted()).toEqual(WORDS.toSorted());
  expect(rows.every(([word, any, exact]) => any === word && exact === word)).toBe(true);
  return rows[0]?.slice(3);
}

describe('a table of the other server, and of a newer one', () => {
  test.each(['mariadb', 'mariadb105', 'mysql80'] as const)('of MySQL 9 on %s', async (kind) => {
    await using stack = await openStack({});
    const address = kind === 'mariadb105' ? (await stack.add(kind, true)).address : (await testServers(kind))[kind];
    const values = {
      doc: '{"a": [1, null]}',
      at: '2026-02-28T23:59:59.123456',
      bits: 257,
      kind: 'b',
      big: 18_446_744_073_709_551_615n,
      money: '-12345678.9000',
      bytes: new Uint8Array([0, 255]),
      year: 2026,
    };
    const columns = "JSON_EXTRACT(doc, '$.a[0]'), at, bits + 0, kind, big, money, HEX(bytes), year";
    const expected = [
      '1',
      '2026-02-28 23:59:59.123456',
      '257',
      'b',
      '18446744073709551615',
      '-12345678.9000',
      '00FF',
      '2026',
    ];
    expect(await written(address, FROM_MYSQL, values, columns)).toEqual(expected);
  });

  test.each(['mysql', 'mysql80'] as const)('of MariaDB 11 on %s', async (kind) => {
    const id = Buffer.from('0123456789abcdef0123456789abcdef', 'hex');
    const address = Buffer.from('20010db8000000000000000000000001', 'hex');
    const expected = [id, address].map((value) => value.toString('hex').toUpperCase());
    expect(
      await written((await testServers(kind))[kind], FROM_MARIADB, { id, address }, 'HEX(id), HEX(address)'),
    ).toEqual(expected);
  });
});
