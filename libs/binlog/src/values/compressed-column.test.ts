import { deflateRawSync, deflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EventError } from '../event-errors.ts';
import { decompressColumn } from './compressed-column.ts';

const plain = Buffer.from('ab'.repeat(200));
const value = (header: number[], rest: Buffer): Buffer => Buffer.concat([Buffer.from(header), rest]);

describe('values of MariaDB columns that are COMPRESSED', () => {
  test.each([
    ['empty', Buffer.alloc(0), ''],
    ['stored', value([0], Buffer.from('abc')), 'abc'],
    ['raw deflate', value([0x8a, 0x01, 0x90], deflateRawSync(plain)), plain.toString()],
    ['zlib', value([0x82, 0x01, 0x90], deflateSync(plain)), plain.toString()],
  ])('%s', (_, bytes, text) => {
    expect(decompressColumn(bytes, 1000).toString()).toBe(text);
  });

  test.each([
    ['another method', value([0x92, 0x01, 0x90], deflateSync(plain)), 'header 0x92'],
    ['a stored value with a length', value([0x01, 0x03], Buffer.from('abc')), 'header 0x1'],
    ['no length', value([0x80], deflateSync(plain)), 'header 0x80'],
    ['a length that is not there', Buffer.from([0x84, 0, 0]), 'header 0x84'],
    ['more than the column holds', value([0x8a, 0xff, 0xff], deflateRawSync(plain)), '65535 uncompressed bytes'],
    ['more than announced', value([0x8a, 0x01, 0x8f], deflateRawSync(plain)), 'does not inflate'],
    ['less than announced', value([0x8a, 0x01, 0x91], deflateRawSync(plain)), '400 bytes inflated'],
    ['bytes cut off', value([0x8a, 0x01, 0x90], deflateRawSync(plain).subarray(0, -2)), 'does not inflate'],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => decompressColumn(bytes, 1000)).toThrow(EventError);
    expect(() => decompressColumn(bytes, 1000)).toThrow(message);
  });

  test('any bytes give a value of the column or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), fc.constantFrom(0x00, 0x81, 0x82, 0x8a, 0x89), (bytes, header) => {
        try {
          expect(decompressColumn(Buffer.from([header, ...bytes]), 100).length).toBeLessThanOrEqual(100);
        } catch (error) {
          expect(error).toBeInstanceOf(EventError);
        }
      }),
    );
  });
});
