import { describe, expect, test } from '@jest/globals';
import { slotOf, tagOf } from './slot.ts';

describe('cluster slots', () => {
  // Answers of CLUSTER KEYSLOT of a real server.
  test.each([
    ['foo', 12182],
    ['bar', 5061],
    ['hello', 866],
    ['', 0],
    ['{user1000}.following', 3443],
    ['{user1000}.followers', 3443],
  ])('%j is in slot %i', (key, slot) => {
    expect(slotOf(key)).toBe(slot);
  });

  test('only a non-empty first tag counts', () => {
    expect(slotOf('x{foo}y{bar}')).toBe(slotOf('foo'));
    expect(slotOf('{}foo')).not.toBe(slotOf('foo'));
    expect(slotOf('foo}{bar')).not.toBe(slotOf('bar'));
  });

  test('every slot has a tag that falls into it', () => {
    for (let slot = 0; slot < 16_384; slot += 1) {
      if (slotOf(`any{${tagOf(slot)}}:thing`) !== slot) throw new Error(`slot ${slot} has tag ${tagOf(slot)}`);
    }
    expect(tagOf(0)).not.toBe('');
  });
});
