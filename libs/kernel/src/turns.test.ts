import { expect, test } from '@jest/globals';
import { deferred } from './async.ts';
import { Turns } from './turns.ts';

test('one after the other, also behind one that failed', async () => {
  const turns = new Turns();
  const gate = deferred<void>();
  const done: string[] = [];
  const first = turns.take(async () => {
    await gate.promise;
    done.push('first');
    throw new Error('failed');
  });
  const second = turns.take(async () => done.push('second'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual([]);
  gate.resolve();
  await expect(first).rejects.toThrow('failed');
  expect(await second).toBe(2);
  expect(done).toEqual(['first', 'second']);
});

test('is over when all that was asked for is, whatever became of it', async () => {
  const turns = new Turns();
  const gate = deferred<void>();
  let isOver = false;
  const failing = turns.take(() => gate.promise.then(() => Promise.reject(new Error('failed'))));
  const over = turns.over().then(() => {
    isOver = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  gate.resolve();
  await expect(failing).rejects.toThrow('failed');
  await over;
});
