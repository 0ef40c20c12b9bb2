import { describe, expect, test } from '@jest/globals';
import type { Column, Table } from '@tapline/schema';
import { KeyRange } from './chunk-key.ts';

const column = (name: string, type: string, more: Partial<Column> = {}): Column => ({
  name,
  type,
  columnType: type,
  nullable: false,
  unsigned: false,
  ...more,
});

const table: Table = {
  database: 'shop',
  name: 'orders',
  columns: [
    column('id', 'bigint'),
    column('name', 'varchar', { charset: 'latin1' }),
    column('at', 'datetime'),
    column('state', 'enum', { charset: 'utf8mb4' }),
    column('rate', 'float'),
    column('doc', 'json'),
  ],
  uniqueKeys: [],
};

const codeOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe('reading along a key', () => {
  test('the rows after a key of several columns, in a form that MySQL reads by index range', () => {
    const range = new KeyRange(table, ['id', 'name', 'at'], 't');
    expect(range.after(['7', 'C3', '2026-01-02 03:04:05.000001'])).toBe(
      "((t.`id` > 7) OR (t.`id` = 7 AND t.`name` > _latin1 x'C3')" +
        " OR (t.`id` = 7 AND t.`name` = _latin1 x'C3' AND t.`at` > '2026-01-02 03:04:05.000001'))",
    );
    expect(range.selectList).toBe('t.`id`, HEX(t.`name`), t.`at`');
    expect(range.orderBy).toBe('t.`id`, t.`name`, t.`at`');
  });

  test('enum sorts by number, float is taken in full', () => {
    const range = new KeyRange(table, ['state', 'rate'], 't');
    expect(range.selectList).toBe('t.`state` + 0, t.`rate` + 0e0');
    expect(range.after(['2', '0.5'])).toBe('((t.`state` > 2) OR (t.`state` = 2 AND t.`rate` > 0.5e0))');
    expect(range.after(['2', '1e20'])).toContain('> 1e20)');
  });

  test('a key that is not of the columns’ form is refused, so that no text gets into a statement', () => {
    const range = new KeyRange(table, ['id', 'name'], 't');
    for (const key of [['1'], ['1', '41', '2'], ['1 OR 1=1', '41'], ['1', "41' OR '1"], ['', '41'], ['1', '4']]) {
      expect(codeOf(() => range.after(key))).toBe('PROGRESS_UNREADABLE');
    }
    expect(codeOf(() => range.after(['1', '']))).toBe("((t.`id` > 1) OR (t.`id` = 1 AND t.`name` > _latin1 x''))");
  });

  test('a column that no key can have is refused', () => {
    expect(codeOf(() => new KeyRange(table, ['doc'], 't'))).toBe('SCHEMA_UNSUPPORTED');
    expect(codeOf(() => new KeyRange(table, ['gone'], 't'))).toBe('SCHEMA_UNSUPPORTED');
  });
});
