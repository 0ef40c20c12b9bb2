import type { Change, Row, Value } from '@tapline/sink';
import { type JsonObject, unreadable } from './json.ts';
import { type ReadColumn, untyped } from './values.ts';

/** What every foreign change has. */
export interface ChangeHead {
  readonly topic: string;
  readonly version: bigint;
  readonly source: NonNullable<Change['source']>;
}

type ColumnReaders = ReadonlyMap<string, ReadColumn>;

export function rowOf(json: JsonObject, columns: ColumnReaders): Row {
  const row: Record<string, Value> = {};
  for (const name in json) row[name] = (columns.get(name) ?? untyped)(json[name]);
  return row;
}

/** The key columns of a row. @throws TaplineError ENVELOPE_UNREADABLE when the row lacks one. */
export function keyOf(row: Row, names: readonly string[] | undefined): Row | null {
  if (names === undefined || names.length === 0) return null;
  const key: Record<string, Value> = {};
  for (const name of names) {
    const value = row[name];
    if (value === undefined) throw unreadable(`The row lacks its key column ${name}.`);
    key[name] = value;
  }
  return key;
}

/** An update that changes the key is a delete of the old row and an insert of the new one, as Tapline's readers write it. */
export function changesOf(
  head: ChangeHead,
  op: Change['op'],
  before: Row | null,
  after: Row | null,
  keys: readonly string[] | undefined,
): Change[] {
  const rest = { ...head, absent: null, tombstone: false };
  const oldKey = before === null ? null : keyOf(before, keys);
  const newKey = after === null ? null : keyOf(after, keys);
  const one = (change: Pick<Change, 'key' | 'op' | 'before' | 'after'>): Change => ({ ...rest, ...change });
  if (oldKey !== null && newKey !== null && !same(oldKey, newKey)) {
    return [one({ key: oldKey, op: 'd', before, after: null }), one({ key: newKey, op: 'c', before: null, after })];
  }
  return [one({ key: newKey ?? oldKey, op, before, after })];
}

export function tombstoneOf(head: Pick<ChangeHead, 'topic' | 'version'>, key: Row): Change {
  return { ...head, key, op: 'd', before: null, after: null, source: null, absent: null, tombstone: true };
}

function same(a: Row, b: Row): boolean {
  return Object.keys(a).every((name) => {
    const [left, right] = [a[name], b[name]];
    return left instanceof Uint8Array && right instanceof Uint8Array
      ? Buffer.compare(left, right) === 0
      : left === right;
  });
}
