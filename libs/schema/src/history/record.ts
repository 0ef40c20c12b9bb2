import { createHash } from 'node:crypto';
import { TaplineError } from '@tapline/kernel';
import type { TextDefaults } from '../ddl/collations.ts';
import type { TableName } from '../ddl/cursor.ts';
import type { DdlServer, DdlSession } from '../ddl/dialect.ts';
import type { TableState } from '../ddl/table-state.ts';
import type { LowerCaseTableNames } from '../pattern.ts';

/** A place in a source's binlog: behind a transaction, or behind a statement. */
export interface HistoryPlace {
  /** Of the transaction that ends there; '' where transactions have none. */
  readonly gtid: string;
  readonly file: string;
  readonly position: number;
}

/** A database's defaults for text; null: it is gone. */
export interface DatabaseChange {
  readonly name: string;
  readonly text: TextDefaults | null;
}

/** A table as it is from now on; null: it is gone. A renamed table is gone under its old name. */
export interface StateChange extends TableName {
  readonly state: TableState | null;
  /** From now on the changes of the table with this name go to its n-th topic; absent: to the same as before, at first the first. */
  readonly topic?: number;
}

/** What a table is known to be behind a later statement, where the statements alone do not tell. */
export interface LaterState extends StateChange {
  readonly at: HistoryPlace;
}

/**
 * The records of `<source>.schema-history`, JSON, in one partition:
 *
 *     history  := (snapshot | ddl)*
 *     snapshot := begin table* later* end       all of one version; without its end it counts for nothing
 *
 * Versions grow by one with every ddl and every snapshot. A snapshot starts anew: what stands in front of it is needed only to look back.
 */
export type HistoryRecord =
  | SnapshotBegin
  | { readonly kind: 'table'; readonly version: number; readonly state: TableState; readonly topic?: number }
  | ({ readonly kind: 'later'; readonly version: number } & LaterState)
  | { readonly kind: 'end'; readonly version: number; readonly records: number }
  | DdlRecord;

/** All tables of a source at one place. */
export interface SnapshotBegin {
  readonly kind: 'snapshot';
  readonly version: number;
  readonly gtidSet: string;
  readonly file: string;
  readonly position: number;
  readonly writtenMs: number;
  /** Rebuilt: who has come to this version of the history goes on from here instead. */
  readonly replaces?: number;
  /** How the server compares names. */
  readonly lowerCaseTableNames: LowerCaseTableNames;
  readonly databases: readonly DatabaseChange[];
}

/**
 * A statement's place in the data topics, by topic: the offset that the next change of each partition has behind it. What lies below was written in front of
 * the statement, what lies at it and above behind it. A topic that had no changes yet has no offsets: all of it is behind.
 */
export type Barrier = Readonly<Record<string, readonly number[]>>;

/** A statement that changed the catalogue, and what it made of it, so that nobody has to read the statement again. */
export interface DdlRecord {
  readonly kind: 'ddl';
  readonly version: number;
  readonly at: HistoryPlace;
  readonly commitMicros: string;
  /** The session's default database, and what else the statement's meaning depends on. */
  readonly database: string;
  readonly session: DdlSession;
  /** Without passwords; the beginning of it where it is long. */
  readonly sql: string;
  /** Of the whole text as it was. */
  readonly sqlHash: string;
  readonly databases: readonly DatabaseChange[];
  readonly changes: readonly StateChange[];
  readonly later: readonly LaterState[];
  /** Of the captured tables that it changed; absent where there are none, and in records from before barriers were kept. */
  readonly barrier?: Barrier;
  /** Those tables, beside a barrier. */
  readonly captured?: readonly TableName[];
  /** The server that the statement was read as one of; beside a barrier. */
  readonly server?: DdlServer;
}

const FORMAT = 1;
const SQL_CHARACTERS = 32_768;

export function encodeHistoryRecord(record: HistoryRecord): Buffer {
  return Buffer.from(JSON.stringify({ format: FORMAT, ...record }));
}

/** @throws TaplineError SCHEMA_HISTORY_UNREADABLE. */
export function decodeHistoryRecord(
  bytes: Uint8Array | null,
  place: { readonly topic: string; readonly offset: bigint },
): HistoryRecord {
  try {
    const raw = JSON.parse(Buffer.from(bytes ?? []).toString()) as HistoryRecord & { readonly format: unknown };
    if (raw.format !== FORMAT) throw new Error(`format ${String(raw.format)}, this version reads format ${FORMAT}`);
    if (!KINDS.has(raw.kind) || !Number.isSafeInteger(raw.version)) throw new Error(`kind ${String(raw.kind)}`);
    const { format: _, ...record } = raw;
    return record as HistoryRecord;
  } catch (cause) {
    throw new TaplineError('SCHEMA_HISTORY_UNREADABLE', {
      message: `A record of the schema history cannot be read: ${(cause as Error).message}`,
      place: { topic: place.topic, partition: 0, offset: String(place.offset) },
      cause,
    });
  }
}

const KINDS: ReadonlySet<unknown> = new Set<HistoryRecord['kind']>(['snapshot', 'table', 'later', 'end', 'ddl']);

/** What tells a statement's text from others. */
export function hashOfSql(sql: string): string {
  return createHash('sha256').update(sql).digest('base64url').slice(0, 22);
}

/** The statement as it may be kept. FEDERATED tables have passwords in their connection, others may in options of their engines. */
export function keptSql(sql: string): string {
  const hidden = sql.replaceAll(
    /\b(CONNECTION|PASSWORD|SECRET)\b(\s*=?\s*)(?:'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")/gisu,
    "$1$2'***'",
  );
  return hidden.length <= SQL_CHARACTERS ? hidden : `${hidden.slice(0, SQL_CHARACTERS)}…`;
}
