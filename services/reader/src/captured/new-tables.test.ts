import { expect, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import { compileTableFilter, type Table } from '@tapline/schema';
import { LOADED, loadOf, type SnapshotProgress } from '../progress/snapshot-progress.ts';
import { type ReplayConfig, saltPrintOf } from '../resume/replay-config.ts';
import { Shape } from '../shape/rules.ts';
import type { Source } from '../source/open-source.ts';
import { withNewTables } from './new-tables.ts';

const COLUMN = { name: 'id', type: 'int', columnType: 'int', nullable: false, unsigned: false } as const;
const tables = ['a', 'b', 'c'].map((name): Table => ({ database: 'shop', name, columns: [COLUMN], uniqueKeys: [] }));

function chosen(
  snapshot: SnapshotProgress,
  include: readonly string[],
  before: readonly string[] | undefined,
  mode: 'initial' | 'never' = 'initial',
  { saltPrint = '', shape = { rules: [] } }: { saltPrint?: string; shape?: object } = {},
): SnapshotProgress {
  const filter = compileTableFilter({ include, lowerCaseTableNames: 0 });
  const replay =
    before && ({ include: before, exclude: [], ghostTables: 'skip', saltPrint } as unknown as ReplayConfig);
  return withNewTables(snapshot, {
    config: { name: 's', snapshot: { mode } as never, shape: shape as never },
    record: { offsets: new Map([['s.shop.a', [0n]]]), ...(replay === undefined ? {} : { replay }) },
    source: {
      filter,
      info: { lowerCaseTableNames: 0 } as Source['info'],
      shape: Shape.compile(shape as never, 0),
      tables: tables.filter(({ database, name }) => filter.matches(database, name)),
    },
    log: silentLogger,
  });
}

test('tables that the record did not capture are loaded, behind those that wait', () => {
  expect(chosen(loadOf(['shop.b']), ['shop.*'], ['shop.b'])).toEqual(loadOf(['shop.b', 'shop.a', 'shop.c']));
});

test('tables that are captured no more are not loaded to their end', () => {
  expect(chosen(loadOf(['shop.a', 'shop.b']), ['shop.b'], ['shop.*'])).toEqual(loadOf(['shop.b']));
  expect(chosen(loadOf(['shop.a']), ['shop.b'], ['shop.*'])).toEqual(LOADED);
});

test('nothing is loaded when nothing is asked to be', () => {
  expect(chosen(LOADED, ['shop.*'], ['shop.a'], 'never')).toEqual(LOADED);
});

test('of a record that does not say what it captured, tables with a topic were', () => {
  expect(chosen(LOADED, ['shop.*'], undefined)).toEqual(loadOf(['shop.b', 'shop.c']));
});

test('with another salt, tables with hashed columns are loaded again', () => {
  const rule = { mask: {}, truncate: {}, exclude: [], optional: false, sharedTopic: 'refuse', config: {} };
  const shape = { salt: 'the salt of now', rules: [{ ...rule, tables: ['shop.b'], hash: ['id'] }] };
  const all = ['shop.*'];
  const salted = (saltPrint: string, snapshot = LOADED, mode?: 'never'): SnapshotProgress =>
    chosen(snapshot, all, all, mode, { saltPrint, shape });
  expect(salted('another')).toEqual(loadOf(['shop.b']));
  expect(salted('another', loadOf(['shop.b', 'shop.c']))).toEqual(loadOf(['shop.c', 'shop.b']));
  expect(salted('another', LOADED, 'never')).toEqual(LOADED);
  expect(salted(saltPrintOf(shape))).toEqual(LOADED);
  // Nothing was hashed before.
  expect(salted('')).toEqual(LOADED);
});
