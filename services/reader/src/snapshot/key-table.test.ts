import { expect, test } from '@jest/globals';
import { KEY_STATE, type KeyState, KeyTable } from './key-table.ts';

const texts = Array.from({ length: 20_000 }, (_, i) => Buffer.from(`\0${i}ü${i % 7}`).toString('latin1'));

test('many keys keep their states, however far the table grows', () => {
  const table = new KeyTable({ pass: 0, passes: 1 });
  const states = texts.map((_, i) => ((i % 3) + 1) as KeyState);
  for (const [i, text] of texts.entries()) table.put(text, states[i] as KeyState);
  expect(table.size).toBe(texts.length);
  expect(texts.map((text) => table.stateOf(text))).toEqual(states);
  expect(table.stateOf('another')).toBeUndefined();
});

test('each key belongs to exactly one of the passes, and the passes are about as large', () => {
  const passes = [0, 1, 2].map((pass) => new KeyTable({ pass, passes: 3 }));
  for (const table of passes) for (const text of texts) table.put(text, KEY_STATE.ROW);
  const owners = texts.map((text) => passes.filter((table) => table.stateOf(text) !== undefined).length);
  expect(new Set(owners)).toEqual(new Set([1]));
  for (const { size } of passes) expect(size).toBeGreaterThan(6000);
});

test('what was met stays met', () => {
  const table = new KeyTable({ pass: 0, passes: 1 });
  table.put('a', KEY_STATE.MET);
  table.put('a', KEY_STATE.ROW);
  expect(table.stateOf('a')).toBe(KEY_STATE.MET);
});
