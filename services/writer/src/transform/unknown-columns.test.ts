import { expect, test } from '@jest/globals';
import type { TransformStep } from './steps.ts';
import { type KnownTable, unknownColumns } from './unknown-columns.ts';

const orders: KnownTable = { topic: 's.shop.orders', table: 'shop.orders', columns: ['id', 'status', 'price', 'doc'] };
const people: KnownTable = { topic: 's.shop.people', table: 'shop.people', columns: ['id', 'email'] };

const found = (tables: readonly KnownTable[], ...steps: TransformStep[]): string[] =>
  unknownColumns(steps, tables).map(({ path, column, meant }) => `${path} ${column} → ${meant ?? 'nothing'}`);

test('a column that none of the tables has is told, with what was meant', () => {
  expect(found([orders, people], { mask: { emial: 'hash', email: 'hash' } }, { exclude: ['price'] })).toEqual([
    'transform[0].mask emial → email',
  ]);
  expect(found([orders], { filter: "op == 'c' && row.statsu == 'paid' && before.price != null" })).toEqual([
    'transform[0].filter statsu → status',
  ]);
  expect(found([orders], { template: { x: '${id} ${nam}' } }, { compute: { y: 'row.x + row.z' } })).toEqual([
    'transform[0].template nam → nothing',
    'transform[1].compute z → x',
  ]);
});

test('steps see what those before them left, and tables what is for them', () => {
  expect(found([orders], { rename: { status: 'state' } }, { cast: { state: 'text' } })).toEqual([]);
  expect(found([orders], { include: ['id'] }, { exclude: ['price'] })).toEqual([
    'transform[1].exclude price → nothing',
  ]);
  expect(found([orders, people], { for: { tables: ['shop.people'], steps: [{ exclude: ['status'] }] } })).toEqual([
    'transform[0].for.steps[0].exclude status → nothing',
  ]);
  expect(found([orders], { for: { tables: ['shop.people'], steps: [{ exclude: ['status'] }] } })).toEqual([]);
});

test('nothing is said behind a step whose columns cannot be known, nor of what has() asks for', () => {
  expect(found([orders], { flatten: { doc: 'd_' } }, { exclude: ['d_city'] })).toEqual([]);
  expect(found([orders], { module: './m.ts' }, { exclude: ['anything'] })).toEqual([]);
  expect(found([orders], { where: 'has(row.newer) && row.newer' })).toEqual([]);
  expect(found([], { exclude: ['x'] })).toEqual([]);
});
