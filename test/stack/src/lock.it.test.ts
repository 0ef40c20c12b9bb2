import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { withFileLock } from './lock.ts';

test('a file lock lets one holder in at a time and is freed when its work fails', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tapline-lock-'));
  const file = join(folder, 'lock');
  let inside = 0;
  let most = 0;
  const enter = async (fail: boolean): Promise<void> => {
    await withFileLock(file, async () => {
      inside += 1;
      most = Math.max(most, inside);
      for (let step = 0; step < 20; step++) await turn();
      inside -= 1;
      if (fail) throw new Error('work failed');
    });
  };
  try {
    const results = await Promise.allSettled([enter(true), enter(false), enter(true), enter(false)]);
    expect(most).toBe(1);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
