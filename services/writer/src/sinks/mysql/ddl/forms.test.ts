import { describe, expect, test } from '@jest/globals';
import type { Table } from '@tapline/schema';
import { suiteTable } from '@tapline/sink';
import type { Dialect } from '../target.ts';
import { isAsAfter, touchedColumns } from './forms.ts';

const MYSQL: Dialect = { flavor: 'mysql', rowAlias: true, unicode: 'uca900' };
const MARIADB: Dialect = { flavor: 'mariadb', rowAlias: false, unicode: 'uca1400' };
const NO_KEYS = { added: [], dropped: [] };
const BEFORE = suiteTable({ id: 'int', a: 'varchar(10)', b: 'int' });
const AFTER = suiteTable({ id: 'int', a: 'varchar(20)', c: 'int' });

function isAs(present: Table, dialect = MYSQL): boolean {
  const columns = touchedColumns(BEFORE, AFTER);
  return isAsAfter({ table: present, keys: new Set() }, { columns, keys: NO_KEYS }, dialect);
}

describe('a table is as a statement leaves it', () => {
  test('when every column that the statement touched is, whatever else the table has', () => {
    expect(isAs(AFTER)).toBe(true);
    expect(isAs(suiteTable({ c: 'int', own: 'json', a: 'varchar(20)', id: 'bigint' }))).toBe(true);
    expect(isAs(BEFORE)).toBe(false);
    expect(isAs(suiteTable({ id: 'int', a: 'varchar(20)', b: 'int', c: 'int' }))).toBe(false);
    expect(isAs(suiteTable({ id: 'int', a: 'varchar(10)', c: 'int' }))).toBe(false);
  });

  test('in the words of the server that it is on', () => {
    const [id, a, c] = AFTER.columns;
    const onMariadb = {
      ...AFTER,
      columns: [id, a, c && { ...c, columnType: 'int(11)' }].filter((one) => one !== undefined),
    };
    expect(isAs(onMariadb, MARIADB)).toBe(true);
  });

  test('by the names of its keys', () => {
    const isAsWith = (...keys: string[]): boolean =>
      isAsAfter(
        { table: AFTER, keys: new Set(keys) },
        { columns: [], keys: { added: ['By_a'], dropped: ['by_b'] } },
        MYSQL,
      );
    expect([isAsWith('by_a'), isAsWith('by_a', 'by_b'), isAsWith()]).toEqual([true, false, false]);
  });

  test('never where the statement touched nothing that one sees', () => {
    expect(isAsAfter({ table: AFTER, keys: new Set() }, { columns: [], keys: NO_KEYS }, MYSQL)).toBe(false);
  });
});
