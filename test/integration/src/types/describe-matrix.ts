import { beforeAll, describe, expect, test } from '@jest/globals';
import type { TopicRecord } from '../topic.ts';
import type { Server, TypeColumn } from './column.ts';
import { caseCount, casesOf, type MatrixTable, matrixTables } from './matrix.ts';
import { decodedText, ofOp, type TableOutcome } from './run.ts';

/** What came of a server's tables, by table. */
export type MatrixRun = (server: Server, tables: readonly MatrixTable[]) => Promise<ReadonlyMap<string, TableOutcome>>;

/** The whole matrix on one server: a test a column, and one a table on the bytes. `way` says what lies between SELECT and expectation. */
export function describeMatrix(server: Server, way: string, run: MatrixRun): void {
  const tables = matrixTables(server);
  describe(`${caseCount(tables)} values of ${server}, ${way}`, () => {
    let outcomes: ReadonlyMap<string, TableOutcome>;
    beforeAll(async () => {
      outcomes = await run(server, tables);
    });

    describe.each(tables)('table $name', (table) => {
      const outcome = (): TableOutcome => outcomes.get(table.name) as TableOutcome;

      test.each(titledColumns(table))('%s: loaded and streamed alike say what SELECT prints', (_, column, at) => {
        expectSelected(outcome(), column, at);
      });

      test('the first load and the binlog give the same bytes, in creates, updates and deletes', () => {
        expectSameBytes(outcome());
      });
    });
  });
}

export function expectSelected({ selected, loaded, streamed }: TableOutcome, column: TypeColumn, at: number): void {
  const expected = selected.map((row) => row[at]);
  expect(ofOp(loaded, 'r').map((record) => decodedText(record.after, column))).toEqual(expected);
  expect(ofOp(streamed, 'c').map((record) => decodedText(record.after, column))).toEqual(expected);
}

function titledColumns(table: MatrixTable): [title: string, column: TypeColumn, at: number][] {
  return table.columns.map((column, at) => {
    const type = column.type.length > 60 ? `${column.type.slice(0, 59)}…` : column.type;
    return [`${column.name} ${type}${table.nullable ? '' : ' NOT NULL'} × ${casesOf(table, column)}`, column, at];
  });
}

export function expectSameBytes({ selected, loaded, streamed }: TableOutcome): void {
  const read = ofOp(loaded, 'r');
  const created = ofOp(streamed, 'c');
  expect(read).toHaveLength(selected.length);
  expect(created).toHaveLength(selected.length);
  // Booleans, as a difference of megabytes would be printed for minutes.
  expect(read.map((record, row) => record.afterBytes === created[row]?.afterBytes)).toEqual(read.map(() => true));
  for (const records of [loaded, streamed]) {
    for (const changes of Map.groupBy(records, ({ key }) => key?.id).values()) expectChain(changes);
  }
}

/** What happened to one row: born, changed, deleted, each time from what it was. */
function expectChain(changes: readonly TopicRecord[]): void {
  expect(changes.map(({ op }) => op).join('')).toMatch(/^[cr]?u+dt?$/);
  const images = changes.filter(({ op }) => op !== 't');
  const continuous = images.every(({ beforeBytes }, at) => at === 0 || beforeBytes === images[at - 1]?.afterBytes);
  expect(continuous).toBe(true);
  expect(images.find(({ op }) => op === 'u')?.after?.touched).toBe(1);
}
