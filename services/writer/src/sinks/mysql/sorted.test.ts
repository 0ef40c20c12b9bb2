import { expect, test } from '@jest/globals';
import { change, SUITE_TOPIC, suiteTable } from '@tapline/sink';
import { Sorted } from './sorted.ts';
import { type Target, targetOf } from './target.ts';

function look(): Target {
  return targetOf(suiteTable({ id: 'int', name: 'varchar(10)' }), {
    keyNames: ['id'],
    guard: { kind: 'offsets', offsets: { sql: 'o', topic: SUITE_TOPIC, partitions: 2 }, own: true },
    versions: 'v',
    dialect: { flavor: 'mysql', rowAlias: true, unicode: 'uca900' },
  });
}

test('changes of a partition stay together when their table is looked at anew in the middle of a call', () => {
  const sorted = new Sorted({ at: (index) => ({ topic: SUITE_TOPIC, partition: index === 1 ? 1 : 0, offset: index }) });
  const [before, after] = [look(), look()];
  for (const [index, target] of [before, before, after].entries()) {
    sorted.add(index, change(index + 1, { id: index }, { id: index, name: 'a' }), target);
  }
  const shares = sorted.shares.map(({ partition, items, target }) => [
    partition,
    items.map(({ index }) => index),
    target === after,
  ]);
  expect(shares).toEqual([
    [0, [0, 2], true],
    [1, [1], false],
  ]);
});
