import type { Change, Row } from '@tapline/sink';
import { isObject, type JsonObject, numberOf, parseObject, textOf, unreadable } from './json.ts';
import type { FormatRecord } from './record.ts';
import { changesOf, rowOf, tombstoneOf } from './rows.ts';
import type { Columns } from './tables.ts';

const OPERATIONS: Readonly<Record<string, Change['op']>> = {
  insert: 'c',
  update: 'u',
  delete: 'd',
  'bootstrap-insert': 'r',
};

/**
 * Maxwell's row message.
 *
 *     { database, table, type: insert | update | delete | bootstrap-insert | …, ts: commit time in s, xid, commit, position, gtid,
 *       primary_key_columns: [column], data: {column: value}, old: {changed column: value} }
 *
 * Record keys are `{"database", "table", "pk.<column>": value …}` (`kafka_key_format: hash`, the default) or `[database, table, [{column: value} …]]`
 * (`array`): the table's key where the message does not carry `primary_key_columns`. Everything but rows is left out.
 */
export function maxwellChanges(record: FormatRecord, json: JsonObject, columns: Columns): Change[] {
  const op = OPERATIONS[textOf(json['type'])];
  if (op === undefined) return [];
  const [db, table] = [textOf(json['database']), textOf(json['table'])];
  const name = `${db}.${table}`;
  const readers = columns.plain(name, 'base64');
  if (!isObject(json['data'])) throw unreadable('The field data is not a row.');
  const row = rowOf(json['data'], readers);
  const [file = '', position = '0'] = textOf(json['position']).split(':');
  const keys = columns.keys(name) ?? declaredKeys(json) ?? recordKeys(record.key);
  const source = {
    ...record.source(db, table, numberOf(json['ts']) * 1000),
    gtid: textOf(json['gtid']) || null,
    file,
    pos: Number(position) || 0,
  };
  const head = { topic: record.topic, version: record.version, source };
  if (op === 'd') return changesOf(head, op, row, null, keys);
  if (op !== 'u') return changesOf(head, op, null, row, keys);
  const old = isObject(json['old']) ? rowOf(json['old'], readers) : {};
  return changesOf(head, op, { ...row, ...old }, row, keys);
}

/** A record without a value deletes what its key names. */
export function maxwellTombstone(record: FormatRecord, columns: Columns): Change[] {
  const json = record.key === null ? undefined : keyParts(record.key);
  if (json === undefined) return [];
  const readers = columns.plain(`${json.db}.${json.table}`, 'base64');
  const key: Row = rowOf(json.columns, readers);
  return Object.keys(key).length === 0 ? [] : [tombstoneOf(record, key)];
}

/** Whether a JSON object is of this form. */
export function isMaxwell(json: JsonObject): boolean {
  return (
    'database' in json &&
    'type' in json &&
    ('xid' in json || 'data' in json) &&
    !('isDdl' in json) &&
    !Array.isArray(json['data'])
  );
}

/** Whether a record's key is Maxwell's. */
export function hasMaxwellKey(key: Buffer | null): boolean {
  return key !== null && keyParts(key) !== undefined;
}

function declaredKeys(json: JsonObject): readonly string[] | undefined {
  const names = json['primary_key_columns'];
  return Array.isArray(names) && names.length > 0 ? names.map(textOf) : undefined;
}

function recordKeys(key: Buffer | null): readonly string[] | undefined {
  const parts = key === null ? undefined : keyParts(key);
  return parts === undefined ? undefined : Object.keys(parts.columns);
}

interface KeyParts {
  readonly db: string;
  readonly table: string;
  readonly columns: JsonObject;
}

function keyParts(key: Buffer): KeyParts | undefined {
  if (key[0] === 0x5b) return arrayKey(key);
  if (key[0] !== 0x7b) return undefined;
  const json = parseObject(key);
  if (!('database' in json && 'table' in json)) return undefined;
  const columns = Object.entries(json).flatMap(([name, value]) =>
    name.startsWith('pk.') ? [[name.slice(3), value]] : [],
  );
  return {
    db: textOf(json['database']),
    table: textOf(json['table']),
    columns: Object.fromEntries(columns) as JsonObject,
  };
}

function arrayKey(key: Buffer): KeyParts | undefined {
  const json = parseObject(Buffer.from(`{"key":${key.toString()}}`))['key'];
  if (!Array.isArray(json) || !Array.isArray(json[2])) return undefined;
  const columns = Object.assign({}, ...(json[2] as object[])) as JsonObject;
  return { db: textOf(json[0]), table: textOf(json[1]), columns };
}
