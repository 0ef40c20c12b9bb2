import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Server, TypeColumn } from './column.ts';
import { caseCount, casesOf, type MatrixTable, matrixTables } from './matrix.ts';
import { decodedText, ofOp, runMatrix, type TableOutcome } from './run.ts';

/** The whole matrix on one server: a test a column, and one a table on the bytes. */
export function describeServer(server: Server): void {
  const tables = matrixTables(server);
  describe(`${caseCount(tables)} values of ${server}, from the table to the topic`, () => {
    let outcomes: ReadonlyMap<string, TableOutcome>;
    beforeAll(async () => {
      outcomes = await runMatrix(server);
    }, 240_000);

    describe.each(tables)('table $name', (table) => {
      const outcome = (): TableOutcome => outcomes.get(table.name) as TableOutcome;

      test.each(titledColumns(table))('%s: loaded and streamed alike say what SELECT prints', (_, column, at) => {
        const { selected, loaded, streamed } = outcome();
        const expected = selected.map((row) => row[at]);
        expect(ofOp(loaded, 'r').map((record) => decodedText(record, column))).toEqual(expected);
        expect(ofOp(streamed, 'c').map((record) => decodedText(record, column))).toEqual(expected);
      });

      test('the first load and the binlog give the same bytes, in creates, updates and deletes', () => {
        expectSameBytes(outcome());
      });
    });
  });
}

function titledColumns(table: MatrixTable): [title: string, column: TypeColumn, at: number][] {
  return table.columns.map((column, at) => {
    const type = column.type.length > 60 ? `${column.type.slice(0, 59)}…` : column.type;
    return [`${column.name} ${type}${table.nullable ? '' : ' NOT NULL'} × ${casesOf(table, column)}`, column, at];
  });
}

function expectSameBytes({ selected, loaded, streamed }: TableOutcome): void {
  const read = ofOp(loaded, 'r');
  const created = ofOp(streamed, 'c');
  expect(read).toHaveLength(selected.length);
  expect(created).toHaveLength(selected.length);
  // Booleans, as a difference of megabytes would be printed for minutes.
  expect(read.map((record, row) => record.afterBytes === created[row]?.afterBytes)).toEqual(read.map(() => true));
  for (const records of [loaded, streamed]) {
    const updated = ofOp(records, 'u');
    const deleted = ofOp(records, 'd');
    expect(updated.map((record) => record.after?.touched)).toEqual(read.map(() => 1));
    expect(updated.map((record, row) => record.beforeBytes === created[row]?.afterBytes)).toEqual(read.map(() => true));
    expect(deleted.map((record, row) => record.beforeBytes === updated[row]?.afterBytes)).toEqual(read.map(() => true));
    expect(ofOp(records, 't').map((record) => record.key)).toEqual(read.map((record) => record.key));
  }
}
