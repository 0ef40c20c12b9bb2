import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Decimal } from './decimal.ts';

const decimal = (value: unknown): Decimal => Decimal.of(value) as Decimal;

test.each([
  ['12.50', '12.50'],
  ['-0.5', '-0.5'],
  ['.5', '0.5'],
  ['1e3', '1000'],
  ['1.5e-3', '0.0015'],
  [0.1, '0.1'],
  [1e21, '1000000000000000000000'],
  [9_007_199_254_740_993n, '9007199254740993'],
])('%p is %s', (value, text) => {
  expect(decimal(value).toString()).toBe(text);
});

test.each([['', 'abc', '1,5', Number.NaN, Number.POSITIVE_INFINITY, null, true, '.', '--1']])(
  '%p is no number',
  (value) => {
    expect(Decimal.of(value)).toBeUndefined();
  },
);

test('sums, products and comparisons are those of integers of the same digits', () => {
  const parts = fc.tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: 0, max: 12 }));
  fc.assert(
    fc.property(parts, parts, ([a, m], [b, n]) => {
      const [left, right] = [new Decimal(a, m), new Decimal(b, n)];
      const [x, y] = [a * 10n ** BigInt(n), b * 10n ** BigInt(m)];
      expect(left.plus(right).compare(new Decimal(x + y, m + n))).toBe(0);
      expect(left.minus(right).compare(new Decimal(x - y, m + n))).toBe(0);
      expect(left.times(right).compare(new Decimal(x * y, 2 * (m + n)))).toBe(0);
      expect(left.compare(right)).toBe(x < y ? -1 : x > y ? 1 : 0);
      expect(decimal(left.toString())).toEqual(left);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('rounds half away from zero', () => {
  expect(['2.345', '-2.345', '2.344', '2', '0.005', '-0.005'].map((text) => decimal(text).round(2).toString())).toEqual(
    ['2.35', '-2.35', '2.34', '2.00', '0.01', '-0.01'],
  );
});
