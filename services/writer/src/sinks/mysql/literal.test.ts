import { describe, expect, test } from '@jest/globals';
import type { Column } from '@tapline/schema';
import type { Value } from '@tapline/sink';
import { foldOf } from './fold.ts';
import { literalOf } from './literal.ts';

const column = (type: string, more: Partial<Column> = {}): Column => ({
  name: 'c',
  type,
  columnType: type,
  nullable: true,
  unsigned: false,
  ...more,
});

describe('literals', () => {
  test.each<[type: string, value: Value, sql: string]>([
    ['int', -1, '-1'],
    ['bigint', 18446744073709551615n, '18446744073709551615'],
    ['bit', true, '1'],
    ['decimal', '-0.50', '-0.50'],
    ['decimal', "1'; DROP TABLE x", "'1''; DROP TABLE x'"],
    ['double', 0.1, '0.1e0'],
    ['double', -0, '-0e0'],
    ['double', 1e300, '1e+300'],
    ['float', 5, '5e0'],
    ['float', 3.4028235e38, '3.4028234663852886e+38'],
    ['datetime', '2026-02-28T23:59:59.5', "'2026-02-28 23:59:59.5'"],
    ['timestamp', '2026-02-28T23:59:59Z', "'2026-02-28 23:59:59'"],
    ['date', '0000-00-00', "'0000-00-00'"],
    ['varchar', "it's \\ '", "'it''s \\ '''"],
    ['varchar', 7n, "'7'"],
    ['blob', Buffer.from([0, 39, 255]), "x'0027ff'"],
    ['blob', Buffer.alloc(300), `FROM_BASE64('${Buffer.alloc(300).toString('base64')}')`],
    ['vector', '[1,2]', "STRING_TO_VECTOR('[1,2]')"],
    ['json', null, 'NULL'],
  ])('%s %p is %s', (type, value, sql) => {
    expect(literalOf(column(type), 'mysql')(value)).toBe(sql);
  });

  test('members of ENUM and SET are their numbers, what is none of them is a text', () => {
    const members = ['a', 'A', ''];
    const one = literalOf(column('enum', { members }), 'mysql');
    expect(['a', 'A', '', 'b'].map(one)).toEqual(['1', '2', '3', "'b'"]);
    const many = literalOf(column('set', { members: ['x', 'y', 'z'] }), 'mysql');
    expect(['', 'x,z', 'y', 'x,n'].map(many)).toEqual(['0', '5', '2', "'x,n'"]);
  });
});

test('values are folded as far as any collation of their kind may go, and others not at all', () => {
  const folded = foldOf(column('varchar', { collation: 'utf8mb4_0900_ai_ci' }));
  expect(new Set(['Übermaß', 'ubermass', 'UBERMASS ', 'Über-maß'].map(folded)).size).toBe(1);
  expect(folded('a')).not.toBe(folded('b'));
  const bytes = foldOf(column('varchar', { collation: 'utf8mb4_bin' }));
  expect(bytes('a ')).toBe(bytes('a'));
  expect(bytes('A')).not.toBe(bytes('a'));
  expect(foldOf(column('bigint'))(9007199254740993n)).toBe('9007199254740993');
});
