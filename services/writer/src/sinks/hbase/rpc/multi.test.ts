import { describe, expect, test } from '@jest/globals';
import { CellBlock, columnName, DELETE_FAMILY } from './cells.ts';
import { MessageWriter } from './message.ts';
import { readMulti, writeMulti } from './multi.ts';

const region = (name: string) => ({
  name: Buffer.from(name),
  startKey: Buffer.alloc(0),
  endKey: Buffer.alloc(0),
  server: 'a:1',
});

/** RegionActionResult with these actions; `exception`: that of the whole part. */
function part(to: MessageWriter, actions: readonly (readonly [number, string])[], exception = ''): void {
  const opened = to.open(1);
  for (const [index, answer] of actions) {
    const action = to.open(1);
    to.uint(1, index);
    if (answer === 'found' || answer === 'done') {
      const result = to.open(2);
      if (answer === 'found') to.bool(3, true);
      to.close(result);
    } else exceptionOf(to, 3, answer);
    to.close(action);
  }
  if (exception !== '') exceptionOf(to, 2, exception);
  to.close(opened);
}

function exceptionOf(to: MessageWriter, field: number, name: string): void {
  const pair = to.open(field);
  to.text(1, name);
  to.text(2, 'why');
  to.close(pair);
}

describe('requests of many actions', () => {
  test('rows of one region that follow each other make a part, and what is left out has no index', () => {
    const [one, two] = [region('one'), region('two')];
    const items = [one, one, two, one].map((each, id) => ({ region: each, id }));
    const seen: [number, number][] = [];
    const parts = writeMulti(new MessageWriter(), items, ({ id }, index) => {
      if (id === 1) return false;
      seen.push([id, index]);
      return true;
    });
    expect(parts).toEqual([1, 1, 1]);
    expect(seen).toEqual([
      [0, 0],
      [2, 1],
      [3, 2],
    ]);
  });

  test('answers stand at the index of their action, and an exception of a part at all of it', () => {
    const message = new MessageWriter();
    part(message, [
      [1, 'done'],
      [0, 'found'],
    ]);
    part(message, [], 'NotServing');
    part(message, [[4, 'TooBusy']]);
    const answers = readMulti(message.finish(), [2, 2, 2]);
    expect(answers.slice(0, 2)).toEqual(['found', 'done']);
    expect(answers.slice(2, 5).map(String)).toEqual([
      'RemoteException: NotServing: why',
      'RemoteException: NotServing: why',
      'RemoteException: TooBusy: why',
    ]);
    expect(answers[5]).toBeUndefined();
  });
});

test('cells are as KeyValueCodec has them, in whatever buffer they needed', () => {
  const block = new CellBlock();
  const column = columnName('f', 'col');
  const long = 'ü'.repeat(50_000);
  block.begin(Buffer.from('row'), 258n);
  block.hide(columnName('f', ''), DELETE_FAMILY, true);
  expect(block.text(column, 'ü')).toBe(2);
  expect(block.slice(column, Buffer.from('abcd'), 1, 3)).toBe(2);
  const before = block.length;
  expect(block.text(column, long)).toBe(100_000);
  expect(block.cells).toBe(4);
  const bytes = Buffer.from(block.written);
  const key = (qualifier: string, timestamp: string, type: string): string =>
    `0003${Buffer.from('row').toString('hex')}0166${Buffer.from(qualifier).toString('hex')}${timestamp}${type}`;
  const hide = `0000001800000010 00000000 ${key('', '0000000000000101', '0e')}`;
  const text = `0000001d00000013 00000002 ${key('col', '0000000000000102', '04')} c3bc`;
  const slice = `0000001d00000013 00000002 ${key('col', '0000000000000102', '04')} 6263`;
  expect(bytes.subarray(0, before).toString('hex')).toBe(`${hide}${text}${slice}`.replaceAll(' ', ''));
  expect(bytes.subarray(before + 12 + 19).toString()).toBe(long);
  block.cut(before);
  expect(block.written).toEqual(bytes.subarray(0, before));
});

test.each([0, 7, 10, 2_147_483_647, -1, -2_147_483_648])('the whole number %i is its digits', (value) => {
  const block = new CellBlock();
  // A row and a text that are copied in one step.
  block.begin(Buffer.from('r'.repeat(100)), 1n);
  const column = columnName('f', 'col');
  const text = Buffer.from('t'.repeat(100));
  expect(block.slice(column, text, 0, 100)).toBe(100);
  const { length } = block;
  const digits = String(value);
  expect(block.integer(column, value)).toBe(digits.length);
  const bytes = block.written;
  expect(bytes.readInt32BE(length)).toBe(bytes.length - length - 4);
  expect(bytes.subarray(length + 12, length + 114).toString('latin1')).toBe(`\0d${'r'.repeat(100)}`);
  expect(bytes.subarray(-digits.length).toString()).toBe(digits);
  expect(bytes.subarray(length - 100, length)).toEqual(text);
});
