import { expect, test } from '@jest/globals';
import type { Column, Table } from '@tapline/schema';
import { collationFor, createTable, createVersions } from './create-table.ts';

const column = (name: string, columnType: string, more: Partial<Column> = {}): Column => ({
  name,
  type: columnType.replace(/[ (].*/, ''),
  columnType,
  nullable: true,
  unsigned: false,
  ...more,
});

const TABLE: Table = {
  database: 'shop',
  name: 'item',
  columns: [
    column('id', 'bigint unsigned', { nullable: false, unsigned: true }),
    column('name', 'varchar(20)', { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' }),
    column('kind', "enum('a','b')", { charset: 'latin1', collation: 'latin1_bin', members: ["it's", 'b'] }),
    column('place', 'point', { srid: 4326 }),
    column('twice', 'int', { generated: 'virtual' }),
  ],
  primaryKey: ['id'],
  uniqueKeys: [{ name: 'by`name', columns: ['name'] }],
};
const MYSQL = { flavor: 'mysql', rowAlias: true, unicode: 'uca900' } as const;
const MARIADB = { flavor: 'mariadb', rowAlias: false, unicode: 'uca1400' } as const;

test('a copy has the types, character sets, collations and keys of its source, each in the words of the target', () => {
  expect(createTable('t', TABLE, ['id'], MYSQL)).toBe(
    "CREATE TABLE t (`id` bigint unsigned NOT NULL, `name` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NULL, `kind` enum('it''s','b') CHARACTER SET latin1 COLLATE latin1_bin NULL, `place` point NULL SRID 4326, `twice` int NULL, PRIMARY KEY (`id`), UNIQUE KEY `by``name` (`name`))",
  );
  const onMariadb = createTable('t', TABLE, ['id'], MARIADB);
  expect(onMariadb).toContain('COLLATE utf8mb4_uca1400_nopad_ai_ci');
  expect(onMariadb).not.toContain('SRID');
});

test.each([
  // MySQL 8 and later, 5.7, MariaDB 10.10 and later, before.
  [
    'utf8mb4_0900_ai_ci',
    'utf8mb4_0900_ai_ci',
    'utf8mb4_unicode_520_ci',
    'utf8mb4_uca1400_nopad_ai_ci',
    'utf8mb4_unicode_520_nopad_ci',
  ],
  [
    'utf8mb4_ja_0900_as_cs_ks',
    'utf8mb4_ja_0900_as_cs_ks',
    'utf8mb4_bin',
    'utf8mb4_uca1400_nopad_as_cs',
    'utf8mb4_nopad_bin',
  ],
  ['utf8mb4_0900_bin', 'utf8mb4_0900_bin', 'utf8mb4_bin', 'utf8mb4_nopad_bin', 'utf8mb4_nopad_bin'],
  ['utf8mb4_nopad_bin', 'utf8mb4_0900_bin', 'utf8mb4_bin', 'utf8mb4_nopad_bin', 'utf8mb4_nopad_bin'],
  [
    'utf8mb4_uca1400_ai_ci',
    'utf8mb4_0900_ai_ci',
    'utf8mb4_unicode_520_ci',
    'utf8mb4_uca1400_ai_ci',
    'utf8mb4_unicode_520_nopad_ci',
  ],
  [
    'uca1400_german2_nopad_ai_cs',
    'utf8mb4_0900_as_cs',
    'utf8mb4_bin',
    'uca1400_german2_nopad_ai_cs',
    'utf8mb4_nopad_bin',
  ],
  ['utf8mb4_general_ci', 'utf8mb4_general_ci', 'utf8mb4_general_ci', 'utf8mb4_general_ci', 'utf8mb4_general_ci'],
  ['latin1_bin', 'latin1_bin', 'latin1_bin', 'latin1_bin', 'latin1_bin'],
])('%s as each server calls it, or something that tells more apart', (name, ...expected) => {
  const old = { rowAlias: false, unicode: 'uca520' } as const;
  const dialects = [MYSQL, { ...old, flavor: 'mysql' }, MARIADB, { ...old, flavor: 'mariadb' }] as const;
  expect(dialects.map((dialect) => collationFor(name, dialect))).toEqual(expected);
});

test('a table without a primary key gets the key of the records, and the versions have that key in its types', () => {
  const { primaryKey: _, ...keyless } = TABLE;
  expect(createTable('t', keyless, ['name'], MYSQL)).toContain('PRIMARY KEY (`name`)');
  expect(createTable('t', keyless, [], MYSQL)).not.toContain('PRIMARY KEY');
  expect(createVersions('v', TABLE, ['name', 'id'], MYSQL)).toBe(
    'CREATE TABLE IF NOT EXISTS v (`name` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL, `id` bigint unsigned NOT NULL, `__version` BIGINT UNSIGNED NOT NULL, PRIMARY KEY (`name`, `id`)) ENGINE=InnoDB',
  );
});

test('TiDB has texts of utf8mb4 alone, few collations, and bytes for what is spatial', () => {
  const tidb = { flavor: 'mysql', rowAlias: false, unicode: 'tidb' } as const;
  expect(createTable('t', TABLE, ['id'], tidb)).toBe(
    "CREATE TABLE t (`id` bigint unsigned NOT NULL, `name` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NULL, `kind` enum('it''s','b') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL, `place` longblob NULL, `twice` int NULL, PRIMARY KEY (`id`), UNIQUE KEY `by``name` (`name`))",
  );
  const collations = {
    utf8mb4_bin: 'utf8mb4_bin',
    utf8mb3_general_ci: 'utf8mb4_general_ci',
    utf8mb4_ja_0900_as_cs_ks: 'utf8mb4_0900_bin',
    uca1400_german2_nopad_ai_ci: 'utf8mb4_0900_ai_ci',
    utf8mb4_nopad_bin: 'utf8mb4_0900_bin',
    latin1_general_ci: 'utf8mb4_bin',
    utf8mb4_unicode_520_ci: 'utf8mb4_bin',
  };
  for (const [name, expected] of Object.entries(collations)) expect(collationFor(name, tidb)).toBe(expected);
});
