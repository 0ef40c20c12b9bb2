import { expect, test } from '@jest/globals';
import { type Moves, movesOf, type Rename } from './renames.ts';

const table = (name: string) => ({ database: 'shop', name });

function renames(text: string): Rename[] {
  return text.split(', ').map((pair) => {
    const [from = '', to = ''] = pair.split(' > ');
    return { from: table(from), to: table(to) };
  });
}

function shown({ renamed, replaced, gone }: Moves): Record<string, string[]> {
  return {
    renamed: renamed.map(({ from, to }) => `${from.name} > ${to.name}`),
    replaced: replaced.map((one) => `${one.table.name} by ${one.by.name}`),
    gone: gone.map(({ name }) => name),
  };
}

// Names of tables that are captured have no underscore in front.
test.each<[string, Record<string, string[]>]>([
  ['a > b', { renamed: ['a > b'], replaced: [], gone: [] }],
  ['a > _tmp, b > a, _tmp > b', { renamed: ['b > a', 'a > b'], replaced: [], gone: [] }],
  ['a > _a_del, _a_gho > a', { renamed: [], replaced: ['a by _a_gho'], gone: [] }],
  ['a > _a_del, b > a', { renamed: ['b > a'], replaced: [], gone: [] }],
  ['a > _aside', { renamed: [], replaced: [], gone: ['a'] }],
  ['_new > a', { renamed: [], replaced: [], gone: [] }],
  ['a > _x, _x > c', { renamed: ['a > c'], replaced: [], gone: [] }],
])('%s', (text, moves) => {
  expect(shown(movesOf(renames(text), ({ name }) => !name.startsWith('_')))).toEqual(moves);
});
