import { describe, expect, test } from '@jest/globals';
import { type TableMap, WIRE_TYPE, type WireColumn } from '@tapline/binlog';
import type { Column } from '@tapline/schema';
import { bindTable } from './bind-table.ts';
import { column, tableOf } from './testing/encode.ts';
import { checkWire } from './wire-check.ts';

const table = tableOf([
  column('id', 'int', { unsigned: true }),
  column('price', 'decimal', { precision: 12, scale: 2, nullable: true }),
  column('at', 'datetime', { fsp: 3 }),
  column('state', 'enum', { members: ['new', 'döne'], charset: 'latin1' }),
  column('name', 'varchar', { charset: 'latin1', length: 10 }),
]);

const good: readonly WireColumn[] = [
  { type: WIRE_TYPE.LONG, meta: 0, nullable: false, unsigned: true, name: 'id' },
  { type: WIRE_TYPE.NEWDECIMAL, meta: (12 << 8) | 2, nullable: true, name: 'price', unsigned: false },
  { type: WIRE_TYPE.DATETIME2, meta: 3, nullable: false, name: 'at' },
  {
    type: WIRE_TYPE.ENUM,
    meta: 1,
    nullable: false,
    name: 'state',
    charsetId: 8,
    memberBytes: [Buffer.from('new'), Buffer.from('döne', 'latin1')],
  },
  { type: WIRE_TYPE.VARCHAR, meta: 10, nullable: false, name: 'name', charsetId: 8 },
];

function wire(columns: readonly WireColumn[]): TableMap {
  return { id: 1, database: 'shop', table: 't', columns };
}

function changed(index: number, change: Partial<WireColumn>): TableMap {
  return wire(good.map((one, i) => (i === index ? { ...one, ...change } : one)));
}

describe('the table against the binlog', () => {
  test('what fits is taken, with metadata and without', () => {
    expect(() => checkWire(table, wire(good))).not.toThrow();
    const minimal = good.map(({ type, meta, nullable }) => ({ type, meta, nullable }));
    expect(() => checkWire(table, wire(minimal))).not.toThrow();
  });

  test.each<readonly [string, TableMap, string]>([
    ['a renamed column', changed(0, { name: 'ident' }), 'ident'],
    ['another type', changed(0, { type: WIRE_TYPE.LONGLONG }), 'id'],
    ['another sign', changed(0, { unsigned: false }), 'unsigned'],
    ['another nullability', changed(1, { nullable: false }), 'NOT NULL'],
    ['another scale', changed(1, { meta: (12 << 8) | 3 }), 'price'],
    ['other fraction digits', changed(2, { meta: 6 }), 'at'],
    ['other members', changed(3, { memberBytes: [Buffer.from('new')] }), 'state'],
    [
      'members in another order',
      changed(3, { memberBytes: [Buffer.from('d\xf6ne', 'latin1'), Buffer.from('new')] }),
      'state',
    ],
    ['bytes instead of text', changed(4, { charsetId: 63 }), 'name'],
    ['another character set', changed(4, { charsetId: 45 }), 'utf8mb4'],
    [
      'a compressed column where there is a number',
      changed(0, { type: WIRE_TYPE.VARCHAR_COMPRESSED }),
      'VARCHAR_COMPRESSED',
    ],
    ['more members than fit a byte', changed(3, { meta: 2, memberBytes: undefined as never }), 'state'],
    ['another length', changed(4, { meta: 11 }), 'name'],
    ['one column more', wire([...good, good[0] as WireColumn]), '6'],
    ['another table', { ...wire(good), table: 'u' }, 'shop.u'],
  ])('%s is SCHEMA_MISMATCH', (_, seen, named) => {
    expect(() => checkWire(table, seen)).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_MISMATCH',
        message: expect.stringContaining(named),
        place: { table: 'shop.t' },
      }),
    );
  });

  test('with MINIMAL metadata lengths tell columns apart: characters times their bytes, and the bytes of a length', () => {
    const plain = (type: number, meta: number): WireColumn => ({ type, meta, nullable: false });
    const fits = (one: Column, seen: WireColumn): boolean => {
      try {
        checkWire(tableOf([one]), wire([seen]));
        return true;
      } catch {
        return false;
      }
    };
    const name = column('n', 'varchar', { charset: 'utf8mb4', length: 20 });
    expect([80, 60, 20].map((meta) => fits(name, plain(WIRE_TYPE.VARCHAR, meta)))).toEqual([true, false, false]);
    const long = column('n', 'mediumtext', { charset: 'utf8mb4', length: 16_777_215 });
    expect([2, 3, 4].map((meta) => fits(long, plain(WIRE_TYPE.BLOB, meta)))).toEqual([false, true, false]);
    const set = column('n', 'set', { charset: 'utf8mb4', members: Array.from({ length: 33 }, (_, i) => `m${i}`) });
    expect([4, 5, 8].map((meta) => fits(set, plain(WIRE_TYPE.SET, meta)))).toEqual([false, false, true]);
    const packed = column('n', 'varbinary', { length: 20 });
    expect(fits(packed, plain(WIRE_TYPE.VARCHAR_COMPRESSED, 21))).toBe(true);
  });

  test('with FULL metadata the primary key is compared too', () => {
    const keyed = { ...table, primaryKey: ['id'] };
    expect(bindTable(keyed, { ...wire(good), primaryKey: [0] })).toBe(keyed);
    expect(() => bindTable(keyed, { ...wire(good), primaryKey: [1] })).toThrow(/primary key \(id\).*\(price\)/);
    expect(() => bindTable(keyed, wire(good))).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }));
    const minimal = good.map(({ type, meta, nullable }) => ({ type, meta, nullable }));
    expect(bindTable(keyed, wire(minimal))).toBe(keyed);
  });

  test('a member that information_schema shows with ? for an emoji fits', () => {
    const seen: Column = column('state', 'enum', { members: ['new', '?'], charset: 'utf8mb4' });
    const memberBytes = [Buffer.from('new'), Buffer.from('😀')];
    const columns = [{ type: WIRE_TYPE.ENUM, meta: 1, nullable: false, name: 'state', charsetId: 45, memberBytes }];
    expect(() => checkWire(tableOf([seen]), wire(columns))).not.toThrow();
  });
});
