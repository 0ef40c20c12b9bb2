import { corrupt } from './event-errors.ts';
import { EVENT_HEADER_BYTES, type EventHeader, HEADER_AT } from './event-header.ts';
import type { EventReader } from './event-reader.ts';
import type { Spill, SpillLog } from './spill.ts';

/** An XA transaction that is prepared and neither committed nor rolled back yet. */
export interface UndecidedXa {
  /** Of the transaction that prepared it. */
  readonly gtid: string;
  /** Its table maps and rows as they came, without checksums; undefined when it changed nothing that anybody wants. */
  readonly events: SpillLog | undefined;
}

/**
 * XA transactions: their rows stand in the binlog where they were prepared, and count when they are committed, by another transaction and perhaps much
 * later. Until then they are held here as they came, by XID, and decoded at the commit like the events of a payload.
 */
export class XaTransactions {
  readonly #spill: Spill;
  readonly #undecided = new Map<string, UndecidedXa>();
  readonly #head = Buffer.alloc(EVENT_HEADER_BYTES);
  #recording: { readonly xid: string; events: SpillLog | undefined } | undefined;

  constructor(spill: Spill) {
    this.#spill = spill;
  }

  get undecided(): number {
    return this.#undecided.size;
  }

  get isRecording(): boolean {
    return this.#recording !== undefined;
  }

  /** Whether the transaction being recorded has changed something. */
  get holdsEvents(): boolean {
    return this.#recording?.events !== undefined;
  }

  start(xid: string): void {
    if (this.#recording !== undefined) throw corrupt(`XA START ${xid} inside ${this.#recording.xid}`);
    this.#recording = { xid, events: undefined };
  }

  /** Keeps the event whose header is the given one and whose body is what `reader` has left. */
  hold(header: EventHeader, reader: EventReader): void {
    const recording = this.#recording!;
    recording.events ??= this.#spill.log();
    const head = this.#head;
    head.writeUInt32LE(header.timestampSeconds, 0);
    head[HEADER_AT.TYPE] = header.type;
    head.writeUInt32LE(header.serverId, 5);
    head.writeUInt32LE(EVENT_HEADER_BYTES + reader.remaining, HEADER_AT.LENGTH);
    head.writeUInt32LE(header.endPosition, 13);
    head.writeUInt16LE(header.flags, 17);
    recording.events.append(head, 0, head.length);
    recording.events.append(reader.buffer, reader.offset, reader.end);
  }

  /** The end of the recorded transaction, which must have this XID. Gives what it holds: to be kept with `prepared`, or used at once. */
  finish(xid: string): SpillLog | undefined {
    const recording = this.#recording;
    if (recording?.xid !== xid) throw corrupt(`the end of ${xid}, where ${recording?.xid ?? 'none'} was begun`);
    this.#recording = undefined;
    return recording.events;
  }

  prepared(xid: string, transaction: UndecidedXa): void {
    // The same XID again: the server has lost the first one in a crash, before it was prepared in the engine too.
    this.#undecided.get(xid)?.events?.[Symbol.dispose]();
    this.#undecided.set(xid, transaction);
  }

  /** It is decided: gives it, and forgets it. undefined: it was not prepared where this stream has been. */
  take(xid: string): UndecidedXa | undefined {
    const transaction = this.#undecided.get(xid);
    this.#undecided.delete(xid);
    return transaction;
  }
}
