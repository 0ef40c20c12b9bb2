import { describe, expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import { compileKeys, type KeysConfig, keyColumnsOf, uniqueColumnsOf } from './keys.ts';
import type { Column, Table } from './table.ts';

const column = (name: string, nullable = false): Column => ({
  name,
  type: 'int',
  columnType: 'int',
  nullable,
  unsigned: false,
});

const log: Table = {
  database: 'shop',
  name: 'log',
  columns: [column('a'), column('b'), column('c', true)],
  uniqueKeys: [],
};
const orders: Table = { ...log, name: 'orders', primaryKey: ['b', 'a'] };

const refusal = (run: () => unknown): TaplineError => {
  try {
    run();
  } catch (error) {
    if (error instanceof TaplineError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

describe('the message key of a table', () => {
  test('is the primary key, in key order', () => {
    expect(keyColumnsOf(orders, {})).toEqual(['b', 'a']);
  });

  test('is what the configuration chooses, before the primary key', () => {
    expect(keyColumnsOf(orders, { 'shop.orders': ['a'] })).toEqual(['a']);
    expect(keyColumnsOf(log, { 'shop.log': ['B', 'a'] })).toEqual(['b', 'a']);
    expect(keyColumnsOf(log, { 'shop.log': 'append' })).toBeUndefined();
  });

  test('an exact name goes before a pattern, whatever their order', () => {
    const config: KeysConfig = { '*.*': 'append', 'shop.log': ['a'] };
    expect(keyColumnsOf(log, config)).toEqual(['a']);
    expect(keyColumnsOf(orders, config)).toBeUndefined();
  });

  test('names follow the server’s case rule', () => {
    expect(keyColumnsOf(log, { 'Shop.Log': 'append' }, { lowerCaseTableNames: 1 })).toBeUndefined();
    expect(refusal(() => keyColumnsOf(log, { 'Shop.Log': 'append' })).code).toBe('SCHEMA_NO_KEY');
  });

  test('without a primary key and a choice: an error with the lines to add', () => {
    const error = refusal(() => keyColumnsOf(log, {}));
    expect(error.code).toBe('SCHEMA_NO_KEY');
    expect(error.place.table).toBe('shop.log');
    expect(error.remedy).toContain('"keys:"');
    expect(error.remedy).toContain('"shop.log": append');
    const unique: Table = { ...log, uniqueKeys: [{ name: 'u', columns: ['b', 'a'] }] };
    expect(refusal(() => keyColumnsOf(unique, {})).remedy).toContain('"shop.log": [b, a]');
  });

  test('a choice that does not fit the table is refused', () => {
    const missing = refusal(() => keyColumnsOf(log, { 'shop.log': ['d'] }));
    expect(missing.code).toBe('CONFIG_INVALID');
    expect(missing.remedy).toContain('a, b, c');
    const nullable = refusal(() => keyColumnsOf(log, { 'shop.log': ['c'] }));
    expect(nullable.code).toBe('CONFIG_INVALID');
    expect(nullable.message).toContain('NULL');
    expect(refusal(() => keyColumnsOf(log, { 'shop.log': [] })).code).toBe('CONFIG_INVALID');
    expect(refusal(() => keyColumnsOf(log, { 'shop.log': ['a', 'a'] })).code).toBe('CONFIG_INVALID');
    expect(refusal(() => keyColumnsOf(log, { log: 'append' })).code).toBe('CONFIG_INVALID');
  });

  test('choices that fit no table are told', () => {
    const keys = compileKeys({ 'shop.log': 'append', 'shop.lgo': 'append' }, { lowerCaseTableNames: 0 });
    expect(keys.unmatched([log, orders])).toEqual(['shop.lgo']);
  });
});

test('a table is read along its primary key, else a unique key without NULLs', () => {
  expect(uniqueColumnsOf(orders)).toEqual(['b', 'a']);
  expect(uniqueColumnsOf(log)).toBeUndefined();
  const nullable = { name: 'n', columns: ['a', 'c'] };
  expect(uniqueColumnsOf({ ...log, uniqueKeys: [nullable] })).toBeUndefined();
  expect(uniqueColumnsOf({ ...log, uniqueKeys: [nullable, { name: 'u', columns: ['a', 'b'] }] })).toEqual(['a', 'b']);
});
