import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VarintReader, varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

test.each([
  [0, '00'],
  [-1, '01'],
  [1, '02'],
  [63, '7e'],
  [64, '8001'],
  [-65, '8101'],
  [8191, 'fe7f'],
  [8192, '808001'],
  [2147483647, 'feffffff0f'],
  [-2147483648, 'ffffffff0f'],
])('%d is written as %s', (value, hex) => {
  const buffer = Buffer.alloc(5);
  expect(buffer.subarray(0, writeVarint(buffer, 0, value)).toString('hex')).toBe(hex);
});

test('a varint is read back, and takes as many bytes as announced', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const buffer = Buffer.alloc(5);
      const end = writeVarint(buffer, 0, value);
      expect(end).toBe(varintSize(value));
      expect(new VarintReader(buffer).varint()).toBe(value);
    }),
  );
});

test('a varlong is read back, and takes as many bytes as announced', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 51), max: 2 ** 51 }), (value) => {
      const buffer = Buffer.alloc(10);
      const end = writeVarlong(buffer, 0, value);
      expect(end).toBe(varlongSize(value));
      expect(new VarintReader(buffer).varlong()).toBe(value);
    }),
  );
});

test.each(['', '80', 'ffffffffff', 'ffffffff7f'])('bytes that are no varint are refused: %s', (hex) => {
  expect(() => new VarintReader(Buffer.from(hex, 'hex')).varint()).toThrow(RangeError);
});

test('a length beyond the buffer is refused', () => {
  expect(() => new VarintReader(Buffer.from('080102', 'hex')).bytes()).toThrow(RangeError);
});
