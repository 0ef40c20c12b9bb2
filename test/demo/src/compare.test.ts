import { expect, test } from '@jest/globals';
import { expectedHash, hashDifferences, redisKey } from './compare.ts';
import { SHOP_TABLES } from './shop.ts';

const table = (name: string) => {
  const found = SHOP_TABLES.find((candidate) => candidate.name === name);
  if (!found) throw new Error(name);
  return found;
};
const coupon = expectedHash(table('coupons'), ['A:1', '5', null]);

test('a key of one column stands as it is, parts of a longer one are escaped', () => {
  expect(redisKey(table('coupons'), ['A:1'])).toBe('coupons:A:1');
  expect(redisKey(table('order_items'), ['7', 'a:b%'])).toBe('order_items:7:a%3Ab%25');
});

test('equal rows have no difference; NULL is an absent field and the version is ignored', () => {
  expect(hashDifferences('k', coupon, { code: 'A:1', percent: '5', _v: '00' })).toEqual([]);
});

test('a missing row, a missing, changed or surplus field is a difference each', () => {
  expect(hashDifferences('k', coupon, {})).toHaveLength(1);
  expect(hashDifferences('k', coupon, { code: 'A:1' })).toHaveLength(1);
  expect(hashDifferences('k', coupon, { code: 'A:1', percent: '6' })).toHaveLength(1);
  expect(hashDifferences('k', coupon, { code: 'A:1', percent: '5', used: '1' })).toHaveLength(1);
});
