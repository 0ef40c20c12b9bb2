import { expect, test } from '@jest/globals';
import { avroName, avroNamespace, fieldNames } from './names.ts';

test('names become legal in Avro', () => {
  expect(['plain_1', 'order-items', '2024', 'naïve', '价格', ''].map(avroName)).toEqual([
    'plain_1',
    'order_items',
    '_2024',
    'na_ve',
    '__',
    '_',
  ]);
  expect(avroNamespace('eu.shop', 'my db', '1st')).toBe('eu.shop.my_db._1st');
});

test('columns keep different names, and a column added at the end renames none', () => {
  const columns = ['a-b', 'a_b', 'a b', 'a_b_2'];
  expect(fieldNames(columns)).toEqual(['a_b_3', 'a_b', 'a_b_4', 'a_b_2']);
  expect(fieldNames(['a-b', 'a b'])).toEqual(['a_b', 'a_b_2']);
});
