import { expect, test } from '@jest/globals';
import { quoteName, quoteTable, quoteText } from './quote.ts';

test('names and texts cannot break out of their quotes', () => {
  expect(quoteName('a`b')).toBe('`a``b`');
  expect(quoteTable('my.db', 'x')).toBe('`my.db`.`x`');
  expect(quoteText('plain text')).toBe("'plain text'");
  expect(quoteText("it's")).toBe("_utf8mb4 x'69742773'");
  expect(quoteText('a\\')).toBe("_utf8mb4 x'615c'");
  expect(quoteText('ü')).toBe("_utf8mb4 x'c3bc'");
});
