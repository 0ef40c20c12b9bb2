import type { Match, TableScope } from './compare.ts';
import { imageValues } from './image.ts';
import type { ExpectedRecord } from './oracle.ts';

type Report = (difference: string) => void;

/**
 * Checks the rows of the first load (op r) against the stream around them, which is known to be right by now:
 * a row shows what its key has at that place of the partition, i.e. it undoes nothing and runs ahead of nothing; no key has two of them;
 * and a row that existed when the stream began was loaded, unless the stream has brought it since.
 */
export function compareSnapshot(scope: TableScope, matches: readonly Match[], report: Report): void {
  if (scope.expected.keyColumns.length > 0) compareKeyed(scope, matches, report);
  else compareAppended(scope, matches, report);
}

function compareKeyed({ expected, contents, firstIndex }: TableScope, matches: readonly Match[], report: Report): void {
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

/**
 * Rows without a key can only be counted. They are loaded at one moment: after every change that stands before any of them in its partition and
 * before every change that stands behind one. At such a moment the table must have held exactly these rows.
 */
function compareAppended(
  { expected, contents, firstIndex }: TableScope,
  matches: readonly Match[],
  report: Report,
): void {
  const loaded = new Counts();
  const byPlace = new Map(matches.map((match) => [`${match.partition} ${match.place}`, match.expected.index]));
  let lowest = firstIndex - 1;
  let highest = Number.POSITIVE_INFINITY;
  for (const [partition, records] of contents.partitions.entries()) {
    const rows = records.flatMap(({ op }, place) => (op === 'r' ? [place] : []));
    for (const place of rows) loaded.add(records[place]?.after ?? '', 1);
    for (const [place] of records.entries()) {
      const index = byPlace.get(`${partition} ${place}`);
      if (index === undefined || rows.length === 0) continue;
      if (place < (rows.at(-1) as number)) lowest = Math.max(lowest, index);
      if (place > (rows[0] as number)) highest = Math.min(highest, index);
    }
  }
  const held = new Counts();
  for (const record of expected.records) {
    if (record.index > lowest && held.equals(loaded)) return;
    if (record.index >= highest) break;
    if (record.before !== undefined) held.add(record.before, -1);
    if (record.after !== undefined) held.add(record.after, 1);
  }
  if (held.equals(loaded)) return;
  report(
    `${contents.topic}: the first load has ${loaded.total} rows, the table had ${held.total}; ${held.describeDifference(loaded)}`,
  );
}

/** A multiset of row images. */
class Counts {
  readonly #counts = new Map<string, number>();
  total = 0;

  add(image: string, by: number): void {
    const count = (this.#counts.get(image) ?? 0) + by;
    if (count === 0) this.#counts.delete(image);
    else this.#counts.set(image, count);
    this.total += by;
  }

  equals(other: Counts): boolean {
    if (this.total !== other.total || this.#counts.size !== other.#counts.size) return false;
    for (const [image, count] of this.#counts) if (other.#counts.get(image) !== count) return false;
    return true;
  }

  /** Some rows of which `other` has fewer or more. */
  describeDifference(other: Counts): string {
    const lines: string[] = [];
    for (const image of new Set([...this.#counts.keys(), ...other.#counts.keys()])) {
      const [mine = 0, theirs = 0] = [this.#counts.get(image), other.#counts.get(image)];
      if (mine !== theirs && lines.length < 5)
        lines.push(`(${imageValues(image).join(', ')}) is there ${theirs} times instead of ${mine}`);
    }
    return lines.join('; ');
  }
}
