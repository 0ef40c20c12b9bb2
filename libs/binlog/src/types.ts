import type { MysqlAddress } from '@tapline/mysql';
import type { DdlSession } from '@tapline/schema';

export type Flavor = 'mysql' | 'mariadb';

/** `last`: the event that must end at the position (SOURCE_BINLOG_RESET when it does not). Without it the position is believed. */
export type BinlogStart = { readonly gtidSet: string } | BinlogPosition;

/** The event that ends at a place: where it begins, the seconds in its header, and its checksum (0 without). */
export interface LastEvent {
  readonly position: number;
  readonly seconds: number;
  readonly checksum: number;
}

export interface BinlogStreamOptions {
  readonly address: MysqlAddress;
  /** The id by which the source knows this reader; unique among its replicas, 1..4294967295. */
  readonly serverId: number;
  readonly flavor: Flavor;
  /** `gtidSet`: everything not in the set. On MySQL '' is refused (SOURCE_PURGED) once the source has purged anything. */
  readonly start: BinlogStart;
  /** Pure; asked once a table layout. Rows of unwanted tables are skipped undecoded and give no event. */
  wants(database: string, table: string): boolean;
  /** Bytes held undelivered before the socket is paused. One event larger than this is still held whole. */
  readonly bufferBytes: number;
  /** Where large compressed and XA transactions wait in a temporary file; the system's folder for such files when absent or ''. */
  readonly spillFolder?: string;
  /** The source speaks at least this often; after four silent periods (10 s at least) the connection counts as lost. */
  readonly heartbeatMs: number;
}

/**
 * A place in the source's binlog. On `begin` and `rows` it is the first byte of the event; on `commit`, `prepared`, `statement` outside a transaction
 * and `heartbeat` it is the byte after it, where a later stream may start.
 */
export interface BinlogPosition {
  readonly file: string;
  readonly position: number;
  /** What a place between transactions is known by; given by streams that start by file. */
  readonly last?: LastEvent;
}

export interface BeginEvent {
  readonly kind: 'begin';
  /** `uuid:42`, `uuid:tag:42`, MariaDB `0-1-42`; '' when anonymous. */
  readonly gtid: string;
  /**
   * Microseconds since the epoch, UTC: when the first server committed it, or the event header's second where the binlog does not say. The same on
   * every server that replicates it.
   */
  readonly commitMicros: bigint;
  /** Length of the transaction in the binlog (compressed: as compressed); undefined where nothing says it ahead (before MySQL 8.0.2, MariaDB). */
  readonly bytes: number | undefined;
  readonly position: BinlogPosition;
  /** The transaction is too large: its changes are not given out (see `withoutLargeTransactions`). */
  readonly leftOut?: LeftOut;
  /** On the transaction that commits or rolls back a prepared XA transaction; the rows that follow are those that were prepared. */
  readonly decides?: XaDecision;
}

export interface LeftOut {
  /** Its binlog. */
  readonly bytes: number;
  /** Changes of each wanted table (`db.table`). */
  readonly tables: readonly (readonly [table: string, changes: number])[];
}

export interface XaDecision {
  readonly xid: string;
  readonly outcome: 'commit' | 'rollback';
  /** The transaction that prepared it; undefined when this stream has not seen it prepared, and so cannot give its rows. */
  readonly preparedGtid: string | undefined;
}

/**
 * XA PREPARE, a whole transaction by itself: its rows are held back until a later one decides. Until then a place behind it must not be made
 * durable as read, or a later stream would know nothing of them.
 */
export interface PreparedEvent {
  readonly kind: 'prepared';
  readonly gtid: string;
  /** `X'gtrid',X'bqual',formatID`, as servers print it. */
  readonly xid: string;
  /** False: it changed nothing that is wanted. */
  readonly holdsRows: boolean;
  readonly position: BinlogPosition;
}

export interface StatementEvent {
  readonly kind: 'statement';
  readonly gtid: string;
  readonly commitMicros: bigint;
  /** Default database of the session, '' when there was none. */
  readonly database: string;
  readonly sql: string;
  /** What the meaning of the text depends on, as the session had it. */
  readonly session: DdlSession;
  /**
   * False: DDL and the like, a whole transaction by itself. True: between `begin` and `commit`, which is statement-format DML,
   * or the CREATE TABLE of CREATE TABLE … SELECT.
   */
  readonly inTransaction: boolean;
  readonly position: BinlogPosition;
}

export interface CommitEvent {
  readonly kind: 'commit';
  readonly position: BinlogPosition;
}

export interface HeartbeatEvent {
  readonly kind: 'heartbeat';
  readonly position: BinlogPosition;
}

/**
 * One row image. Column i's value is `buffer[offsets[i] .. offsets[i] + lengths[i])`, its own bytes (length prefixes skipped); only where
 * `states[i]` is VALUE. The arrays are reused from row to row.
 */
export interface RowImage {
  readonly buffer: Buffer;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  /** VALUE, NULL or ABSENT of `COLUMN_STATE`. */
  readonly states: Uint8Array;
  /** The image before, where this is an after image that lacks columns: they are as they were. Set only then. */
  readonly base?: RowImage | undefined;
}

/** Absent: the row image does not say (binlog_row_image MINIMAL or NOBLOB), which is not NULL. */
export const COLUMN_STATE = { VALUE: 0, NULL: 1, ABSENT: 2 } as const;

export interface RowsEvent {
  readonly kind: 'rows';
  readonly op: 'insert' | 'update' | 'delete';
  readonly table: TableMap;
  readonly timestampSeconds: number;
  readonly position: BinlogPosition;
  readonly serverId: number;
  /** Moves to the next row; false at the end. Throws SOURCE_EVENT_CORRUPT. */
  next(): boolean;
  /** Images of the current row, valid until `next()` of any rows event of the same table or `pull()`. The image an operation has not is all ABSENT. */
  readonly before: RowImage;
  readonly after: RowImage;
  /** 0 for the first row of the event; -1 before the first `next()`. */
  readonly rowIndex: number;
}

export type BinlogEvent = BeginEvent | RowsEvent | StatementEvent | PreparedEvent | CommitEvent | HeartbeatEvent;

export interface WireColumn {
  /** MYSQL_TYPE_* (`WIRE_TYPE`), the real one: ENUM and SET, not the STRING they travel as. */
  readonly type: number;
  /**
   * By type: VARCHAR and STRING bytes at most; BLOB, JSON, GEOMETRY, VECTOR bytes of the length prefix; NEWDECIMAL precision << 8 | scale;
   * BIT the number of bits; TIME2, DATETIME2, TIMESTAMP2 fractional digits; ENUM and SET bytes of the value; FLOAT and DOUBLE their bytes.
   */
  readonly meta: number;
  readonly nullable: boolean;
  /** From here on only with the metadata that binlog_row_metadata asks for (`unsigned`, `charsetId`, `geometryType` also come with MINIMAL). */
  readonly unsigned?: boolean;
  readonly name?: string;
  /** Collation id of character columns (63 = binary), and of ENUM and SET with FULL. */
  readonly charsetId?: number;
  /** ENUM and SET members as bytes in the column's character set: decode with `charsetId`. */
  readonly memberBytes?: readonly Buffer[];
  readonly geometryType?: number;
  readonly dimensions?: number;
  readonly invisible?: boolean;
}

/** The layout of a table in the stream. Strictly the same object while the layout is the same, so that codecs can be cached on it. */
export interface TableMap {
  /** The table id under which this layout was first seen; ids change (FLUSH TABLES, restart) while the layout, and so this object, stays. */
  readonly id: number;
  readonly database: string;
  readonly table: string;
  readonly columns: readonly WireColumn[];
  /** Column indexes of the primary key, in key order, with binlog_row_metadata=FULL. */
  readonly primaryKey?: readonly number[];
  /** What whoever follows the stream keeps for the layout: with thousands of tables a lookup beside it would cost as much as a row's encoding. */
  kept?: unknown;
}

export interface BinlogStats {
  /** Bytes of binlog events taken from the socket, and their number. */
  readonly bytes: number;
  readonly events: number;
  /** Rows events skipped because nobody wants their table. */
  readonly skippedRowsEvents: number;
  /** Bytes taken from the socket that no pull has given out yet, without an event that is still arriving. */
  readonly heldBytes: number;
  /** Bytes that wait for the end of their transaction (large compressed ones, prepared XA ones): in memory, and in the temporary file. */
  readonly waitingBytes: number;
  readonly spilledBytes: number;
  /** How often the socket was paused because nobody pulled. */
  readonly pauses: number;
}

export interface BinlogStream extends AsyncDisposable {
  /**
   * The next events, at least one; waits for them. At most about a megabyte of binlog a call, except that one event comes whole.
   * One call at a time. Rejects with a SOURCE_* error (and then always), or with the signal's reason when it is aborted.
   */
  pull(): Promise<readonly BinlogEvent[]>;
  readonly stats: BinlogStats;
}
