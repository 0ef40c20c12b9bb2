import { expect, test } from '@jest/globals';
import { topicsOf } from './topics.ts';

const matches = (entry: string, topic: string): boolean =>
  topicsOf([entry]).patterns.some((pattern) => pattern.test(topic));

test('names stay names; stars and slashes make patterns of whole names', () => {
  expect(topicsOf(['shop.shop.orders'])).toEqual({ topics: ['shop.shop.orders'], patterns: [] });
  expect(matches('shop.*', 'shop.shop.orders')).toBe(true);
  expect(matches('shop.*', 'xshop.shop.orders')).toBe(false);
  expect(matches('shop.*', 'shopXshop')).toBe(false);
  expect(matches('shop.*.orders', 'shop.eu.orders')).toBe(true);
  expect(matches('shop.*.orders', 'shop.eu.orders2')).toBe(false);
  expect(matches('/shop\\.(a|b)\\.x/', 'shop.b.x')).toBe(true);
  expect(matches('/shop\\.(a|b)\\.x/', 'shop.c.x')).toBe(false);
});

test('topics that readers and writers keep for themselves match nothing; tables of those names do', () => {
  for (const topic of ['progress', 'schema-history', 'claims', 'leader', 'transactions', 'my.writer.dead-letters']) {
    expect(matches('*', `shop.${topic}`)).toBe(false);
  }
  expect(matches('shop.*', 'shop.shop.progress')).toBe(true);
  expect(matches('*', 'shop.shop.orders')).toBe(true);
});

test('a regular expression that is none is refused with its place', () => {
  expect(() => topicsOf(['a', '/(/'])).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', place: { path: 'source.topics[1]' } }),
  );
});
