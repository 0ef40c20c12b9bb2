import { expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import { ColumnPool } from './column-pool.ts';

const column = (name: string, more: Partial<Column> = {}): Column => ({
  name,
  type: 'int',
  columnType: 'int',
  nullable: false,
  unsigned: false,
  ...more,
});

test('equal columns are one object, and others stay what they are', () => {
  const pool = new ColumnPool();
  const first = pool.of(column('id'));
  expect(pool.of(column('id'))).toBe(first);
  expect(pool.of(column('id', { nullable: true }))).toEqual(column('id', { nullable: true }));
  expect(pool.of(column('other'))).not.toBe(first);
});
