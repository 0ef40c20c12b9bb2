import type { Match, TableScope } from './compare.ts';
import { imageValues } from './image.ts';
import type { ExpectedRecord } from './oracle.ts';

type Report = (difference: string) => void;

/**
 * Checks the rows of the first load (op r) against the stream around them, which is known to be right by now:
 * a row shows what its key has at that place of the partition, i.e. it undoes nothing and runs ahead of nothing; no key has two of them;
 * and a row that existed when the stream began was loaded, unless the stream has brought it since. Tables without a key are not loaded at all.
 */
export function compareSnapshot(
  { expected, contents, firstIndex }: TableScope,
  matches: readonly Match[],
  report: Report,
): void {
  if (expected.keyColumns.length === 0) {
    const rows = contents.partitions.flat().filter(({ op }) => op === 'r').length;
    if (rows > 0) report(`${contents.topic}: ${rows} rows of a first load, but the table has no key`);
    return;
  }
  const state = new Map<string, string>();
  for (const record of expected.records) if (record.index < firstIndex) apply(state, record);
  const unseen = new Set(state.keys());
  const loaded = new Set<string>();
  const byPlace = new Map(matches.map((match) => [`${match.partition} ${match.place}`, match.expected]));
  for (const [partition, records] of contents.partitions.entries()) {
    for (const [place, record] of records.entries()) {
      const key = record.key as string;
      if (record.op !== 'r') {
        const change = byPlace.get(`${partition} ${place}`);
        if (change !== undefined) apply(state, change);
        unseen.delete(key);
        continue;
      }
      unseen.delete(key);
      const at = `${contents.topic}[${partition}]@${record.offset}: row of the first load, key (${imageValues(key).join(', ')})`;
      if (loaded.has(key)) report(`${at}: published twice`);
      loaded.add(key);
      const now = state.get(key);
      if (record.after !== now)
        report(`${at}: shows ${record.after ?? 'nothing'}, but at this place the row is ${now ?? 'not there'}`);
    }
  }
  for (const key of unseen)
    report(
      `${contents.topic}: row (${imageValues(state.get(key) ?? '[]').join(', ')}) was there at the start and was never published`,
    );
}

function apply(state: Map<string, string>, record: ExpectedRecord): void {
  if (record.after === undefined) state.delete(record.key as string);
  else state.set(record.key as string, record.after);
}
