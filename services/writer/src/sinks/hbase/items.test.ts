import { describe, expect, test } from '@jest/globals';
import { change, type Row } from '@tapline/sink';
import { Item, sharesOf } from './items.ts';
import { holdsWholeKey } from './row-key.ts';

const isWholeKey = holdsWholeKey('${key.id}');

function item(offset: number, key: Row, partition = 0): Item {
  return new Item(offset, change(offset, key, { ...key }), Buffer.from(String(key['id'])), {
    topic: 's.shop.item',
    partition,
    offset,
  });
}

describe('shares of a call', () => {
  test('are of a partition each, up to its greatest offset', () => {
    const shares = sharesOf([item(5, { id: 1 }), item(3, { id: 2 }), item(9, { id: 3 }, 1)], isWholeKey);
    expect(shares?.map(({ partition, last, items }) => [partition, last, items.length])).toEqual([
      [0, 5, 2],
      [1, 9, 1],
    ]);
  });

  test('have the whole key in their row keys only if all of their changes do, wherever the table got another key', () => {
    const old = item(3, { id: 1 });
    const other = item(5, { id: 1, region: 'eu' });
    expect(sharesOf([old, item(4, { id: 2 })], isWholeKey)?.[0]?.isWholeKey).toBe(true);
    expect(sharesOf([old, other], isWholeKey)?.[0]?.isWholeKey).toBe(false);
    expect(sharesOf([other, old], isWholeKey)?.[0]?.isWholeKey).toBe(false);
  });
});
