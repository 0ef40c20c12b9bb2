import { expect, test } from '@jest/globals';
import type { Table } from '@tapline/schema';
import type { ShapeRule } from '../shape/config.ts';
import { Shape } from '../shape/rules.ts';
import { tellWhatStays } from './staying.ts';

const tables = ['orders', 'orders_1', 'log', 'orders_2'].map(
  (name): Table => ({ database: 'shop', name, columns: [], uniqueKeys: [] }),
);
const rule: ShapeRule = {
  tables: ['shop.orders_*'],
  topic: 's.orders',
  sharedTopic: 'tableInKey',
  hash: [],
  mask: {},
  truncate: {},
  exclude: [],
  optional: false,
  config: {},
};
const shape = Shape.compile({ rules: [rule] }, 0);
const keys = {
  columnsOf: ({ name }: Pick<Table, 'name'>) => (name === 'log' ? undefined : ['id']),
  unmatched: () => [],
};

function told(...lost: readonly string[]): unknown[] {
  const said: unknown[] = [];
  tellWhatStays({ tables: lost }, { tables, keys, shape }, { error: (_, fields) => void said.push(fields) });
  return said;
}

test('of the tables that lost rows, those are told that a load does not make right', () => {
  expect(told('shop.orders', 'shop.orders_1', 'shop.log')).toEqual([
    { keyless: ['shop.log'], shared: ['shop.orders_1'] },
  ]);
  expect(told('shop.orders_2')).toEqual([{ keyless: [], shared: ['shop.orders_2'] }]);
});

test('nothing is told where a load makes all right', () => {
  expect(told('shop.orders', 'shop.gone')).toEqual([]);
});
