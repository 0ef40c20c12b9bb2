import { describe, expect, test } from '@jest/globals';
import { type Change, change } from '@tapline/sink';
import { Locator } from './location.ts';

const DATABASE = { index: '${db}-${table}-${row.created_at:yyyy.MM}', id: '${key}', routing: '${row.customer}' };

function order(createdAt: string | null): Change {
  return change(1, { id: 7 }, { id: 7, created_at: createdAt, customer: 'ÄB' });
}

describe('where a document is', () => {
  test('index by month, routing by a column, id by the key', () => {
    const at = order('2026-02-28T23:59:59');
    expect(new Locator(DATABASE).at(at, at.after)).toEqual({ index: 'shop-item-2026.02', id: '7', routing: 'ÄB' });
  });

  test('a date that is NULL has an index too', () => {
    const at = order(null);
    expect(new Locator(DATABASE).at(at, at.after).index).toBe('shop-item-none');
  });

  test('names are written in lower case', () => {
    const locator = new Locator({ index: 'Orders-${key.id}', id: 'X${key}' });
    expect(locator.at(order('2026-01-01'), null)).toEqual({ index: 'orders-7', id: 'X7', routing: undefined });
  });

  test.each([
    ['${row.customer}', 'a b', 'has one of'],
    ['${row.customer}', '-a', 'begins with'],
    ['${row.customer}', '', 'is empty'],
    ['${row.customer}', 'x'.repeat(256), 'is longer'],
  ])('%s of %j is no name of an index: it %s', (index, customer, problem) => {
    const at = change(1, { id: 1 }, { id: 1, customer });
    expect(() => new Locator({ index, id: '${key}' }).at(at, at.after)).toThrow(
      expect.objectContaining({ code: 'SINK_SEARCH_INDEX_NAME', message: expect.stringContaining(problem) }),
    );
  });

  test('an id has 1 to 512 bytes', () => {
    const locator = new Locator({ index: 'a', id: '${key}' });
    const at = (id: string): string => locator.at(change(1, { id }), null).id;
    expect(at('ä'.repeat(256))).toHaveLength(256);
    expect(() => at('ä'.repeat(257))).toThrow(expect.objectContaining({ code: 'SINK_SEARCH_ID' }));
    expect(() => at('')).toThrow(expect.objectContaining({ code: 'SINK_SEARCH_ID' }));
  });

  test.each([
    ['${row.created_at:yyyy.QQ}', 'the format yyyy.QQ'],
    ['${row.created_at', 'not closed'],
    ['${nonsense}', 'is not known'],
  ])('%s is refused: %s', (index, problem) => {
    expect(() => new Locator({ index, id: '${key}' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(problem) }),
    );
  });

  test('an id must not come from columns outside the key', () => {
    expect(() => new Locator({ index: 'a', id: '${row.name}' })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});
