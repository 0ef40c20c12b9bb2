import { describe, expect, test } from '@jest/globals';
import type { DdlDialect } from './dialect.ts';
import { rewriteDdl } from './rewrite.ts';

const MYSQL: DdlDialect = { flavor: 'mysql', version: 90_700 };
const rewriting = {
  table: ({ database, name }: { database: string; name: string }) => ({
    database: `${database}_copy`,
    name: `${name}_1`,
  }),
  collation: (name: string) => (name === 'utf8mb4_0900_ai_ci' ? 'utf8mb4_uca1400_nopad_ai_ci' : name),
};
const rewritten = (sql: string, dialect = MYSQL): string => rewriteDdl(sql, 'shop', dialect, rewriting);

describe('a statement for another place', () => {
  test.each([
    [
      "ALTER TABLE item ADD COLUMN note VARCHAR(9) DEFAULT 'item shop.item' COMMENT 'of item', DROP x",
      "ALTER TABLE `shop_copy`.`item_1` ADD COLUMN note VARCHAR(9) DEFAULT 'item shop.item' COMMENT 'of item', DROP x",
    ],
    [
      'alter /* item */ table `sh``op`.`item` -- item\n rename column item to shop',
      'alter /* item */ table `sh``op_copy`.`item_1` -- item\n rename column item to shop',
    ],
    [
      'RENAME TABLE a TO b, other.c TO `d`',
      'RENAME TABLE `shop_copy`.`a_1` TO `shop_copy`.`b_1`, `other_copy`.`c_1` TO `shop_copy`.`d_1`',
    ],
    ['CREATE UNIQUE INDEX item ON item (item)', 'CREATE UNIQUE INDEX item ON `shop_copy`.`item_1` (item)'],
    [
      'ALTER TABLE item ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES item (id) ON DELETE CASCADE, ALGORITHM=INPLACE, LOCK NONE',
      'ALTER TABLE `shop_copy`.`item_1` ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES `shop_copy`.`item_1` (id) ON DELETE CASCADE, ALGORITHM=DEFAULT, LOCK DEFAULT',
    ],
    [
      "ALTER TABLE item MODIFY a TEXT COLLATE utf8mb4_0900_AI_CI COMMENT 'COLLATE utf8mb4_0900_ai_ci', DEFAULT COLLATE = 'utf8mb4_bin'",
      "ALTER TABLE `shop_copy`.`item_1` MODIFY a TEXT COLLATE utf8mb4_uca1400_nopad_ai_ci COMMENT 'COLLATE utf8mb4_0900_ai_ci', DEFAULT COLLATE = 'utf8mb4_bin'",
    ],
    ['/*!50100 ALTER TABLE item ENGINE=InnoDB */', '/*!50100 ALTER TABLE `shop_copy`.`item_1` ENGINE=InnoDB */'],
    ['DROP TABLE IF EXISTS item, other.item', 'DROP TABLE IF EXISTS `shop_copy`.`item_1`, `other_copy`.`item_1`'],
  ])('%s', (sql, expected) => {
    expect(rewritten(sql)).toBe(expected);
  });

  test('names in double quotes are names where the session took them for such, and text elsewhere', () => {
    const sql = `ALTER TABLE "item" ALTER COLUMN a SET DEFAULT 'x'`;
    expect(rewritten(sql, { ...MYSQL, ansiQuotes: true })).toBe(
      "ALTER TABLE `shop_copy`.`item_1` ALTER COLUMN a SET DEFAULT 'x'",
    );
  });

  test('what cannot be read is not guessed', () => {
    expect(() => rewritten('ALTER TABLE item MODIFY a FUTURE_TYPE(')).toThrow('could not be read');
  });
});
