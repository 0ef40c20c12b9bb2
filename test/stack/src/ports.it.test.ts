import { expect, test } from '@jest/globals';
import { releasePorts, reservePorts } from './ports.ts';

test('ports reserved at the same time are all different, and none is given twice before it is released', async () => {
  const lots = await Promise.all([reservePorts(5), reservePorts(5), reservePorts(5)]);
  const all = lots.flat();
  try {
    expect(new Set(all).size).toBe(15);
  } finally {
    await releasePorts(all);
  }
});
