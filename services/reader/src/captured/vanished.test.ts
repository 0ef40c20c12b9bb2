import { expect, test } from '@jest/globals';
import type { StatementEvent } from '@tapline/binlog';
import { vanishedRows } from './vanished.ts';

const event = (sql: string): StatementEvent => ({
  kind: 'statement',
  gtid: 'u:7',
  commitMicros: 0n,
  database: 'shop',
  sql,
  session: {},
  inTransaction: false,
  position: { file: 'b.1', position: 9 },
});
const isGhost = /^_.+_(?:gho|del|new|old)$/;
const options = {
  filter: {
    matches: (database: string, name: string) => database === 'shop' && !isGhost.test(name) && name !== 'outside',
    mayMatchIn: (database: string) => database === 'shop',
  },
  server: { flavor: 'mysql', version: 90_700 } as const,
  tables: () => [
    { database: 'shop', name: 'a' },
    { database: 'shop', name: 'outside' },
    { database: 'other', name: 'a' },
  ],
};

test.each<[string, string[]]>([
  ['TRUNCATE a', ['shop.a']],
  ['TRUNCATE TABLE other.a', []],
  ['DROP TABLE a, outside, b', ['shop.a', 'shop.b']],
  ['DROP TEMPORARY TABLE a', []],
  ['DROP DATABASE shop', ['shop.a']],
  ['DROP DATABASE other', []],
  ['RENAME TABLE outside TO a', ['shop.a']],
  ['RENAME TABLE a TO outside', ['shop.a']],
  ['RENAME TABLE a TO b', ['shop.a', 'shop.b']],
  ['RENAME TABLE a TO _a_del, _a_gho TO a', []],
  ['RENAME TABLE a TO _a_old, _a_new TO a', []],
  ['RENAME TABLE a TO _a_old, outside TO a', ['shop.a']],
  ['ALTER TABLE outside RENAME TO a', ['shop.a']],
  ['ALTER TABLE a DROP PARTITION p0', ['shop.a']],
  ['alter table `a` truncate partition all', ['shop.a']],
  ['ALTER TABLE a EXCHANGE PARTITION p0 WITH TABLE `shop`.b', ['shop.a', 'shop.b']],
  ['ALTER TABLE a IMPORT TABLESPACE', ['shop.a']],
  ['ALTER TABLE a ADD PARTITION (PARTITION p9 VALUES LESS THAN (9))', []],
  ['ALTER TABLE a DROP COLUMN c, ADD d INT', []],
  ['CREATE TABLE a (id INT)', []],
  ['CREATE USER x', []],
])('captured tables whose rows no event told of: %s', (sql, tables) => {
  expect(vanishedRows(event(sql), options)).toEqual(tables);
});
