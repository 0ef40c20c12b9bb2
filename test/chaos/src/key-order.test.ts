import { expect, test } from '@jest/globals';
import { KeyOrder } from './key-order.ts';

function orderOf(...versions: readonly number[]): KeyOrder {
  const order = new KeyOrder();
  for (let version = 1; version <= 5; version++) order.sent(1, BigInt(version));
  for (const version of versions) order.took('m', 1, BigInt(version));
  return order;
}

test('changes in their order are right, also those that come again together', () => {
  expect(orderOf(1, 2, 3, 4, 5)).toMatchObject({ problems: [], repeated: 0, open: 0 });
  expect(orderOf(1, 2, 3, 2, 3, 4, 5)).toMatchObject({ problems: [], repeated: 2, open: 0 });
});

test('a change left out, one out of order and one that is missing are found', () => {
  expect(orderOf(1, 3).problems).toHaveLength(1);
  expect(orderOf(1, 2, 3, 4, 1, 3).problems).toHaveLength(1);
  expect(orderOf(1, 2, 3, 4).open).toBe(1);
  expect(orderOf(9).problems).toHaveLength(1);
});
