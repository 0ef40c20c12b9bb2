import { expect, test } from '@jest/globals';
import type { Column, Table } from '@tapline/schema';
import { createTable, createVersions } from './create-table.ts';

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
const MYSQL = { flavor: 'mysql', rowAlias: true } as const;
const MARIADB = { flavor: 'mariadb', rowAlias: false } as const;

test('a copy has the types, character sets, collations and keys of its source, each in the words of the target', () => {
  expect(createTable('t', TABLE, ['id'], MYSQL)).toBe(
    "CREATE TABLE t (`id` bigint unsigned NOT NULL, `name` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NULL, `kind` enum('it''s','b') CHARACTER SET latin1 COLLATE latin1_bin NULL, `place` point NULL SRID 4326, `twice` int NULL, PRIMARY KEY (`id`), UNIQUE KEY `by``name` (`name`))",
  );
  const onMariadb = createTable('t', TABLE, ['id'], MARIADB);
  expect(onMariadb).toContain('COLLATE utf8mb4_uca1400_nopad_ai_ci');
  expect(onMariadb).not.toContain('SRID');
});

test('a table without a primary key gets the key of the records, and the versions have that key in its types', () => {
  const { primaryKey: _, ...keyless } = TABLE;
  expect(createTable('t', keyless, ['name'], MYSQL)).toContain('PRIMARY KEY (`name`)');
  expect(createTable('t', keyless, [], MYSQL)).not.toContain('PRIMARY KEY');
  expect(createVersions('v', TABLE, ['name', 'id'], MYSQL)).toBe(
    'CREATE TABLE IF NOT EXISTS v (`name` varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci NOT NULL, `id` bigint unsigned NOT NULL, `__version` BIGINT UNSIGNED NOT NULL, PRIMARY KEY (`name`, `id`)) ENGINE=InnoDB',
  );
});
