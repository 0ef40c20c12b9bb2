import { describe, expect, test } from '@jest/globals';
import { compileEnvelope } from '@tapline/envelope';
import { TaplineError } from '@tapline/kernel';
import { type Column, type Key, keyColumnsOf, type TableState } from '@tapline/schema';
import { approveForm, type FormPolicy } from './form-change.ts';

const TEXT = { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' };

function column(name: string, type: string, more: Partial<Column> = {}): Column {
  return { name, type, columnType: type, nullable: name !== 'id', unsigned: false, ...more };
}

function state(columns: readonly Column[], key: readonly string[] = ['id']): TableState {
  const parts = key.map((name) => ({ column: name, prefix: undefined }));
  const keys: readonly Key[] = key.length === 0 ? [] : [{ kind: 'primary', name: 'PRIMARY', parts, visible: true }];
  return { database: 'shop', name: 't', text: TEXT, columns, keys };
}

const policy = (more: Partial<FormPolicy> = {}): FormPolicy => ({
  config: { keyChange: 'stop', incompatible: 'stop' },
  isUsed: () => true,
  formOf: (table) => {
    const envelope = compileEnvelope({ source: 's', table, keyColumns: keyColumnsOf(table, {}) });
    return { topic: 's.shop.t', key: envelope.keySchema, value: envelope.valueSchema };
  },
  ...more,
});

function verdict(before: TableState, after: TableState, by: FormPolicy = policy()): string {
  try {
    return approveForm({ before, after, place: 'here' }, by) === 'goesOn' ? 'taken' : 'new topic';
  } catch (error) {
    return error instanceof TaplineError ? error.code : String(error);
  }
}

const id = column('id', 'int');
const decimal = (precision: number, scale: number): Column => column('a', 'decimal', { precision, scale });

describe('another key', () => {
  const before = state([id, column('a', 'int', { nullable: false })]);
  const cases: readonly (readonly [string, TableState])[] = [
    ['other columns', state(before.columns, ['id', 'a'])],
    ['a wider type', state([column('id', 'bigint'), ...before.columns.slice(1)])],
    ['another name', state([column('no', 'int', { nullable: false })], ['no'])],
  ];
  test.each(cases)('%s: the reader stops, or goes on where it was told to', (_, after) => {
    expect(verdict(before, after)).toBe('SCHEMA_KEY_CHANGED');
    const config = { keyChange: 'continue', incompatible: 'newVersion' } as const;
    expect(verdict(before, after, policy({ config }))).toBe('taken');
    const renews = { keyChange: 'newTopic', incompatible: 'newVersion' } as const;
    expect(verdict(before, after, policy({ config: renews }))).toBe('new topic');
  });

  test('of a table of which nothing was published is no matter, nor is one that has no key for a while', () => {
    const after = state(before.columns, ['id', 'a']);
    expect(verdict(before, after, policy({ isUsed: () => false }))).toBe('taken');
    expect(verdict(before, state(before.columns, []))).toBe('taken');
  });
});

describe('another type', () => {
  const cases: readonly (readonly [string, Column, Column, string])[] = [
    ['a wider integer', column('a', 'int'), column('a', 'bigint'), 'taken'],
    ['a narrower integer', column('a', 'bigint'), column('a', 'int'), 'SCHEMA_FORM_CHANGED'],
    [
      'a number that becomes text',
      column('a', 'int'),
      column('a', 'varchar', { ...TEXT, length: 9 }),
      'SCHEMA_FORM_CHANGED',
    ],
    ['NULL where there was none', column('a', 'int', { nullable: false }), column('a', 'int'), 'taken'],
    ['no NULL any more', column('a', 'int'), column('a', 'int', { nullable: false }), 'SCHEMA_FORM_CHANGED'],
    ['a longer text', column('a', 'varchar', { ...TEXT, length: 9 }), column('a', 'text', TEXT), 'taken'],
    ['more digits', decimal(8, 2), decimal(12, 2), 'taken'],
    ['more decimals', decimal(8, 2), decimal(12, 4), 'SCHEMA_FORM_CHANGED'],
  ];
  test.each(cases)('%s', (_, was, is, expected) => {
    expect(verdict(state([id, was]), state([id, is]))).toBe(expected);
  });

  test('columns that come with NULL, go or change places are no matter', () => {
    const sure = column('a', 'int', { nullable: false });
    expect(verdict(state([id, sure]), state([column('b', 'date'), id]))).toBe('taken');
    expect(verdict(state([id, sure]), state([sure, id]))).toBe('taken');
  });

  test('a NOT NULL column that comes is no matter where it is known what older rows have in it', () => {
    const b = column('b', 'int', { nullable: false, fill: '5' });
    expect(verdict(state([id]), state([id, b]))).toBe('taken');
  });

  test('a NOT NULL column that comes and has nobody knows what in older rows', () => {
    const [before, after] = [state([id]), state([id, column('b', 'date', { nullable: false })])];
    expect(() => approveForm({ before, after, place: 'here' }, policy())).toThrow('b (NOT NULL, which they lack)');
    const by = (incompatible: 'newTopic' | 'newVersion'): FormPolicy =>
      policy({ config: { keyChange: 'stop', incompatible } });
    expect(verdict(before, after, by('newTopic'))).toBe('new topic');
    expect(verdict(before, after, by('newVersion'))).toBe('taken');
  });
});
