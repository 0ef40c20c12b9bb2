import { expect, test } from '@jest/globals';
import { keyId, keyOfId } from './topic-eye.ts';

test.each([
  [1, [2]],
  [-1, [1]],
  [64, [0x80, 1]],
  [2_000_000_000, [0x80, 0xd0, 0xac, 0xf3, 0x0e]],
])('the id %i is read out of a message key', (id, varint) => {
  expect(keyId(Buffer.from([0, 0, 0, 0, 7, ...varint]))).toBe(id);
  if (id >= 0) expect(keyOfId(id).subarray(5)).toEqual(Buffer.from(varint));
});
