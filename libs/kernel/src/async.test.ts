import { describe, expect, test } from '@jest/globals';
import { deferred, isAbort, orAbort, sleep, whenAborted } from './async.ts';

describe('sleep', () => {
  test('an abort ends it at once, with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const sleeping = sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(sleep(60_000, controller.signal)).rejects.toBe(reason);
  });

  test('it leaves no listener behind', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const counted = {
      aborted: false,
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
      reason: signal.reason,
    } as unknown as AbortSignal;
    await sleep(1, counted);
    expect(listeners).toBe(0);
  });
});

test('orAbort gives what comes first', async () => {
  const controller = new AbortController();
  await expect(orAbort(Promise.resolve(1), controller.signal)).resolves.toBe(1);
  const never = orAbort(new Promise<never>(() => undefined), controller.signal);
  controller.abort();
  const error: unknown = await never.catch((caught: unknown) => caught);
  expect(isAbort(error, controller.signal)).toBe(true);
  await expect(whenAborted(controller.signal)).resolves.toBeUndefined();
});

test('a deferred knows whether it is settled, and settles once', async () => {
  const one = deferred<number>();
  expect(one.settled).toBe(false);
  one.resolve(1);
  one.resolve(2);
  expect(one.settled).toBe(true);
  await expect(one.promise).resolves.toBe(1);
});

test('an abort is told from other errors', () => {
  expect(isAbort(new DOMException('x', 'AbortError'))).toBe(true);
  expect(isAbort(new Error('AbortError'))).toBe(false);
});
