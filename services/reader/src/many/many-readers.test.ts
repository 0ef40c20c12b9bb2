import { expect, test } from '@jest/globals';
import { type RunningService, silentLogger, sleep } from '@tapline/kernel';
import { ManyReaders } from './many-readers.ts';

test('a reader that ran well for long begins anew as quickly as one that fails for the first time', async () => {
  const stop = new AbortController();
  let begun = 0;
  const flaky = (): RunningService => ({
    run: async () => {
      begun++;
      await sleep(10);
      throw new Error('again');
    },
  });
  const steady = (): RunningService => ({ run: (signal) => sleep(60_000, signal).catch(() => undefined) });
  const readers = new Map([
    ['flaky', { make: flaky, log: silentLogger }],
    ['steady', { make: steady, log: silentLogger }],
  ]);
  const many = new ManyReaders(readers, { firstPauseMs: 1, calmMs: 5 });
  const running = many.run(stop.signal, new AbortController().signal);
  // Pauses that doubled would come to minutes before the twentieth.
  while (begun < 20) await sleep(5);
  expect(many.state()['readers']).toMatchObject({ flaky: { failures: 1 } });
  stop.abort();
  await running;
});
