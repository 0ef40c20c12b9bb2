import { expect, test } from '@jest/globals';
import { type Call, CallDraft } from './call.ts';
import { guardScript } from './script.ts';
import { redisConfig } from './testing/bench.ts';

test('the bytes of a call stay as they are until it is given back, and are used again then', () => {
  const draft = new CallDraft(guardScript(redisConfig({})));
  const callOf = (key: string): Call => {
    draft.begin();
    draft.row(0, key);
    return draft.end();
  };
  const first = callOf('first');
  const sent = first.bytes.toString();
  const second = callOf('other');
  expect(first.bytes.toString()).toBe(sent);
  first.release();
  const third = callOf('third');
  expect(third.bytes.buffer).toBe(first.bytes.buffer);
  expect(third.bytes.toString()).toBe(sent.replace('first', 'third'));
  expect(second.bytes.toString()).toBe(sent.replace('first', 'other'));
  expect(callOf('x'.repeat(100_000)).bytes.length).toBeGreaterThan(100_000);
});
