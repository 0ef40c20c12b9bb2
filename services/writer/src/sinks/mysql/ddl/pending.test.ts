import { describe, expect, test } from '@jest/globals';
import type { Barrier, DdlRecord } from '@tapline/schema';
import { isHeld, PendingStatements } from './pending.ts';

function statement(version: number, barrier?: Barrier): DdlRecord {
  return {
    kind: 'ddl',
    version,
    at: { gtid: '', file: '', position: 0 },
    commitMicros: '0',
    database: 'shop',
    session: {},
    sql: '',
    sqlHash: '',
    databases: [],
    changes: [],
    later: [],
    ...(barrier === undefined ? {} : { barrier, captured: [] }),
  };
}

const all = (_topic: string): boolean => true;

function pending(...statements: readonly DdlRecord[]): PendingStatements {
  const list = new PendingStatements();
  list.add(statements);
  return list;
}

function reached(
  list: PendingStatements,
  settled: Readonly<Record<string, readonly number[]>>,
  consumes = all,
): number[] {
  return list.reached(new Map(Object.entries(settled)), consumes).map(({ version }) => version);
}

describe('a statement is reached', () => {
  const list = pending(
    statement(2, { a: [5, 7] }),
    statement(3),
    statement(4, { a: [5, 9], b: [1] }),
    statement(5, { b: [3] }),
  );

  test.each<[string, Record<string, number[]>, number[]]>([
    ['when every partition of its topics has come to it', { a: [5, 7] }, [2]],
    ['not while one has not', { a: [9, 6] }, []],
    ['not by a partition of which nothing was committed', { a: [5] }, []],
    ['with those in front of it, in their order', { a: [6, 9], b: [1] }, [2, 4]],
    ['not ahead of one of the same topic', { a: [6, 8], b: [9] }, [2]],
  ])('%s', (_, settled, versions) => {
    expect(reached(list, settled)).toEqual(versions);
  });

  test('by the topics that the writer takes changes from', () => {
    expect(reached(list, { b: [3] }, (topic) => topic === 'b')).toEqual([4, 5]);
  });

  test('at once where its topics had no changes', () => {
    expect(reached(pending(statement(2, { a: [] })), {})).toEqual([2]);
  });
});

test('what is noted as done is neither carried out nor waited for, and what follows it is', () => {
  const list = pending(statement(2, { a: [5] }), statement(4, { a: [7], b: [] }));
  expect(list.noteDone(new Map([['a', 2]]))).toBe(true);
  expect(list.noteDone(new Map([['a', 2]]))).toBe(false);
  expect(list.next('a')?.version).toBe(4);
  expect(reached(list, { a: [7] })).toEqual([4]);
  list.noteDone(new Map([['a', 4]]));
  // Broken off between the notes of two topics.
  expect(list.next('b')?.version).toBe(4);
  list.noteDone(
    new Map([
      ['a', 4],
      ['b', 4],
    ]),
  );
  list.trim(all);
  expect(list.isEmpty).toBe(true);
  expect(list.newest).toBe(4);
});

test('changes wait from the offset on at which the statement stands, and all of a partition that it does not know', () => {
  const limits = new Map([['a', [5]]]);
  const held = (topic: string, partition: number, offset: number): boolean =>
    isHeld(limits, { topic, partition, offset });
  expect([held('a', 0, 4), held('a', 0, 5), held('a', 1, 0), held('b', 0, 9)]).toEqual([false, true, true, false]);
});
