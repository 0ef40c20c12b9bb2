import { expect, test } from '@jest/globals';
import { parseExecuted } from '../source/executed.ts';
import { UndecidedTransactions } from './undecided.ts';

const U = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

test('MySQL: a record claims all that was passed but the undecided transactions', () => {
  const undecided = new UndecidedTransactions('mysql');
  const passed = parseExecuted('mysql', `${U}:1-10`);
  expect(undecided.durable(passed)).toBe(`${U}:1-10`);
  undecided.add({ gtid: `${U}:4`, xid: 'a' }, 100);
  undecided.add({ gtid: `${U}:7`, xid: 'b' }, 200);
  expect(undecided.durable(passed)).toBe(`${U}:1-3:5-6:8-10`);
  expect([undecided.holdsProgress, undecided.count, undecided.oldestMs]).toEqual([false, 2, 100]);
  undecided.decided('a');
  undecided.decided('never prepared');
  expect([undecided.durable(passed), undecided.oldestMs]).toEqual([`${U}:1-6:8-10`, 200]);
  expect(passed.toString()).toBe(`${U}:1-10`);
});

test('an XID that comes again takes the place of the one that a crash has lost', () => {
  const undecided = new UndecidedTransactions('mysql');
  undecided.add({ gtid: `${U}:4`, xid: 'a' }, 100);
  undecided.add({ gtid: `${U}:7`, xid: 'b' }, 200);
  undecided.add({ gtid: `${U}:9`, xid: 'a' }, 300);
  expect(undecided.durable(parseExecuted('mysql', `${U}:1-10`))).toBe(`${U}:1-6:8:10`);
  expect(undecided.xids(5)).toEqual(['b', 'a']);
});

test('MariaDB: no record while one is undecided', () => {
  const undecided = new UndecidedTransactions('mariadb');
  expect(undecided.holdsProgress).toBe(false);
  undecided.add({ gtid: '0-1-5', xid: 'a' }, 100);
  expect(undecided.holdsProgress).toBe(true);
  undecided.decided('a');
  expect(undecided.holdsProgress).toBe(false);
});
