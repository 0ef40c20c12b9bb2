import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GrowingSink } from '../byte-sink.ts';
import { written } from '../testing/encode.ts';
import { parseExact } from './exact-json.ts';
import {
  INTEGER_BYTES,
  putInteger,
  putLongDigits,
  writeBase64,
  writeDouble,
  writeFloat,
  writeText,
} from './json-write.ts';

const textOf = (write: (sink: GrowingSink) => void): string => written(write).toString();
const jsonOf = (text: string): string => {
  const bytes = Buffer.from(`..${text}..`);
  return textOf((sink) => writeText(sink, bytes, 2, bytes.length - 4));
};

test('integers have all their digits', () => {
  const long = (value: bigint): string =>
    textOf((sink) => {
      sink.ensure(INTEGER_BYTES);
      putLongDigits(sink, Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
    });
  const edges = [0n, 1n, -1n, 2n ** 31n, -(2n ** 31n), 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), -(2n ** 63n) + 1n];
  for (const value of edges) expect(long(value)).toBe(String(value));
  fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (n) => expect(long(n)).toBe(String(n))));
  // Near the places where halves carry, and where the number of digits changes.
  fc.assert(
    fc.property(fc.nat(62), fc.integer({ min: -2, max: 2 }), fc.boolean(), (bit, near, negative) => {
      const value = (2n ** BigInt(bit) + BigInt(near)) * (negative ? -1n : 1n);
      expect(long(value)).toBe(String(value));
    }),
  );
});

test('safe integers', () => {
  const integer = (value: number): string =>
    textOf((sink) => {
      sink.ensure(INTEGER_BYTES);
      putInteger(sink, value);
    });
  for (let digits = 0; digits < 16; digits++) {
    for (const value of [10 ** digits - 1, 10 ** digits, -(10 ** digits)]) {
      expect(integer(value)).toBe(String(value === 0 ? 0 : value));
    }
  }
  fc.assert(fc.property(fc.maxSafeInteger(), (n) => expect(integer(n)).toBe(String(n))));
});

test.each([
  [1, '1.0'],
  [-0, '-0.0'],
  [0, '0.0'],
  [1e20, '100000000000000000000.0'],
  [1e21, '1e+21'],
  [5e-324, '5e-324'],
  [0.1, '0.1'],
  [Number.NaN, '"NaN"'],
  [Number.NEGATIVE_INFINITY, '"-Infinity"'],
])('the double %s is %s', (value, text) => {
  expect(textOf((sink) => writeDouble(sink, value))).toBe(text);
});

test('doubles and floats are read back as they were', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(JSON.parse(textOf((sink) => writeDouble(sink, value)))).toBe(value);
    }),
  );
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.fround(JSON.parse(textOf((sink) => writeFloat(sink, value))) as number)).toBe(value);
    }),
  );
  expect(textOf((sink) => writeFloat(sink, Math.fround(-0.1)))).toBe('-0.1');
});

test('text is escaped where it must be, and nowhere else', () => {
  const every = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join('');
  expect(JSON.parse(jsonOf(every))).toBe(every);
  expect(jsonOf('a"b\\c\u0000\b\t\n\f\r\u001f\u007f/é\u2028💥')).toBe(
    '"a\\"b\\\\c\\u0000\\b\\t\\n\\f\\r\\u001F\u007f/é\u2028💥"',
  );
  // Each character that needs an escape at each place of a word, beside those that look most like one.
  for (const odd of ['"', '\\', '\u0000', '\u001f', ' ', '!', '#', '[', ']', '\u007f', '\u0080', 'ÿ']) {
    for (let at = 0; at < 20; at++) {
      const text = `${'~'.repeat(at)}${odd}${' '.repeat(19 - at)}`;
      expect(jsonOf(text)).toBe(JSON.stringify(text).replace('\\u001f', '\\u001F'));
    }
  }
  fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 80 }), (t) => expect(JSON.parse(jsonOf(t))).toBe(t)));
});

test('bytes are base64 with padding, whatever their length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (array) => {
      const bytes = Buffer.from(array);
      const from = Buffer.concat([Buffer.from('..'), bytes, Buffer.from('..')]);
      const text = textOf((sink) => writeBase64(sink, from, 2, bytes.length));
      expect(text).toBe(JSON.stringify(bytes.toString('base64')));
    }),
  );
});

test('integers beyond 2^53 are read without loss, other numbers as numbers', () => {
  const text =
    '{"a":9007199254740993,"b":-9223372036854775808,"c":9007199254740991,"d":12345678901234567000.0,"e":1e22}';
  expect(parseExact(text)).toEqual({
    a: 9_007_199_254_740_993n,
    b: -(2n ** 63n),
    c: 9_007_199_254_740_991,
    d: 12_345_678_901_234_567_000,
    e: 1e22,
  });
  fc.assert(fc.property(fc.bigInt(), (n) => expect(BigInt(parseExact(String(n)) as number)).toBe(n)));
});
