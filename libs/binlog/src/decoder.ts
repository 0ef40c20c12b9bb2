import { TaplineError } from '@tapline/kernel';
import { corrupt, locateEventError, unsupported } from './event-errors.ts';
import {
  CHECKSUM_BYTES,
  EVENT_FLAG,
  EVENT_HEADER_BYTES,
  type EventHeader,
  emptyHeader,
  hasValidChecksum,
  hasValidFormatChecksum,
  readHeader,
  typeOf,
} from './event-header.ts';
import { QUERY_FORMS, SKIPPED } from './event-kinds.ts';
import { EventReader } from './event-reader.ts';
import { readFormat } from './format-event.ts';
import { type GtidInfo, NO_GTID, readGtid, readMariadbGtid, readTaggedGtid } from './gtid-event.ts';
import { checksumOf, LastEvents } from './last-event.ts';
import { heldPayload, type PayloadInfo, readPayload, readSpilledPayload } from './payload.ts';
import { firstWords, isSavepoint, type QueryInfo, readQuery } from './query-event.ts';
import { ROWS_KINDS, readRowsEvent } from './rows-event.ts';
import { Spill, type SpillLog } from './spill.ts';
import type { SpilledEvent } from './spilled-event.ts';
import { TableMaps } from './table-map.ts';
import type { BinlogEvent, BinlogPosition, LastEvent, XaDecision } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';
import { XaTransactions } from './xa.ts';
import { parseXid, readXid } from './xid.ts';

export interface DecoderOptions {
  wants(database: string, table: string): boolean;
  /** The file the first events belong to, until a ROTATE names one. */
  readonly file: string;
  /** Whether events end with a CRC32 before the first FORMAT_DESCRIPTION has said so. */
  readonly checksums: boolean;
  /** The stream starts by file: places are given with the event that ends there. `expected`: the first one must be this, and is passed over. */
  readonly byFile?: { readonly expected?: LastEvent & { readonly end: number } };
  /** Where the rows of prepared XA transactions wait. */
  readonly spill?: Spill;
}

/** `xa`: between XA START and XA PREPARE, where events are held back, because a later transaction decides what becomes of them. */
type Transaction = 'none' | 'begun' | 'xa';

/**
 * Turns binlog events, one at a time, into what a stream delivers. It knows the file, the position, the table maps and where transactions
 * begin and end; it knows nothing of sockets, so recorded files go through the same code.
 */
export class Decoder {
  /** Set when events come from elsewhere: the caller must feed them (`decodeInner`, then `endPayload`) before the next `decode`. */
  payload: PayloadInfo | undefined;
  skippedRowsEvents = 0;
  readonly #tables: TableMaps;
  readonly #reader = new EventReader();
  #checksums: boolean;
  #file: string;
  /** The byte after the last event, beyond 4 GiB too. */
  #position = 4;
  #gtid: GtidInfo = NO_GTID;
  #transaction: Transaction = 'none';
  /** Rows or statements were delivered in this transaction. */
  #delivered = false;
  readonly #xa: XaTransactions;
  readonly #last: LastEvents | undefined;
  readonly #header: EventHeader = emptyHeader();

  constructor(options: DecoderOptions) {
    this.#tables = new TableMaps((database, table) => options.wants(database, table));
    this.#file = options.file;
    this.#checksums = options.checksums;
    this.#xa = new XaTransactions(options.spill ?? new Spill());
    this.#last = options.byFile && new LastEvents(options.byFile.expected);
  }

  get position(): BinlogPosition {
    return { file: this.#file, position: this.#position };
  }

  /** The event in front of the start has not been seen to be the expected one yet. */
  get waitsForStart(): boolean {
    return this.#last?.waits ?? false;
  }

  /** A place between transactions. */
  #place(): BinlogPosition {
    const last = this.#last?.last;
    return last === undefined ? this.position : { ...this.position, last };
  }

  /** Decodes the event in `buffer[start, end)`, header and checksum included, and appends what it gives. Throws SOURCE_*. */
  decode(buffer: Buffer, start: number, end: number, out: BinlogEvent[]): void {
    const from = this.position;
    const header = this.#header;
    try {
      readHeader(buffer, start, end - start, header);
      const bodyEnd = this.#verified(buffer, start, end, header);
      this.#advance(header, from);
      if (this.#last?.take(header, from, checksumOf(buffer, end, bodyEnd < end))) return this.#heartbeat(out);
      this.#reader.reset(buffer, start + EVENT_HEADER_BYTES, bodyEnd);
      this.#dispatch(header, this.#beginOf(header, from), out);
    } catch (error) {
      throw locateEventError(error, typeOf(buffer, start, end), from);
    }
  }

  /** A TRANSACTION_PAYLOAD that was not put together in memory. */
  decodeSpilled(event: SpilledEvent): void {
    const from = this.position;
    const header = this.#header;
    try {
      readHeader(event.header, 0, event.length, header);
      if (!event.complete) throw corrupt(`the header says ${event.length} bytes, fewer came`);
      const body = event.body(this.#checksums);
      this.#advance(header, from);
      // Its decompressed rows may be endless: its time and place are enough to know it by.
      if (this.#last?.take(header, from, 0)) body[Symbol.dispose]();
      else this.payload = readSpilledPayload(body, from);
    } catch (error) {
      event[Symbol.dispose]();
      throw locateEventError(error, EVENT_TYPE.TRANSACTION_PAYLOAD, from);
    }
  }

  /** An event out of a transaction payload: no checksum of its own, and the payload's position. */
  decodeInner(buffer: Buffer, start: number, end: number, payload: PayloadInfo, out: BinlogEvent[]): void {
    const header = this.#header;
    try {
      readHeader(buffer, start, end - start, header);
      this.#reader.reset(buffer, start + EVENT_HEADER_BYTES, end);
      if (header.type === EVENT_TYPE.TRANSACTION_PAYLOAD) throw corrupt('a payload inside a payload');
      this.#dispatch(header, payload.position, out);
    } catch (error) {
      throw locateEventError(error, typeOf(buffer, start, end), payload.position);
    }
  }

  /** Behind the last event of a payload. */
  endPayload({ origin, position }: PayloadInfo, out: BinlogEvent[]): void {
    if (origin !== 'held') return;
    // What was mapped when the rows were prepared must not stand for what comes next.
    this.#tables.forgetIds();
    try {
      this.#commit(out);
    } catch (error) {
      throw locateEventError(error, EVENT_TYPE.XA_PREPARE, position);
    }
  }

  /** Checks the CRC32 where there is one and returns the body's end. */
  #verified(buffer: Buffer, start: number, end: number, header: EventHeader): number {
    if (header.type === EVENT_TYPE.FORMAT_DESCRIPTION) return this.#readFormat(buffer, start, end);
    // Ahead of the first FORMAT_DESCRIPTION the server sends a ROTATE of its own making; whether it has a checksum, only itself can tell.
    if (header.type === EVENT_TYPE.ROTATE && (header.flags & EVENT_FLAG.ARTIFICIAL) !== 0) {
      return hasValidChecksum(buffer, start, end) ? end - CHECKSUM_BYTES : end;
    }
    if (!this.#checksums) return end;
    if (!hasValidChecksum(buffer, start, end)) throw corrupt('the checksum does not match the event');
    return end - CHECKSUM_BYTES;
  }

  #readFormat(buffer: Buffer, start: number, end: number): number {
    const { checksums, isMariadb } = readFormat(this.#reader.reset(buffer, start + EVENT_HEADER_BYTES, end));
    this.#checksums = checksums;
    this.#tables.isMariadb = isMariadb;
    if (checksums && !hasValidFormatChecksum(buffer, start, end))
      throw corrupt('the checksum does not match the event');
    return end - CHECKSUM_BYTES;
  }

  /**
   * Moves the position behind this event. The header has it modulo 4 GiB, and 0 on events that are in no file (and on MariaDB's inside a
   * transaction); a transaction can carry a file beyond 4 GiB.
   */
  #advance(header: EventHeader, from: BinlogPosition): void {
    if (header.type === EVENT_TYPE.ROTATE || (header.flags & EVENT_FLAG.ARTIFICIAL) !== 0) return;
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

  /** Where the event begins, once the position is behind it. A server passes over what a stream does not ask for, and not all of them say so. */
  #beginOf(header: EventHeader, from: BinlogPosition): BinlogPosition {
    if (this.#transaction !== 'none' || this.#position <= from.position + header.length) return from;
    return { file: from.file, position: this.#position - header.length };
  }

  #dispatch(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    const { type } = header;
    if (this.#transaction === 'xa' && this.#hold(header, from, out)) return;
    if (ROWS_KINDS.has(type)) return this.#rows(header, from, out);
    const reader = this.#reader;
    switch (type) {
      case EVENT_TYPE.TABLE_MAP:
        this.#tables.read(reader);
        return;
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
        if (group.xid !== undefined) this.#startXa(group.xid);
        else if (!group.standalone) this.#begin(header, from, out);
        return;
      }
      case EVENT_TYPE.QUERY:
      case EVENT_TYPE.MARIA_QUERY_COMPRESSED:
      case EVENT_TYPE.EXECUTE_LOAD_QUERY:
        return this.#query(readQuery(reader, QUERY_FORMS.get(type)!, this.#tables.isMariadb), header, from, out);
      case EVENT_TYPE.TRANSACTION_PAYLOAD:
        this.payload = readPayload(reader, from);
        return;
      case EVENT_TYPE.ROTATE:
        return this.#rotate();
      case EVENT_TYPE.HEARTBEAT:
      case EVENT_TYPE.HEARTBEAT_V2:
        return this.#heartbeat(out);
      case EVENT_TYPE.XA_PREPARE:
        throw corrupt('XA PREPARE of nothing');
      case EVENT_TYPE.INCIDENT:
        throw new TaplineError('SOURCE_INCIDENT', {
          message: 'INCIDENT: the source says that changes may be missing from its binlog here',
          place: { position: `${from.file}:${from.position}` },
        });
      case EVENT_TYPE.MARIA_START_ENCRYPTION:
        throw unsupported('an encrypted binlog', 'Set encrypt_binlog=OFF on the source, or read from a replica.');
      default:
        if (SKIPPED.has(type) || (header.flags & EVENT_FLAG.IGNORABLE) !== 0) return;
        throw unsupported('this kind of event is unknown', 'Upgrade Tapline, or report the server version.');
    }
  }

  #heartbeat(out: BinlogEvent[]): void {
    if (this.#transaction === 'none') out.push({ kind: 'heartbeat', position: this.#place() });
  }

  #rows(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    const { timestampSeconds, serverId, type } = header;
    const place = { eventType: type, timestampSeconds, serverId, position: from };
    const event = readRowsEvent(this.#reader, this.#tables, place);
    if (event === undefined) {
      this.skippedRowsEvents++;
      return;
    }
    if (this.#transaction === 'none') throw corrupt('rows outside a transaction');
    this.#delivered = true;
    out.push(event);
  }

  #startGroup(group: GtidInfo): void {
    if (this.#transaction !== 'none') throw corrupt(`a new transaction starts inside ${this.#gtid.gtid || 'another'}`);
    this.#gtid = group;
    this.#tables.forgetManyIds();
  }

  #commitMicros(header: EventHeader): bigint {
    return this.#gtid.commitMicros ?? BigInt(header.timestampSeconds) * 1_000_000n;
  }

  #begin(header: EventHeader, from: BinlogPosition, out: BinlogEvent[], decides?: XaDecision): void {
    if (this.#transaction !== 'none') throw corrupt('BEGIN inside a transaction');
    this.#transaction = 'begun';
    this.#delivered = false;
    out.push({
      kind: 'begin',
      gtid: this.#gtid.gtid,
      commitMicros: this.#commitMicros(header),
      bytes: this.#gtid.bytes,
      position: from,
      ...(decides === undefined ? {} : { decides }),
    });
  }

  #commit(out: BinlogEvent[]): void {
    if (this.#transaction !== 'begun') throw corrupt('a commit outside a transaction');
    this.#transaction = 'none';
    this.#gtid = NO_GTID;
    out.push({ kind: 'commit', position: this.#place() });
  }

  #startXa(xid: string): void {
    if (this.#transaction !== 'none') throw corrupt('XA START inside a transaction');
    this.#transaction = 'xa';
    this.#xa.start(xid);
  }

  /** What an XA transaction consists of: held back when it concerns somebody. False: the event is none of its own. */
  #hold(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): boolean {
    const { type } = header;
    const reader = this.#reader;
    const { offset: start, end } = reader;
    const hold = (): void => this.#xa.hold(header, reader.reset(reader.buffer, start, end));
    if (ROWS_KINDS.has(type)) {
      const layout = this.#tables.get(reader.u48('table id'));
      // An unknown table id is refused where the rows are decoded.
      if (layout?.wanted === false) this.skippedRowsEvents++;
      else hold();
    } else if (type === EVENT_TYPE.TABLE_MAP) {
      if (this.#tables.read(reader).wanted) hold();
    } else if (type === EVENT_TYPE.XA_PREPARE) {
      this.#endXa(header, from, out);
    } else if (QUERY_FORMS.has(type)) {
      const { sql } = readQuery(reader, QUERY_FORMS.get(type)!, this.#tables.isMariadb);
      const words = firstWords(sql);
      if (words === 'XA END' || isSavepoint(words)) return true;
      if (words.startsWith('XA ')) throw corrupt(`${words} inside an XA transaction`);
      hold();
    } else return false;
    return true;
  }

  /** XA_PREPARE (XA_prepare_event of control_events.h): u8 1 when it commits at once (XA COMMIT … ONE PHASE) · XID. */
  #endXa(header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    const onePhase = this.#reader.u8('one phase') !== 0;
    const xid = readXid(this.#reader, 'u32');
    const events = this.#xa.finish(xid);
    this.#transaction = 'none';
    if (onePhase) return this.#release(events, header, from, out);
    const { gtid } = this.#gtid;
    this.#gtid = NO_GTID;
    this.#xa.prepared(xid, { gtid, events });
    out.push({ kind: 'prepared', gtid, xid, holdsRows: events !== undefined, position: this.#place() });
  }

  /** The transaction at hand commits these events: they come as its own. */
  #release(
    events: SpillLog | undefined,
    header: EventHeader,
    from: BinlogPosition,
    out: BinlogEvent[],
    decides?: XaDecision,
  ): void {
    this.#begin(header, from, out, decides);
    if (events === undefined) this.#commit(out);
    else this.payload = heldPayload(events, from);
  }

  #query({ database, sql, session }: QueryInfo, header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    if (sql === 'BEGIN') return this.#begin(header, from, out);
    if (sql === 'COMMIT') return this.#commit(out);
    const words = firstWords(sql);
    if (words.startsWith('XA ')) return this.#decideXa(words, sql, header, from, out);
    if (isSavepoint(words)) return;
    const inTransaction = this.#transaction !== 'none';
    if (inTransaction && words.startsWith('ROLLBACK')) return this.#rollback(sql, out);
    this.#delivered = true;
    const { gtid } = this.#gtid;
    const commitMicros = this.#commitMicros(header);
    if (!inTransaction) this.#gtid = NO_GTID;
    const position = inTransaction ? from : this.#place();
    out.push({ kind: 'statement', gtid, commitMicros, database, sql, session, inTransaction, position });
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

  #decideXa(words: string, sql: string, header: EventHeader, from: BinlogPosition, out: BinlogEvent[]): void {
    const xid = parseXid(sql);
    if (words === 'XA START' || words === 'XA BEGIN') return this.#startXa(xid);
    if (words !== 'XA COMMIT' && words !== 'XA ROLLBACK') throw corrupt(`${words} outside an XA transaction`);
    const transaction = this.#xa.take(xid);
    const outcome = words === 'XA COMMIT' ? 'commit' : 'rollback';
    const decides: XaDecision = { xid, outcome, preparedGtid: transaction?.gtid };
    if (outcome === 'commit') return this.#release(transaction?.events, header, from, out, decides);
    transaction?.events?.[Symbol.dispose]();
    this.#release(undefined, header, from, out, decides);
  }

  /** ROTATE (Rotate_event): position u64 in the next file · its name to the end. */
  #rotate(): void {
    const reader = this.#reader;
    const position = reader.u64('position');
    if (position > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`position ${position}`);
    this.#file = reader.text(reader.remaining, 'file name');
    this.#position = Number(position);
    this.#last?.forget();
    this.#tables.forgetIds();
  }
}
