import { expect, test } from '@jest/globals';
import { claimed, type GuardState, parseState, printState, raised, STEP_RECORDS } from './state.ts';

const EMPTY: GuardState = { writer: 'items', topic: 'shop.shop.item', partitions: 3, rowKey: '${key}', marks: {} };

test('what is sent is in front of its mark, which never goes back', () => {
  const mark = (state: GuardState) => state.marks['2'];
  const first = raised(claimed(EMPTY, 2, 'a'), 2, 99);
  expect(mark(first)).toEqual({ below: 100 + STEP_RECORDS, from: 0, owner: 'a' });
  expect(mark(raised(first, 2, 5))).toEqual(mark(first));
  expect(mark(claimed(first, 2, 'b'))).toEqual({ below: 100 + STEP_RECORDS, from: 100 + STEP_RECORDS, owner: 'b' });
  expect(first.marks['1']).toBeUndefined();
});

test('what is noted is read again, and what is not understood asks for everything', () => {
  const state = { ...raised(claimed(EMPTY, 0, 'a'), 0, 0), asked: 'a reason' };
  expect(parseState(printState(state))).toEqual(state);
  for (const other of ['', '{', '{}', '[]', '7', 'null', '{"writer":"a","topic":"b","partitions":1,"rowKey":"c"}'])
    expect(parseState(Buffer.from(other)).asked).toBeDefined();
});
