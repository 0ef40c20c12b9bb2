import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ColumnRow, columnOf, membersOf } from './column.ts';

const row = (over: Partial<ColumnRow>): ColumnRow => ({
  name: 'c',
  dataType: 'int',
  columnType: 'int',
  nullable: 'NO',
  characterLength: null,
  numericPrecision: null,
  numericScale: null,
  datetimePrecision: null,
  charset: null,
  collation: null,
  extra: '',
  srid: null,
  ...over,
});

describe('members of enum and set', () => {
  test.each([
    ["enum('a','b')", ['a', 'b']],
    ["enum('it''s','a,b','(x)','')", ["it's", 'a,b', '(x)', '']],
    ["set('a b',' c')", ['a b', ' c']],
    [String.raw`enum('a\\b','a\nb','a\rb','a\0b')`, ['a\\b', 'a\nb', 'a\rb', 'a\0b']],
    ["enum(''',''')", ["','"]],
  ])('%s', (columnType, members) => {
    expect(membersOf(columnType)).toEqual(members);
  });

  test('whatever the server prints comes back', () => {
    const printed = (member: string): string =>
      `'${member.replaceAll(/[\\\n\r\0']/g, (c) => ({ '\n': '\\n', '\r': '\\r', '\0': '\\0', "'": "''" })[c] ?? `\\${c}`)}'`;
    const member = fc.string({ unit: fc.constantFrom('a', "'", '\\', ',', '\n', '\r', '\0', '(', ')', 'é', '中') });
    fc.assert(
      fc.property(fc.array(member, { minLength: 1 }), (members) => {
        expect(membersOf(`enum(${members.map(printed).join(',')})`)).toEqual(members);
      }),
    );
  });
});

describe('a column of information_schema', () => {
  test('a member called unsigned makes no unsigned enum', () => {
    const column = columnOf(row({ dataType: 'enum', columnType: "enum('unsigned')", charset: 'latin1' }));
    expect(column).toMatchObject({ unsigned: false, charset: 'latin1', members: ['unsigned'] });
    expect(columnOf(row({ columnType: 'int(5) unsigned zerofill' })).unsigned).toBe(true);
  });

  test('generated columns are told by kind, default expressions are none', () => {
    expect(columnOf(row({ extra: 'VIRTUAL GENERATED' })).generated).toBe('virtual');
    expect(columnOf(row({ extra: 'STORED GENERATED INVISIBLE' })).generated).toBe('stored');
    expect(columnOf(row({ extra: 'PERSISTENT GENERATED' })).generated).toBe('stored');
    expect(columnOf(row({ extra: 'DEFAULT_GENERATED on update CURRENT_TIMESTAMP' })).generated).toBeUndefined();
  });

  test('lengths are in the unit of the type', () => {
    expect(columnOf(row({ dataType: 'bit', columnType: 'bit(9)', numericPrecision: '9' })).length).toBe(9);
    expect(columnOf(row({ dataType: 'vector', columnType: 'vector(3)', characterLength: '12' })).length).toBe(3);
    expect(columnOf(row({ dataType: 'uuid', columnType: 'uuid' })).length).toBe(16);
    expect(columnOf(row({ dataType: 'varchar', columnType: 'varchar(7)', characterLength: '7' })).length).toBe(7);
    expect(columnOf(row({})).length).toBeUndefined();
  });
});
