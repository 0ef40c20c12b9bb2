import { beforeAll, describe, expect, test } from '@jest/globals';
import { MARIADB_SERVERS, MYSQL_SERVERS, type Server } from './types/column.ts';
import { consumedText } from './types/consumed-text.ts';
import { expectSameBytes, expectSelected } from './types/describe-matrix.ts';
import { type EncodedOutcome, runEncoders } from './types/encoders.ts';
import type { MatrixTable } from './types/matrix.ts';
import { randomColumns } from './types/random-columns.ts';
import { decodedText } from './types/run.ts';
import { comparableText, type OracleChange, zongjiChanges } from './types/zongji-rows.ts';

/** The same rows every time, as a test that fails by chance tells nobody anything; the long form looks for new ones. */
const IS_LONG = process.env['TAPLINE_CHAOS'] === 'long';
const SEED = IS_LONG ? Math.floor(Math.random() * 2 ** 31) : 20_261_121;
const ROWS = IS_LONG ? 2000 : 200;

const SERVERS: readonly Server[] = ['mysql57', ...MYSQL_SERVERS, ...MARIADB_SERVERS];

describe.each(SERVERS)(`${ROWS} rows of random values (seed ${SEED}) in every type of %s`, (server) => {
  const columns = randomColumns(server, ROWS, SEED);
  const table: MatrixTable = { name: 'random_rows', nullable: true, columns };
  let outcome: EncodedOutcome;
  let oracle: readonly OracleChange[];

  beforeAll(async () => {
    const { outcomes, read } = await runEncoders(
      server,
      [table],
      async (changes) => await zongjiChanges([table], changes),
    );
    outcome = outcomes.get(table.name) as EncodedOutcome;
    oracle = read.get(table.name) ?? [];
  });

  test('loaded and streamed alike say what SELECT prints', () => {
    for (const [at, column] of columns.entries()) expectSelected(outcome, column, at);
  });

  test('the first load and the binlog give the same bytes', () => {
    expectSameBytes(outcome);
  });

  test('ChangeReader gives a consumer the same values', () => {
    const { streamed, consumed } = outcome;
    for (const column of columns) {
      for (const image of ['before', 'after'] as const) {
        const seen = consumed.map((change) => consumedText(change[image], column));
        const values = streamed.map((record) => decodedText(record[image], column));
        expect({ type: column.type, image, values: seen }).toEqual({ type: column.type, image, values });
      }
    }
  });

  test("zongji's own decoder gives the same values of inserts, updates and deletes", () => {
    const { streamed } = outcome;
    expect(oracle.map(({ op }) => op)).toEqual(streamed.map(({ op }) => op));
    for (const [at, column] of columns.entries()) {
      for (const image of ['before', 'after'] as const) {
        const theirs = oracle.map((change) => change[image]?.[at]);
        const ours = streamed.map((record, row) => {
          if (theirs[row] === undefined) return undefined;
          return comparableText(decodedText(record[image], column), column.type);
        });
        expect({ type: column.type, image, values: ours }).toEqual({ type: column.type, image, values: theirs });
      }
    }
  });
});
