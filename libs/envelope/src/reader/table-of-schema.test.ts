import { expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import { compileEnvelope } from '../compile.ts';
import { tableOfSchema } from './table-of-schema.ts';

function column(name: string, columnType: string, more: Partial<Column> = {}): Column {
  const type = /^[a-z]+/.exec(columnType)?.[0] ?? '';
  const unsigned = columnType.endsWith(' unsigned');
  return { name, type, columnType, nullable: true, unsigned, ...more };
}

const COLUMNS: readonly Column[] = [
  column('id', 'bigint unsigned', { nullable: false }),
  column('order-no', 'int'),
  column('price', 'decimal(20,4)', { precision: 20, scale: 4 }),
  column('seen', 'datetime(6)', { fsp: 6 }),
  column('flag', 'bit(1)', { length: 1 }),
  column('flags', 'bit(20)', { length: 20 }),
  column('kind', "enum('a,b','it''s','c')", { members: ['a,b', "it's", 'c'] }),
  column('shape', 'geometry'),
];

const TABLE = { database: 'shop', name: 'item', columns: COLUMNS, primaryKey: ['id'], uniqueKeys: [] };

test('a value’s schema tells the columns as the table has them, but for lengths of texts', () => {
  const { valueSchema } = compileEnvelope({ source: 'src', table: TABLE, keyColumns: ['id'] });
  expect(tableOfSchema(valueSchema)).toEqual({
    kind: 'value',
    namespace: 'src.shop.item',
    database: 'shop',
    name: 'item',
    columns: COLUMNS,
    shaped: new Set(),
  });
});

test('a key’s schema tells the columns of the key', () => {
  const { keySchema } = compileEnvelope({ source: 'src', table: TABLE, keyColumns: ['order-no', 'id'] });
  const key = tableOfSchema(keySchema ?? '');
  expect(key?.kind).toBe('key');
  expect(key?.columns.map(({ name, columnType }) => [name, columnType])).toEqual([
    ['order-no', 'int'],
    ['id', 'bigint unsigned'],
  ]);
});

test('a schema that is of no table is none', () => {
  expect(tableOfSchema('{"type":"record","name":"Other","fields":[]}')).toBeUndefined();
  expect(tableOfSchema('"string"')).toBeUndefined();
});
