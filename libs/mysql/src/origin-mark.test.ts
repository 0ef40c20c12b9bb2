import { expect, test } from '@jest/globals';
import { originComment, originOfStatement, originOfTable, originTable } from './origin-mark.ts';

test('a mark says its origin in the name of a table and at the end of a statement', () => {
  expect(originOfTable(originTable('shop-b'))).toBe('shop-b');
  expect(originOfTable('orders')).toBeUndefined();
  expect(originOfStatement(`ALTER TABLE t ADD a INT ${originComment('shop-b')}`)).toBe('shop-b');
  expect(originOfStatement(`ALTER TABLE t COMMENT '${originComment('shop-b')}'`)).toBeUndefined();
  expect(originOfStatement('ALTER TABLE t ADD a INT')).toBeUndefined();
});
