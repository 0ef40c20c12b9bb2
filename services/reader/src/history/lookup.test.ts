import { expect, test } from '@jest/globals';
import { type HistoryRecord, HistoryTimeline } from '@tapline/schema';
import { viewAt } from './lookup.ts';

/** A snapshot, and a statement at each of these places behind it. */
function timeline(...places: readonly { readonly file: string; readonly position: number }[]): HistoryTimeline {
  const [first, ...others] = places;
  const history = new HistoryTimeline();
  const snapshot = { version: 1, gtidSet: '', file: '', position: 0, ...first, databases: [], writtenMs: 0 };
  history.add({ kind: 'snapshot', ...snapshot, lowerCaseTableNames: 0 });
  history.add({ kind: 'end', version: 1, records: 0 });
  others.forEach((place, i) => {
    const statement = { database: '', session: {}, sql: '', sqlHash: '', commitMicros: '0' };
    const what = { databases: [], changes: [], later: [] };
    const record: HistoryRecord = { kind: 'ddl', version: i + 2, at: { gtid: '', ...place }, ...statement, ...what };
    history.add(record);
  });
  return history;
}

const history = timeline(
  { file: 'b.999999', position: 4 },
  { file: 'b.999999', position: 900 },
  { file: 'b.1000000', position: 200 },
);

test.each([
  ['1', 1],
  ['7', 3],
  [undefined, 3],
  ['b.999999:899', 1],
  ['b.999999:900', 2],
  ['b.1000000:199', 2],
  ['b.1000000:200', 3],
  ['b.1000001:4', 3],
])('at %s it is version %s', (at, version) => {
  expect(viewAt(history, at).version).toBe(version);
});

test.each(['b.999998:4', 'other.1000009:4'])('at %s nothing is known', (at) => {
  expect(() => viewAt(history, at)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
