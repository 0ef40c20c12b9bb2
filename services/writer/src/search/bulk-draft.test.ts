import { expect, test } from '@jest/globals';
import { BulkDrafts } from './bulk-draft.ts';

test('entries are what was appended between them, and what is dropped is gone as a whole', () => {
  const draft = new BulkDrafts().take();
  draft.lines.json('first ');
  draft.add(0, 'a', false);
  draft.keep();
  draft.lines.json('moved away ');
  draft.add(1, 'a', true);
  draft.lines.json('never whole');
  draft.drop();
  draft.lines.json('sécond');
  draft.add(1, 'b', false);
  draft.keep();
  draft.lines.json('left over');
  draft.keep();
  draft.drop();
  expect(draft.bytes.toString()).toBe('first sécond');
  expect(draft.entries).toEqual([
    { change: 0, index: 'a', leaving: false, byteLength: 6 },
    { change: 1, index: 'b', leaving: false, byteLength: 7 },
  ]);
});

test('memory that was given back is written again from its start, and other memory is left alone', () => {
  const drafts = new BulkDrafts();
  const [one, other] = [drafts.take(), drafts.take()];
  for (let at = 0; at < 3000; at++) {
    for (const draft of [one, other]) {
      draft.lines.json(`${draft === one} ${'ä'.repeat(50)} ${at} `);
      draft.add(at, 'a', false);
    }
  }
  const kept = other.bytes;
  const text = kept.toString();
  drafts.give(one);
  const again = drafts.take();
  expect(again).toBe(one);
  expect(again.entries).toEqual([]);
  again.lines.json('new');
  again.add(0, 'a', false);
  expect(again.bytes.toString()).toBe('new');
  expect(kept.toString()).toBe(text);
});

test('entries that somebody still has are not those of the next bulk, which no other one shares and which begins with nothing to go back to', () => {
  const drafts = new BulkDrafts();
  const first = drafts.take();
  first.lines.json('first');
  first.add(0, 'a', false);
  first.keep();
  const { entries } = first;
  drafts.give(first);
  const [next, other] = [drafts.take(), drafts.take()];
  expect(next).toBe(first);
  expect(other).not.toBe(first);
  next.lines.json('never whole');
  next.drop();
  expect([next.entries, next.bytes.length]).toEqual([[], 0]);
  next.lines.json('another');
  next.add(7, 'b', true);
  expect(entries).toEqual([{ change: 0, index: 'a', leaving: false, byteLength: 5 }]);
});
