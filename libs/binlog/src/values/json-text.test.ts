import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { doubleText, jsonText } from './json-text.ts';

const text = (hex: string): string => {
  const bytes = Buffer.from(`ee${hex}ee`, 'hex');
  return jsonText(bytes, 1, bytes.length - 2);
};

const OBJECT =
  '0003003c00190001001a0001001b000100050100021c0000380061626304001c000401000400000b10000c180000000000000004c00378010a00000400';
const ARRAY =
  '020b0076000f25000f2f000f39000f43000f4d000a5200095a00076200076600076a000b6e000a08000000000044a5190c0870580a053144a5190b08ffffff0591cbfffff6080c037ffffff3feab0f030102ffffffffffffffffff00000000000000807011010090eefeffffff00009c7500883ce4377e';

describe('JSON is printed as MySQL 9.7 printed the same bytes', () => {
  test.each([
    [OBJECT, String.raw`{"a": 1, "b": [true, null, -2.5, "x\u0001\n"], "c": {}}`],
    [
      ARRAY,
      '["2020-01-02", "2020-01-02 03:04:05.678000", "-838:59:58.000001", -12.340, "base64:type15:AQL/", 18446744073709551615, -9223372036854775808, 70000, -70000, 65535, 1e300]',
    ],
    ['0c0173', '"s"'],
    ['050300', '3'],
    ['0400', 'null'],
    ['0401', 'true'],
    ['0402', 'false'],
    ['', 'null'],
    ['0c03222f5c', String.raw`"\"/\\"`],
  ])('%s', (hex, expected) => {
    expect(text(hex)).toBe(expected);
  });

  // Right column: SELECT CAST(CAST(x AS DOUBLE) AS JSON) on 9.7.
  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [100, '100.0'],
    [1e14, '100000000000000.0'],
    [999999999999999, '999999999999999.0'],
    [1e15, '1e15'],
    [-1.234567890123456e15, '-1.234567890123456e15'],
    [1000000000000000.5, '1000000000000000.5'],
    [-4503599627370495.5, '-4503599627370495.5'],
    [1.2345678901234567e19, '1.2345678901234567e19'],
    [1e21, '1e21'],
    [-1.5e300, '-1.5e300'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e308'],
    [0.1, '0.1'],
    [12345.678, '12345.678'],
    [0.000015, '0.000015'],
    [0.00000015, '0.00000015'],
    [-1.2345678901234567e-6, '-0.0000012345678901234567'],
    [1.2345678901234567e-14, '0.000000000000012345678901234567'],
    [1.25e-15, '0.00000000000000125'],
    [1e-15, '0.000000000000001'],
    [1.5e-16, '1.5e-16'],
  ])('the double %d is %s', (value, expected) => {
    expect(doubleText(value)).toBe(expected);
  });

  test('doubles are printed so that the same double is read back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(Number(doubleText(value)), value)).toBe(true);
      }),
    );
  });
});

describe('broken JSON is refused, never read beyond its end', () => {
  const code = 'SOURCE_EVENT_CORRUPT';

  test.each([
    ['an unknown type', '0d'],
    ['a literal that is none', '0403'],
    ['a container that contains itself', '0201000700020000'],
    ['more elements than bytes', '02ffffffff'],
    ['a string beyond the end', '0c7f61'],
    ['a length without end', '0cffffffffffff'],
    ['a decimal(200,1)', '0ff604c8010000'],
    ['a date of 3 bytes', '0f0a03010203'],
    ['an opaque value without a type', '0f'],
  ])('%s', (_name, hex) => {
    expect(() => text(hex)).toThrow(expect.objectContaining({ code }));
  });

  test('values that share their bytes, so that a short column would be a long text', () => {
    const count = 1000;
    const entries = Buffer.alloc(4 + count * 3);
    const bytes = Buffer.concat([Buffer.from([2]), entries, Buffer.from([200, 1]), Buffer.alloc(200, 'x')]);
    bytes.writeUInt16LE(count, 1);
    bytes.writeUInt16LE(bytes.length - 1, 3);
    for (let i = 0; i < count; i++) {
      bytes[5 + i * 3] = 12;
      bytes.writeUInt16LE(4 + count * 3, 6 + i * 3);
    }
    expect(() => jsonText(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code }));
  });

  test('a number that is none', () => {
    for (const number of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bytes = Buffer.alloc(9, 11);
      bytes.writeDoubleLE(number, 1);
      expect(() => jsonText(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('every prefix and every flipped byte gives a text or SOURCE_EVENT_CORRUPT', () => {
    const outcome = (bytes: Buffer): string => {
      try {
        return typeof jsonText(bytes, 0, bytes.length);
      } catch (error) {
        return (error as { code: string }).code;
      }
    };
    for (const hex of [OBJECT, ARRAY]) {
      const whole = Buffer.from(hex, 'hex');
      for (let length = 1; length < whole.length; length++) expect(outcome(whole.subarray(0, length))).toBe(code);
      for (let i = 0; i < whole.length; i++) {
        for (const mask of [0x01, 0x80, 0xff]) {
          const flipped = Buffer.from(whole);
          flipped[i]! ^= mask;
          expect(['string', code]).toContain(outcome(flipped));
        }
      }
    }
  });
});
