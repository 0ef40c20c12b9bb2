import { expect, test } from '@jest/globals';
import { digitsOf, writeDigits } from './decimal.ts';

test.each([0, 7, 10, 99, 4_294_967_296, 2 ** 53 - 48, 2 ** 53 - 10, 2 ** 53 - 1])('%d', (value) => {
  const bytes = Buffer.alloc(24, '.');
  const digits = digitsOf(value);
  expect(writeDigits(bytes, 2, digits, value)).toBe(2 + digits);
  expect(bytes.toString('latin1', 0, 2 + digits)).toBe(`..${value}`);
});

test('zeros in front', () => {
  const bytes = Buffer.alloc(4);
  expect(writeDigits(bytes, 0, 4, 42)).toBe(4);
  expect(bytes.toString()).toBe('0042');
});
