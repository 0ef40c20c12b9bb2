import { expect, test } from '@jest/globals';
import { RowMemory } from './redis-watcher.ts';

function regressions(...readings: [version: string, content: string][]): number {
  const memory = new RowMemory();
  for (const [version, content] of readings) memory.see('k', version, content);
  return memory.regressions.length;
}

test('a row that only grows newer is fine, also when it is deleted and comes back', () => {
  expect(regressions(['', ''], ['01', 'a=1'], ['01', 'a=1'], ['02', ''], ['03', 'a=2'])).toBe(0);
});

test.each<[string, [string, string][]]>([
  [
    'an older version',
    [
      ['02', 'a=2'],
      ['01', 'a=1'],
    ],
  ],
  [
    'another content under the same version',
    [
      ['02', 'a=2'],
      ['02', 'a=1'],
    ],
  ],
  [
    'a row that is forgotten with its version',
    [
      ['02', 'a=2'],
      ['', ''],
    ],
  ],
  [
    'a deleted row that comes back as it was',
    [
      ['01', 'a=1'],
      ['02', ''],
      ['01', 'a=1'],
    ],
  ],
])('%s is seen', (_, readings) => {
  expect(regressions(...readings)).toBe(1);
});
