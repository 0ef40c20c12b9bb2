import { expect, test } from '@jest/globals';
import { change, tombstone } from '@tapline/sink';
import { preview } from './preview.ts';
import { mysqlConfig } from './testing/bench.ts';

const shown = (mode: string): readonly string[] =>
  preview(
    [
      change(1, { id: 1 }, { id: 1, name: "it's", bytes: new Uint8Array([1, 255]), none: null }, 'c'),
      change(2, { id: 1 }, { id: 1, name: 'b' }, 'u'),
      change(3, { id: 1 }),
      tombstone(4, { id: 1 }),
    ],
    mysqlConfig({ host: 'h', user: 'u', database: '${db}_copy', mode }),
  );

const INSERT = "INTO `shop_copy`.`item` (`id`, `name`, `bytes`, `none`) VALUES (1, 'it''s', x'01ff', NULL)";
const UPDATE = "UPDATE `shop_copy`.`item` SET `id` = 1, `name` = 'b' WHERE `id` = 1";
const DELETE = 'DELETE FROM `shop_copy`.`item` WHERE `id` = 1';

test.each<[string, string, string]>([
  [
    'upsert',
    `INSERT ${INSERT} ON DUPLICATE KEY UPDATE \`id\` = 1, \`name\` = 'it''s', \`bytes\` = x'01ff', \`none\` = NULL`,
    "INSERT INTO `shop_copy`.`item` (`id`, `name`) VALUES (1, 'b') ON DUPLICATE KEY UPDATE `id` = 1, `name` = 'b'",
  ],
  ['replace', `REPLACE ${INSERT}`, "REPLACE INTO `shop_copy`.`item` (`id`, `name`) VALUES (1, 'b')"],
  ['insertIgnore', `INSERT IGNORE ${INSERT}`, UPDATE],
  ['strict', `INSERT ${INSERT}`, UPDATE],
])('%s: each change as the statement that it comes to', (mode, insert, update) => {
  expect(shown(mode)).toEqual([insert, update, DELETE, DELETE]);
});

test('rows without a key are found by all of their values', () => {
  const row = { ...change(1, {}, { a: 2, b: null }, 'u'), key: null, before: { a: 1, b: null } };
  const config = mysqlConfig({ host: 'h', user: 'u' });
  expect(preview([row, { ...row, after: null, op: 'd' }, { ...row, op: 'c' }], config)).toEqual([
    'UPDATE `shop`.`item` SET `a` = 2, `b` = NULL WHERE `a` = 1 AND `b` IS NULL LIMIT 1',
    'DELETE FROM `shop`.`item` WHERE `a` = 1 AND `b` IS NULL LIMIT 1',
    'INSERT INTO `shop`.`item` (`a`, `b`) VALUES (2, NULL)',
  ]);
});
