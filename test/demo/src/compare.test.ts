import { expect, test } from '@jest/globals';
import { rowDifferences } from './compare.ts';
import { SHOP_TABLES, storedRow } from './shop.ts';
import { rowName } from './stores/store.ts';

const coupons = SHOP_TABLES.find(({ name }) => name === 'coupons');
if (!coupons) throw new Error('no coupons');
const coupon = storedRow(coupons, ['A:1', '5', null]);

test('a key of one column stands as it is, parts of a longer one are escaped', () => {
  expect(rowName(['A:1'])).toBe('A:1');
  expect(rowName(['7', 'a:b%'])).toBe('7:a%3Ab%25');
});

test('equal rows have no difference; NULL is an absent column', () => {
  expect(rowDifferences('k', coupon, { code: 'A:1', percent: '5' }, 'Redis')).toEqual([]);
});

test('a missing row, a missing, changed or surplus column is a difference each', () => {
  expect(rowDifferences('k', coupon, undefined, 'Redis')).toHaveLength(1);
  expect(rowDifferences('k', coupon, { code: 'A:1' }, 'Redis')).toHaveLength(1);
  expect(rowDifferences('k', coupon, { code: 'A:1', percent: '6' }, 'Redis')).toHaveLength(1);
  expect(rowDifferences('k', coupon, { code: 'A:1', percent: '5', used: '1' }, 'Redis')).toHaveLength(1);
});
