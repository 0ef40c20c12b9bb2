import { expect, test } from '@jest/globals';
import { sumOffsets } from './record-count.ts';

test('the ends of the topics are summed, whatever else the tool prints', () => {
  const output = '[2026-01-01] WARN something:here:5\na.b.c:0:3\na.b.c:1:4\na.b.d:0:0\nother.b:0:9\na.b.e:0:\n';
  expect(sumOffsets(output, 'a.b.')).toBe(7);
});
