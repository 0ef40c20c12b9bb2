import { expect, test } from '@jest/globals';
import type { Column, Table } from '@tapline/schema';
import { compileEnvelope, type RowImageMode } from './index.ts';
import type { ColumnShapes } from './shape/column-shape.ts';

const ID: Column = { name: 'id', type: 'int', columnType: 'int', nullable: false, unsigned: false, fill: '9' };
const TEXT: Column = {
  ...{ name: 'c', type: 'varchar', columnType: 'varchar(9)', nullable: false, unsigned: false, length: 9 },
  ...{ charset: 'latin1', collation: 'latin1_swedish_ci', fill: 'é secret' },
};

interface Field {
  readonly name: string;
  readonly default?: unknown;
}

function envelopeOf(columns: readonly Column[], more: { shapes?: ColumnShapes; rowImage?: RowImageMode } = {}) {
  const table: Table = { database: 'shop', name: 't', columns, primaryKey: ['id'], uniqueKeys: [] };
  return compileEnvelope({ source: 's', table, keyColumns: ['id'], ...more });
}

/** Of the column `c`; `none`: there is no default; `gone`: no such field. */
function defaultOf(column: Column, more: Parameters<typeof envelopeOf>[1] = {}): unknown {
  const { fields } = JSON.parse(envelopeOf([ID, column], more).valueSchema) as {
    fields: readonly { type: readonly [unknown, { fields: readonly Field[] }] }[];
  };
  const field = fields[0]?.type[1].fields.find(({ name }) => name === 'c');
  if (field === undefined) return 'gone';
  return 'default' in field ? field.default : 'none';
}

test('a fill is the default in the value, in no key, and a column without one has none', () => {
  expect(defaultOf(TEXT)).toBe('é secret');
  const { fill: _, ...without } = TEXT;
  expect(defaultOf(without)).toBe('none');
  expect(envelopeOf([ID, TEXT]).keySchema).not.toContain('default');
});

test('what a shape makes of values it makes of the default too: nothing of a hidden column shows', () => {
  const hashed = defaultOf(TEXT, { shapes: new Map([['c', { kind: 'hash', salt: 'salt' }]]) });
  expect(hashed).toMatch(/^[0-9a-f]{64}$/);
  expect(defaultOf(TEXT, { shapes: new Map([['c', { kind: 'mask', text: '***' }]]) })).toBe('***');
  expect(defaultOf(TEXT, { shapes: new Map([['c', { kind: 'truncate', characters: 1 }]]) })).toBe('é');
  expect(defaultOf(TEXT, { shapes: new Map([['c', { kind: 'exclude' }]]) })).toBe('gone');
});

test('where rows may come without columns, absent is the default', () => {
  expect(defaultOf(TEXT, { rowImage: 'partial' })).toBeNull();
});

test('a value that the column does not take any more, and one that JSON would round, are no default', () => {
  const { charset: _, collation: __, ...plain } = TEXT;
  expect(defaultOf({ ...plain, type: 'int', columnType: 'int' })).toBe('none');
  expect(defaultOf({ ...plain, type: 'enum', columnType: "enum('a')", members: ['a'] })).toBe('none');
  const bigint = { ...plain, type: 'bigint', columnType: 'bigint' };
  expect(defaultOf({ ...bigint, fill: '4611686018427387904' })).toBe('none');
  expect(defaultOf({ ...bigint, fill: '-9000000000000000000' })).toBe(-9_000_000_000_000_000_000);
});
