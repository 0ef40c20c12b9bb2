import { expect, test } from '@jest/globals';
import { change } from '@tapline/sink';
import { preview } from '../preview.ts';
import { redisConfig } from '../testing/bench.ts';

const placed = change(1, { id: 7 }, { id: 7, channel: 'the web', cents: '250' });
const CHANGES = [placed, change(2, { id: 7 })];
const GONE = '(the row is taken out of where it stood)';

test.each([
  [{ as: 'set', collection: 'of:${row.channel}' }, 'SADD "of:the web" 7'],
  [{ as: 'sortedSet', collection: 'board', score: '${row.cents}', member: 'n${key}' }, 'ZADD board 250 n7'],
  [{ as: 'counter', collection: 'orders', member: '${row.channel}' }, 'HINCRBY orders "the web" 1'],
  [{ as: 'counter', collection: 'cents', amount: '${row.cents}' }, 'INCRBY cents 250'],
])('a dry run with %j shows the command', (given, command) => {
  expect(preview(CHANGES, redisConfig(given))).toEqual([command, GONE]);
});

test('a dry run of an invalidation shows what is deleted', () => {
  expect(preview(CHANGES, redisConfig({ as: 'invalidate', key: 'cache:${key}' }))).toEqual([
    'DEL cache:7',
    'DEL cache:7',
  ]);
});
