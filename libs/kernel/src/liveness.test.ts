import { expect, test } from '@jest/globals';
import { Liveness } from './liveness.ts';

const LIMIT_MS = 1000;

function watched(limitMs = LIMIT_MS): { liveness: Liveness; later(ms: number): void } {
  let nowMs = 5_000_000;
  return {
    liveness: new Liveness(limitMs, () => nowMs),
    later(ms) {
      nowMs += ms;
    },
  };
}

test('a sign that stays the same for longer than the limit hangs, and no longer once it changes', () => {
  const { liveness, later } = watched();
  expect(liveness.hanging({ shop: '1' })).toEqual([]);
  later(LIMIT_MS);
  expect(liveness.hanging({ shop: '1' })).toEqual([]);
  later(1);
  expect(liveness.hanging({ shop: '1' })).toEqual(['shop']);
  expect(liveness.hanging({ shop: '2' })).toEqual([]);
});

test('each name counts by itself', () => {
  const { liveness, later } = watched();
  liveness.hanging({ shop: '1', stock: '1' });
  later(LIMIT_MS + 1);
  expect(liveness.hanging({ shop: '1', stock: '2' })).toEqual(['shop']);
});

test('who has nothing to do, or has gone, begins anew', () => {
  const { liveness, later } = watched();
  liveness.hanging({ idle: '1', gone: '1' });
  later(LIMIT_MS + 1);
  expect(liveness.hanging({ idle: undefined })).toEqual([]);
  expect(liveness.hanging({ idle: '1', gone: '1' })).toEqual([]);
});

test('without a limit nothing hangs', () => {
  const { liveness, later } = watched(0);
  liveness.hanging({ shop: '1' });
  later(1_000_000_000);
  expect(liveness.hanging({ shop: '1' })).toEqual([]);
});
