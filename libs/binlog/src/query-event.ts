import type { DdlSession } from '@tapline/schema';
import { EventReader } from './event-reader.ts';
import { readSession } from './query-session.ts';
import { inflateRows } from './rows-event.ts';

export type QueryForm = 'plain' | 'load' | 'compressed';

export interface QueryInfo {
  readonly database: string;
  readonly sql: string;
  readonly session: DdlSession;
}

/** The first word or two of a statement, in capitals: `BEGIN`, `XA COMMIT`. */
export function firstWords(sql: string): string {
  return /^[a-z]+(?:\s+[a-z]+)?/i.exec(sql.slice(0, 64))?.[0].toUpperCase().replace(/\s+/g, ' ') ?? '';
}

/** @param words the first ones of a statement, in capitals. */
export function isSavepoint(words: string): boolean {
  return words.startsWith('SAVEPOINT') || words === 'RELEASE SAVEPOINT';
}

/**
 * QUERY (Query_event of statement_events.h):
 *   thread id u32 · execution seconds u32 · u8 length of database · error code u16 · u16 length of status variables ·
 *   status variables · database NUL · SQL to the end, in the session's character_set_client
 * EXECUTE_LOAD_QUERY has 13 bytes more before the status variables. MariaDB's QUERY_COMPRESSED holds the SQL compressed.
 */
export function readQuery(reader: EventReader, form: QueryForm, isMariadb: boolean): QueryInfo {
  reader.take(8, 'thread id and execution time');
  const databaseLength = reader.u8('database name length');
  reader.u16('error code');
  const statusLength = reader.u16('status variables length');
  if (form === 'load') reader.take(13, 'LOAD DATA fields');
  const status = reader.take(statusLength, 'status variables');
  const database = reader.text(databaseLength, 'database name');
  reader.u8('NUL after the database name');
  const sql = form === 'compressed' ? inflateRows(reader) : reader.bytes(reader.remaining, 'SQL');
  const variables = new EventReader().reset(reader.buffer, status, status + statusLength);
  const session = readSession(variables, isMariadb);
  return { database, sql: decodeSql(sql, session.clientCollation), session };
}

/** WHATWG labels for the client character sets that are not UTF-8 (a client may not use ucs2, utf16, utf32), by collation id. */
const LABELS: ReadonlyMap<number, string> = new Map(
  Object.entries({
    'windows-1252': [5, 8, 15, 31, 47, 48, 49, 94],
    big5: [1, 84],
    gbk: [24, 28, 86, 87],
    gb18030: [248, 249, 250],
    'shift-jis': [13, 88, 95, 96],
    'euc-jp': [12, 91, 97, 98],
    'euc-kr': [19, 85],
    'windows-1250': [26, 34, 44, 66, 99],
    'windows-1251': [14, 23, 50, 51, 52],
    'windows-1256': [57, 67],
    'windows-1257': [29, 58, 59],
    'iso-8859-2': [2, 9, 21, 27, 77],
    'iso-8859-7': [25, 70],
    'iso-8859-8': [16, 71],
    'windows-1254': [30, 78],
    'iso-8859-13': [20, 41, 42, 79],
    'koi8-r': [7, 74],
    'koi8-u': [22, 75],
    'windows-874': [18, 89],
    ibm866: [36, 68],
    macintosh: [39, 53],
  }).flatMap(([label, ids]) => ids.map((id): [number, string] => [id, label])),
);

function decodeSql(sql: Buffer, collation: number | undefined): string {
  const label = collation === undefined ? undefined : LABELS.get(collation);
  return label === undefined ? sql.toString('utf8') : new TextDecoder(label).decode(sql);
}
