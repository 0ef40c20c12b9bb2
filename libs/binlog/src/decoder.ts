import { crc32 } from 'node:zlib';
import { TaplineError } from '@tapline/kernel';
import { corrupt, locateEventError, unsupported } from './event-errors.ts';
import { EventReader } from './event-reader.ts';
import { type GtidInfo, readGtid, readMariadbGtid, readTaggedGtid } from './gtid-event.ts';
import { type PayloadInfo, readPayload } from './payload.ts';
import { readQuery } from './query-event.ts';
import { ROWS_KINDS, readRowsEvent } from './rows-event.ts';
import { TableMaps } from './table-map.ts';
import type { BinlogEvent, BinlogPosition } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

export const EVENT_HEADER_BYTES = 19;
const CHECKSUM_BYTES = 4;
const FLAG = { IN_USE: 0x01, ARTIFICIAL: 0x20, IGNORABLE: 0x80 };

/**
 * The header of every event (Log_event_header of binlog_event.h):
 *   timestamp seconds u32 · type u8 · server id u32 · event length u32, all of it · end position in the file u32, modulo 4 GiB · flags u16
 */
interface EventHeader {
  timestampSeconds: number;
  type: number;
  serverId: number;
  length: number;
  endPosition: number;
  flags: number;
}

export interface DecoderOptions {
  wants(database: string, table: string): boolean;
  /** The file the first events belong to, until a ROTATE names one. */
  readonly file: string;
  /** Whether events end with a CRC32 before the first FORMAT_DESCRIPTION has said so. */
  readonly checksums: boolean;
}

/** `xa`: MySQL's XA START … XA PREPARE. MariaDB has a GTID event around it and so is `begun`; `#inXa` says it for both. */
type Transaction = 'none' | 'begun' | 'xa';

/**
 * Turns binlog events, one at a time, into what a stream delivers. It knows the file, the position, the table maps and where transactions
 * begin and end; it knows nothing of sockets, so recorded files go through the same code.
 */
export class Decoder {
  /** Set by a TRANSACTION_PAYLOAD: the caller must feed the events inside (`decodeInner`) before the next `decode`. */
  payload: PayloadInfo | undefined;
  skippedRowsEvents = 0;
  readonly #tables: TableMaps;
  readonly #reader = new EventReader();
  #checksums: boolean;
  #file: string;
  /** The byte after the last event, beyond 4 GiB too. */
  #position = 4;
  #gtid: GtidInfo = { gtid: '', commitMicros: undefined };
  #transaction: Transaction = 'none';
  /** Rows or statements were delivered in this transaction. */
  #delivered = false;
  /** Between XA START and XA PREPARE, where a later transaction decides what becomes of the rows. */
  #inXa = false;
  readonly #header: EventHeader = { timestampSeconds: 0, type: 0, serverId: 0, length: 0, endPosition: 0, flags: 0 };

  constructor(options: DecoderOptions) {
    this.#tables = new TableMaps((database, table) => options.wants(database, table));
    this.#file = options.file;
    this.#checksums = options.checksums;
  }

  get position(): BinlogPosition {
    return { file: this.#file, position: this.#position };
  }

  /** Decodes the event in `buffer[start, end)`, header and checksum included, and appends what it gives. Throws SOURCE_*. */
  decode(buffer: Buffer, start: number, end: number, out: BinlogEvent[]): void {
    const from = this.position;
    const header = this.#header;
    try {
      readHeader(buffer, start, end, header);
      const bodyEnd = this.#verified(buffer, start, end, header);
      this.#advance(header, from);
      this.#reader.reset(buffer, start + EVENT_HEADER_BYTES, bodyEnd);
      this.#dispatch(header, from, out);
    } catch (error) {
      throw locateEventError(error, end - start > 4 ? buffer[start + 4]! : 0, from);
    }
  }

  /** An event out of a transaction payload: no checksum of its own, and the payload's position. */
  decodeInner(buffer: Buffer, start: number, end: number, payload: PayloadInfo, out: BinlogEvent[]): void {
    const header = this.#header;
    try {
      readHeader(buffer, start, end, header);
      this.#reader.reset(buffer, start + EVENT_HEADER_BYTES, end);
      if (header.type === EVENT_TYPE.TRANSACTION_PAYLOAD) throw corrupt('a payload inside a payload');
      this.#dispatch(header, payload.position, out);
    } catch (error) {
      throw locateEventError(error, end - start > 4 ? buffer[start + 4]! : 0, payload.position);
    }
  }

  /** Checks the CRC32 where there is one and returns the body's end. */
  #verified(buffer: Buffer, start: number, end: number, header: EventHeader): number {
    if (header.type === EVENT_TYPE.FORMAT_DESCRIPTION) return this.#readFormat(buffer, start, end);
    // Ahead of the first FORMAT_DESCRIPTION the server sends a ROTATE of its own making; whether it has a checksum, only itself can tell.
    if (header.type === EVENT_TYPE.ROTATE && (header.flags & FLAG.ARTIFICIAL) !== 0) {
      return hasValidChecksum(buffer, start, end) ? end - CHECKSUM_BYTES : end;
    }
    if (!this.#checksums) return end;
    if (!hasValidChecksum(buffer, start, end)) throw corrupt('the checksum does not match the event');
    return end - CHECKSUM_BYTES;
  }

  /**
   * FORMAT_DESCRIPTION (Format_description_event of control_events.h):
   *   binlog version u16 = 4 · server version 50 · created u32 · header length u8 = 19 · post-header length u8 for each event type ·
   *   checksum algorithm u8 (0 none, 1 CRC32) · CRC32, present with either
   */
  #readFormat(buffer: Buffer, start: number, end: number): number {
    const reader = this.#reader.reset(buffer, start + EVENT_HEADER_BYTES, end);
    const version = reader.u16('binlog version');
    const server = reader.text(50, 'server version');
    reader.take(4, 'time of creation');
    const headerLength = reader.u8('header length');
    if (version !== 4 || headerLength !== EVENT_HEADER_BYTES) {
      throw unsupported(`binlog version ${version} with ${headerLength}-byte headers`, 'Use MySQL 5.7 or newer.');
    }
    reader.take(reader.remaining - 1 - CHECKSUM_BYTES, 'post-header lengths');
    const algorithm = reader.u8('checksum algorithm');
    if (algorithm > 1) throw unsupported(`checksum algorithm ${algorithm}`, 'Set binlog_checksum to CRC32 or NONE.');
    this.#checksums = algorithm === 1;
    this.#tables.isMariadb = /mariadb/i.test(server);
    if (this.#checksums && !hasValidFormatChecksum(buffer, start, end))
      throw corrupt('the checksum does not match the event');
    return end - CHECKSUM_BYTES;
  }

  /**
   * Moves the position behind this event. The header has it modulo 4 GiB, and 0 on events that are in no file (and on MariaDB's inside a
   * transaction); a transaction can carry a file beyond 4 GiB.
   */
  #advance(header: EventHeader, from: BinlogPosition): void {
    if (header.type === EVENT_TYPE.ROTATE || (header.flags & FLAG.ARTIFICIAL) !== 0) return;
    if (header.endPosition === 0) {
      const inFile = header.type !== EVENT_TYPE.FORMAT_DESCRIPTION && this.#transaction !== 'none';
      if (inFile) this.#position = from.position + header.length;
      return;
    }
    const wrap = 2 ** 32;
    let position = Math.floor(from.position / wrap) * wrap + header.endPosition;
    if (position < from.position - wrap / 2) position += wrap;
    this.#position = Math.max(position, from.position);
  }

  #dispatch(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    const { type } = header;
    if (ROWS_KINDS.has(type)) return this.#rows(header, from, out);
    const reader = this.#reader;
    switch (type) {
      case EVENT_TYPE.TABLE_MAP:
        return this.#tables.read(reader);
      case EVENT_TYPE.XID:
        return this.#commit(out);
      case EVENT_TYPE.GTID:
      case EVENT_TYPE.ANONYMOUS_GTID:
        return this.#startGroup(readGtid(reader, type === EVENT_TYPE.ANONYMOUS_GTID));
      case EVENT_TYPE.GTID_TAGGED:
        return this.#startGroup(readTaggedGtid(reader));
      case EVENT_TYPE.MARIA_GTID: {
        const group = readMariadbGtid(reader, header.serverId);
        this.#startGroup(group);
        if (!group.standalone) this.#begin(header, from, out);
        this.#inXa = group.xa;
        return;
      }
      case EVENT_TYPE.QUERY:
        return this.#query(readQuery(reader, 'plain'), header, from, out);
      case EVENT_TYPE.MARIA_QUERY_COMPRESSED:
        return this.#query(readQuery(reader, 'compressed'), header, from, out);
      case EVENT_TYPE.EXECUTE_LOAD_QUERY:
        return this.#query(readQuery(reader, 'load'), header, from, out);
      case EVENT_TYPE.TRANSACTION_PAYLOAD:
        this.payload = readPayload(reader, from);
        return;
      case EVENT_TYPE.ROTATE:
        return this.#rotate();
      case EVENT_TYPE.HEARTBEAT:
      case EVENT_TYPE.HEARTBEAT_V2:
        if (this.#transaction === 'none') out.push({ kind: 'heartbeat', position: this.position });
        return;
      case EVENT_TYPE.XA_PREPARE:
        return this.#xaPrepared(header, from, out);
      case EVENT_TYPE.INCIDENT:
        throw new TaplineError('SOURCE_INCIDENT', {
          message: 'INCIDENT: the source says that changes may be missing from its binlog here',
          place: { position: `${from.file}:${from.position}` },
        });
      case EVENT_TYPE.MARIA_START_ENCRYPTION:
        throw unsupported('an encrypted binlog', 'Set encrypt_binlog=OFF on the source, or read from a replica.');
      default:
        if (SKIPPED.has(type) || (header.flags & FLAG.IGNORABLE) !== 0) return;
        throw unsupported('this kind of event is unknown', 'Upgrade Tapline, or report the server version.');
    }
  }

  #rows(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    const { timestampSeconds, serverId, type } = header;
    const place = { eventType: type, timestampSeconds, serverId, position: from };
    const event = readRowsEvent(this.#reader, this.#tables, place);
    if (event === undefined) {
      this.skippedRowsEvents++;
      return;
    }
    if (this.#inXa) {
      throw unsupported(
        `an XA transaction changes ${event.table.database}.${event.table.table}`,
        'Tapline does not follow XA transactions yet: exclude the table, or write it without XA.',
      );
    }
    if (this.#transaction === 'none') throw corrupt('rows outside a transaction');
    this.#delivered = true;
    out.push(event);
  }

  #startGroup(group: GtidInfo): void {
    if (this.#transaction !== 'none') throw corrupt(`a new transaction starts inside ${this.#gtid.gtid || 'another'}`);
    this.#gtid = group;
  }

  #commitMicros(header: EventHeader): bigint {
    return this.#gtid.commitMicros ?? BigInt(header.timestampSeconds) * 1_000_000n;
  }

  #begin(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    if (this.#transaction !== 'none') throw corrupt('BEGIN inside a transaction');
    this.#transaction = 'begun';
    this.#delivered = false;
    this.#inXa = false;
    out.push({ kind: 'begin', gtid: this.#gtid.gtid, commitMicros: this.#commitMicros(header), position: from });
  }

  #commit(out: BinlogEvent[]): void {
    if (this.#transaction !== 'begun') throw corrupt('a commit outside a transaction');
    this.#transaction = 'none';
    this.#gtid = { gtid: '', commitMicros: undefined };
    out.push({ kind: 'commit', position: this.position });
  }

  /** A whole transaction without a change that concerns us: its GTID must still move on. */
  #empty(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    this.#transaction = 'none';
    this.#begin(header, from, out);
    this.#commit(out);
  }

  #xaPrepared(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    // MariaDB's GTID event has begun the group already.
    if (this.#transaction === 'begun') return this.#commit(out);
    this.#empty(header, from, out);
  }

  #query(
    { database, sql }: { database: string; sql: string },
    header: EventHeader,
    from: BinlogPosition,
    out: BinlogEvent[],
  ): void {
    if (sql === 'BEGIN') return this.#begin(header, from, out);
    if (sql === 'COMMIT') return this.#commit(out);
    const word = /^[a-z]+(?:\s+[a-z]+)?/i.exec(sql.slice(0, 64))?.[0].toUpperCase().replace(/\s+/g, ' ') ?? '';
    if (word.startsWith('XA ')) return this.#xa(word, header, from, out);
    if (word.startsWith('SAVEPOINT') || word === 'RELEASE SAVEPOINT') return;
    const inTransaction = this.#transaction !== 'none';
    if (inTransaction && word.startsWith('ROLLBACK')) return this.#rollback(sql, out);
    this.#delivered = true;
    const { gtid } = this.#gtid;
    const commitMicros = this.#commitMicros(header);
    if (!inTransaction) this.#gtid = { gtid: '', commitMicros: undefined };
    const position = inTransaction ? from : this.position;
    out.push({ kind: 'statement', gtid, commitMicros, database, sql, inTransaction, position });
  }

  /** A transaction that changed non-transactional tables and was then rolled back. What was delivered of it cannot be taken back. */
  #rollback(sql: string, out: BinlogEvent[]): void {
    if (this.#delivered) {
      throw unsupported(
        'a transaction over transactional and non-transactional tables was rolled back in part',
        'Convert the captured tables to InnoDB.',
      );
    }
    if (/^ROLLBACK\s*$/i.test(sql)) this.#commit(out);
  }

  #xa(word: string, header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    if (word === 'XA START' || word === 'XA BEGIN') {
      this.#inXa = true;
      if (this.#transaction === 'none') this.#transaction = 'xa';
      return;
    }
    if (word === 'XA COMMIT' || word === 'XA ROLLBACK') {
      if (this.#transaction === 'begun') return this.#commit(out);
      return this.#empty(header, from, out);
    }
  }

  /** ROTATE (Rotate_event): position u64 in the next file · its name to the end. */
  #rotate(): void {
    const reader = this.#reader;
    const position = reader.u64('position');
    if (position > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`position ${position}`);
    this.#file = reader.text(reader.remaining, 'file name');
    this.#position = Number(position);
    this.#tables.forgetIds();
  }
}

/** Known and without meaning for row changes; the first ones accompany a statement that arrives as SQL. */
const SKIPPED: ReadonlySet<number> = new Set([
  EVENT_TYPE.FORMAT_DESCRIPTION,
  EVENT_TYPE.STOP,
  EVENT_TYPE.INTVAR,
  EVENT_TYPE.RAND,
  EVENT_TYPE.USER_VAR,
  EVENT_TYPE.BEGIN_LOAD_QUERY,
  EVENT_TYPE.APPEND_BLOCK,
  EVENT_TYPE.DELETE_FILE,
  EVENT_TYPE.IGNORABLE,
  EVENT_TYPE.ROWS_QUERY,
  EVENT_TYPE.PREVIOUS_GTIDS,
  EVENT_TYPE.TRANSACTION_CONTEXT,
  EVENT_TYPE.VIEW_CHANGE,
  EVENT_TYPE.MARIA_ANNOTATE_ROWS,
  EVENT_TYPE.MARIA_BINLOG_CHECKPOINT,
  EVENT_TYPE.MARIA_GTID_LIST,
]);

function readHeader(buffer: Buffer, start: number, end: number, header: EventHeader): void {
  if (end - start < EVENT_HEADER_BYTES) throw corrupt(`an event of ${end - start} bytes`);
  header.timestampSeconds = buffer.readUInt32LE(start);
  header.type = buffer[start + 4]!;
  header.serverId = buffer.readUInt32LE(start + 5);
  header.length = buffer.readUInt32LE(start + 9);
  header.endPosition = buffer.readUInt32LE(start + 13);
  header.flags = buffer.readUInt16LE(start + 17);
  if (header.length !== end - start) throw corrupt(`the header says ${header.length} bytes, ${end - start} came`);
}

function hasValidChecksum(buffer: Buffer, start: number, end: number): boolean {
  const at = end - CHECKSUM_BYTES;
  if (at < start + EVENT_HEADER_BYTES) return false;
  return crc32(buffer.subarray(start, at)) === buffer.readUInt32LE(at);
}

/** The checksum of a FORMAT_DESCRIPTION is over the event without the flag that its file is still open. */
function hasValidFormatChecksum(buffer: Buffer, start: number, end: number): boolean {
  const at = end - CHECKSUM_BYTES;
  const head = Buffer.from(buffer.subarray(start, start + EVENT_HEADER_BYTES));
  head[17] = head[17]! & ~FLAG.IN_USE;
  return crc32(buffer.subarray(start + EVENT_HEADER_BYTES, at), crc32(head)) === buffer.readUInt32LE(at);
}
