import { describe, expect, test } from '@jest/globals';
import { readDecimal } from './decimal.ts';
import { readBit, readEnum, readGeometry, readSet, readVector } from './scalars.ts';
import {
  readDate,
  readDatetime,
  readDatetime2,
  readTime,
  readTime2,
  readTimestamp,
  readTimestamp2,
  readYear,
} from './temporal.ts';

/** The bytes behind three others, so that an offset that is forgotten shows. */
const at3 = (hex: string): Buffer => Buffer.from(`eeeeee${hex}`, 'hex');

describe('values are read exactly from the bytes that MySQL 9.7 wrote for them', () => {
  test.each([
    ['810dfb38d204d2', 14, 4, '1234567890.1234'],
    ['7ef204c72dfb2d', 14, 4, '-1234567890.1234'],
    ['80000000000000', 14, 4, '0.0000'],
    ['7ffffffffffffe', 14, 4, '-0.0001'],
    ['7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe', 65, 30, `-0.${'0'.repeat(29)}1`],
    ['85f5e0ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff3b9ac9ff03e7', 65, 30, `${'9'.repeat(35)}.${'9'.repeat(30)}`],
    ['7a0a1f00c4653600c4653600c4653600c4653600c4653600c4653600fc18', 65, 30, `-${'9'.repeat(35)}.${'9'.repeat(30)}`],
    ['81', 1, 0, '1'],
    ['81', 1, 1, '0.1'],
  ])('DECIMAL %s as (%i,%i) is %s', (hex, precision, scale, text) => {
    expect(readDecimal(at3(hex), 3, precision, scale)).toBe(text);
  });

  test.each([
    ['000000', '0000-00-00'],
    ['40c80f', '2020-02-00'],
    ['9f9f0f', '1999-12-31'],
    ['9f1f4e', '9999-12-31'],
  ])('DATE %s is %s', (hex, text) => {
    expect(readDate(at3(hex), 3)).toBe(text);
  });

  test.each([
    ['fef3ff7efb0f423f', 6, '9999-12-31 23:59:59.999999'],
    ['8000000000000000', 6, '0000-00-00 00:00:00.000000'],
    ['99a51e108307a120', 6, '2020-00-15 01:02:03.500000'],
    ['8cb2420000000000', 6, '1000-01-01 00:00:00.000000'],
    ['8cb2420000', 0, '1000-01-01 00:00:00'],
    ['8cb24200000a', 1, '1000-01-01 00:00:00.1'],
    ['8cb242000004d2', 3, '1000-01-01 00:00:00.123'],
  ])('DATETIME2 %s with %i digits is %s', (hex, fsp, text) => {
    expect(readDatetime2(at3(hex), 3, fsp)).toBe(text);
  });

  test.each([
    ['7fffffff0f423f', 6, '2038-01-19 03:14:07.999999'],
    ['00000000000000', 6, '0000-00-00 00:00:00.000000'],
    ['00000001000000', 6, '1970-01-01 00:00:01.000000'],
    ['5e0be100', 0, '2020-01-01 00:00:00'],
    ['00000000', 0, '0000-00-00 00:00:00'],
  ])('TIMESTAMP2 %s with %i digits is %s', (hex, fsp, text) => {
    expect(readTimestamp2(at3(hex), 3, fsp)).toBe(text);
  });

  test.each([
    ['4b9105000000', 6, '-838:59:59.000000'],
    ['7fffffffffff', 6, '-00:00:00.000001'],
    ['8000000186a0', 6, '00:00:00.100000'],
    ['80c8b8000000', 6, '12:34:56.000000'],
    ['80c8b8', 0, '12:34:56'],
    ['b46efb', 0, '838:59:59'],
    ['7fffffff', 2, '-00:00:00.01'],
    ['8000000a', 1, '00:00:00.1'],
  ])('TIME2 %s with %i digits is %s', (hex, fsp, text) => {
    expect(readTime2(at3(hex), 3, fsp)).toBe(text);
  });

  test('the forms older than 5.6.4', () => {
    const datetime = Buffer.alloc(8);
    datetime.writeBigUInt64LE(20_200_102_030_405n);
    expect(readDatetime(datetime, 0)).toBe('2020-01-02 03:04:05');
    expect(readDatetime(Buffer.alloc(8), 0)).toBe('0000-00-00 00:00:00');
    expect(readTimestamp(at3('00e10b5e'), 3)).toBe('2020-01-01 00:00:00');
    expect(readTime(at3('40e201'), 3)).toBe('12:34:56');
    expect(readTime(at3('c01dfe'), 3)).toBe('-12:34:56');
  });

  test('YEAR 0 is 0', () => {
    expect([0, 1, 255, 124].map((byte) => readYear(Buffer.from([byte]), 0))).toEqual([0, 1901, 2155, 2024]);
  });

  test('BIT, ENUM, SET keep all 64 bits', () => {
    expect(readBit(at3('ffffffffffffffff'), 3, 8)).toBe(2n ** 64n - 1n);
    expect(readBit(at3('0102'), 3, 2)).toBe(258n);
    expect(readSet(at3('0100000000000080'), 3, 8)).toBe(2n ** 63n + 1n);
    expect([readEnum(at3('02'), 3, 1), readEnum(at3('0201'), 3, 2)]).toEqual([2, 258]);
  });

  test('GEOMETRY keeps its SRID, VECTOR its floats', () => {
    const { srid, wkb } = readGeometry(at3('e61000000101000000000000000000f03f0000000000000040'), 3, 25);
    expect([srid, wkb.length, wkb[0]]).toEqual([4326, 21, 1]);
    expect([...readVector(at3('0000803f000000c0'), 3, 8)]).toEqual([1, -2]);
  });
});
