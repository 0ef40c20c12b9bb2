import type { Change, Row } from '@tapline/sink';
import { isObject, type JsonObject, numberOf, parseObject, textOf, unreadable } from './json.ts';
import type { FormatRecord } from './record.ts';
import { changesOf, rowOf, tombstoneOf } from './rows.ts';
import type { Columns } from './tables.ts';
import type { ReadColumn } from './values.ts';

const OPERATIONS: Readonly<Record<string, Change['op']>> = {
  c: 'c',
  create: 'c',
  insert: 'c',
  u: 'u',
  update: 'u',
  d: 'd',
  delete: 'd',
  r: 'r',
  read: 'r',
};

type Readers = ReadonlyMap<string, ReadColumn>;

/** Which readers of columns a table has: those of plain JSON, or of Debezium's numbers. */
export type ReadersOf = (columns: Columns, table: string) => Readers;

export const plainReaders: ReadersOf = (columns, table) => columns.plain(table, 'base64');
export const debeziumReaders: ReadersOf = (columns, table) => columns.debezium(table);

/**
 *     { op: c | u | d | r, before: row | null, after: row | null, source: { db, table, name?, ts_ms?, gtid?, file?, pos? }, ts_ms? }
 *
 * What teams write by hand, and Debezium's JSON without schemas. The key is the record's key, a JSON object, or the columns in `source.keys`.
 */
export function plainChanges(record: FormatRecord, json: JsonObject, columns: Columns, readersOf: ReadersOf): Change[] {
  const op = OPERATIONS[textOf(json['op']).toLowerCase()];
  if (op === undefined) throw unreadable(`The operation is '${textOf(json['op']).slice(0, 20)}', not c, u, d or r.`);
  const block = isObject(json['source']) ? json['source'] : {};
  const [db, table] = [textOf(block['db']), textOf(block['table'])];
  const name = `${db}.${table}`;
  const readers = readersOf(columns, name);
  const source = {
    ...record.source(db, table, numberOf(block['ts_ms']) || numberOf(json['ts_ms'])),
    ...(textOf(block['name']) === '' ? {} : { name: textOf(block['name']) }),
    gtid: textOf(block['gtid']) || null,
    file: textOf(block['file']),
    pos: numberOf(block['pos']),
    row: numberOf(block['row']),
  };
  const before = image(json['before'], 'before', readers);
  const after = op === 'd' ? null : image(json['after'], 'after', readers);
  if (op === 'd' ? before === null && record.key === null : after === null)
    throw unreadable(`The operation ${op} lacks its row.`);
  const head = { topic: record.topic, version: record.version, source };
  const declared = columns.keys(name);
  if (declared !== undefined) return changesOf(head, op, before, after, declared);
  const key = keyObject(record.key, readers);
  const split = key === null ? undefined : Object.keys(key);
  const has = (row: Row | null): boolean => row === null || (split ?? []).every((column) => column in row);
  // The record's key names the row; where both images have its columns, a change of it is seen there.
  if (split !== undefined && has(before) && has(after) && (before ?? after) !== null)
    return changesOf(head, op, before, after, split);
  return [{ ...head, key, op, before, after, absent: null, tombstone: false }];
}

export function plainTombstone(record: FormatRecord, columns: Columns, readersOf: ReadersOf): Change[] {
  // The topic is `<source>.<database>.<table>`; where it is not, types in the configuration cannot be found for a key alone.
  const table = record.topic.slice(record.topic.indexOf('.') + 1);
  const key = keyObject(record.key, readersOf(columns, table));
  return key === null ? [] : [tombstoneOf(record, key)];
}

/** Whether a JSON object is of this form. */
export function isPlain(json: JsonObject): boolean {
  return 'op' in json && ('after' in json || 'before' in json);
}

/** Debezium's own source block says which connector wrote it. */
export function isDebezium(json: JsonObject): boolean {
  return isPlain(json) && isObject(json['source']) && 'connector' in json['source'];
}

function image(json: unknown, field: string, readers: Readers): Row | null {
  if (json === null || json === undefined) return null;
  if (isObject(json)) return rowOf(json, readers);
  throw unreadable(`The field ${field} is not a row.`);
}

function keyObject(key: Buffer | null, readers: Readers): Row | null {
  if (key === null || key[0] !== 0x7b) return null;
  const json = parseObject(key);
  return rowOf(isObject(json['payload']) && 'schema' in json ? json['payload'] : json, readers);
}
