import type { Change } from '@tapline/sink';
import { isObject, type JsonObject, numberOf, textOf, unreadable } from './json.ts';
import type { FormatRecord } from './record.ts';
import { changesOf, rowOf } from './rows.ts';
import type { Columns } from './tables.ts';

const OPERATIONS: Readonly<Record<string, 'c' | 'u' | 'd'>> = { INSERT: 'c', UPDATE: 'u', DELETE: 'd' };

/**
 * Canal's flat message: one statement's rows of a table.
 *
 *     { database, table, type: INSERT | UPDATE | DELETE | …, isDdl, es: commit time in ms, ts, gtid,
 *       pkNames: [column], mysqlType: {column: type}, data: [{column: text | null}], old: [{changed column: text | null}] | null }
 *
 * `data` is the row after the change, or the deleted row; `old` has what an update changed. Everything but rows (DDL, TRUNCATE) is left out.
 */
export function canalChanges(record: FormatRecord, json: JsonObject, columns: Columns): Change[] {
  const op = OPERATIONS[textOf(json['type']).toUpperCase()];
  if (op === undefined || json['isDdl'] === true) return [];
  const [db, table] = [textOf(json['database']), textOf(json['table'])];
  const name = `${db}.${table}`;
  const given = isObject(json['mysqlType']) ? (json['mysqlType'] as Readonly<Record<string, string>>) : {};
  const readers = columns.plain(name, 'latin1', given);
  const keys = columns.keys(name) ?? names(json['pkNames']);
  const source = {
    ...record.source(db, table, numberOf(json['es']) || numberOf(json['ts'])),
    gtid: textOf(json['gtid']) || null,
  };
  const head = { topic: record.topic, version: record.version, source };
  const [data, old] = [rows(json['data'], 'data'), json['old'] ? rows(json['old'], 'old') : []];
  return data.flatMap((given, index) => {
    const row = rowOf(given, readers);
    if (op === 'c') return changesOf(head, op, null, row, keys);
    if (op === 'd') return changesOf(head, op, row, null, keys);
    return changesOf(head, op, { ...row, ...rowOf(old[index] ?? {}, readers) }, row, keys);
  });
}

/** Whether a JSON object is of this form. */
export function isCanal(json: JsonObject): boolean {
  return 'type' in json && 'table' in json && ('isDdl' in json || 'pkNames' in json || 'mysqlType' in json);
}

function names(json: unknown): readonly string[] | undefined {
  return Array.isArray(json) ? json.filter((name) => typeof name === 'string') : undefined;
}

function rows(json: unknown, field: string): readonly JsonObject[] {
  if (Array.isArray(json) && json.every((item) => item === null || isObject(item)))
    return json.map((item) => (item as JsonObject | null) ?? {});
  throw unreadable(`The field ${field} is not a list of rows.`);
}
