import { corrupt } from './event-errors.ts';
import { EVENT_HEADER_BYTES, HEADER_AT } from './event-header.ts';
import type { Spill } from './spill.ts';
import { SpilledEvent } from './spilled-event.ts';
import { EVENT_TYPE } from './wire-types.ts';

const HEADER_BYTES = 4;
/** A payload of this length continues in the next packet. */
const FULL_PACKET_BYTES = 0xffffff;
/** A status byte and an event's header: with these it is known what comes. */
const HEAD_BYTES = 1 + EVENT_HEADER_BYTES;
/** A TRANSACTION_PAYLOAD beyond this is not put together in memory: it alone may be as large as a whole transaction. */
const LARGE_PAYLOAD_BYTES = 8 << 20;
/** The server sends no larger event (max_allowed_packet is 1 GiB at most, plus header); a length beyond it is garbage. */
const MAX_EVENT_BYTES = 2 ** 30 + 2 ** 20;

/**
 * Cuts the bytes of the connection into packets (MySQL Client/Server Protocol, "MySQL Packets"):
 *   payload length u24 · sequence id u8 · payload; a payload of 0xffffff bytes goes on in the next packet, until a shorter one
 * A packet that lies in one chunk is given out in place; others are copied once, into a buffer of their final size. A large compressed transaction
 * goes to `spill` instead.
 */
export class PacketQueue {
  /** The packet that `next` found: its payload is `buffer[start, end)`. */
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** In place of a payload: the event that `next` found, for whoever takes it to dispose. */
  spilled: SpilledEvent | undefined;
  /** Bytes held that were neither given out nor put into the event in the making: that one must be let in however large it is. */
  bytes = 0;
  readonly #spill: Spill | undefined;
  readonly #chunks: Buffer[] = [];
  #at = 0;
  #assembly: Assembly | undefined;

  constructor(spill?: Spill) {
    this.#spill = spill;
  }

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#chunks.push(chunk);
  }

  /** False: no whole packet is there. */
  next(): boolean {
    this.spilled = undefined;
    if (this.#assembly === undefined) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return false;
      const left = chunk.length - this.#at;
      const length = left >= HEADER_BYTES ? chunk.readUIntLE(this.#at, 3) : FULL_PACKET_BYTES;
      if (length < FULL_PACKET_BYTES && left >= HEADER_BYTES + length) {
        this.buffer = chunk;
        this.start = this.#at + HEADER_BYTES;
        this.end = this.start + length;
        this.#consume(HEADER_BYTES + length);
        return true;
      }
      this.#assembly = new Assembly(this.#spill);
    }
    return this.#assemble(this.#assembly);
  }

  #assemble(assembly: Assembly): boolean {
    for (;;) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return false;
      this.#consume(assembly.take(chunk, this.#at));
      if (!assembly.complete) continue;
      this.buffer = assembly.payload;
      this.start = 0;
      this.end = assembly.filled;
      this.spilled = assembly.spilled;
      this.#assembly = undefined;
      return true;
    }
  }

  #consume(bytes: number): void {
    this.#at += bytes;
    this.bytes -= bytes;
    if (this.#at < this.#chunks[0]!.length) return;
    this.#chunks.shift();
    this.#at = 0;
  }
}

/** A packet in the making. */
class Assembly {
  payload: Buffer = Buffer.alloc(HEAD_BYTES);
  filled = 0;
  complete = false;
  /** Takes the bytes in place of `payload` once the event's header has said that it should. */
  spilled: SpilledEvent | undefined;
  readonly #spill: Spill | undefined;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #packetLeft = 0;
  #last = false;

  constructor(spill: Spill | undefined) {
    this.#spill = spill;
  }

  /** Takes what it can use of `chunk` from `at` on and returns how many bytes that was. */
  take(chunk: Buffer, at: number): number {
    if (this.#headerFilled < HEADER_BYTES) {
      const copied = chunk.copy(this.#header, this.#headerFilled, at, at + HEADER_BYTES - this.#headerFilled);
      this.#headerFilled += copied;
      if (this.#headerFilled === HEADER_BYTES) this.#startPacket();
      return copied;
    }
    const taken = this.spilled === undefined ? this.#copy(chunk, at) : this.#append(this.spilled, chunk, at);
    this.filled += taken;
    this.#packetLeft -= taken;
    if (this.filled === HEAD_BYTES && this.#packetLeft > 0) this.#chooseRoom();
    this.#endPacket();
    return taken;
  }

  #copy(chunk: Buffer, at: number): number {
    const room = this.filled < HEAD_BYTES ? HEAD_BYTES - this.filled : this.#packetLeft;
    return chunk.copy(this.payload, this.filled, at, at + Math.min(room, this.#packetLeft));
  }

  #append(event: SpilledEvent, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#packetLeft);
    event.append(chunk, at, end);
    return end - at;
  }

  #startPacket(): void {
    const length = this.#header.readUIntLE(0, 3);
    this.#last = length < FULL_PACKET_BYTES;
    this.#packetLeft = length;
    if (this.filled >= HEAD_BYTES && this.spilled === undefined) this.#grow(this.filled + length);
    this.#endPacket();
  }

  /** The event's header is here: whether the event goes to `spilled`, or how much room it needs. */
  #chooseRoom(): void {
    const header = this.payload.subarray(1, HEAD_BYTES);
    const isLarge = header.readUInt32LE(HEADER_AT.LENGTH) > LARGE_PAYLOAD_BYTES;
    if (this.#spill !== undefined && isLarge && isPayload(this.payload)) {
      this.#checkLength(this.filled + this.#packetLeft);
      this.spilled = new SpilledEvent(header, this.#spill);
    } else this.#grow(this.filled + this.#packetLeft);
  }

  /** Room for the whole event at once as soon as its header tells its length: untouched pages cost nothing, copying would. */
  #grow(bytes: number): void {
    if (bytes <= this.payload.length) return;
    const room = Buffer.allocUnsafe(Math.max(bytes, this.#checkLength(bytes)));
    this.payload.copy(room, 0, 0, this.filled);
    this.payload = room;
  }

  /** Gives the bytes that an event of several packets announces. */
  #checkLength(bytes: number): number {
    const announced = this.#last ? 0 : this.payload.readUInt32LE(1 + HEADER_AT.LENGTH) + 1;
    if (announced > MAX_EVENT_BYTES || bytes > MAX_EVENT_BYTES)
      throw corrupt(`an event of ${Math.max(announced, bytes)} bytes`);
    return announced;
  }

  #endPacket(): void {
    if (this.#packetLeft > 0) return;
    this.complete = this.#last;
    this.#headerFilled = 0;
  }
}

/** Whether this is an event (status byte 0) and a TRANSACTION_PAYLOAD. */
function isPayload(packet: Buffer): boolean {
  return packet[0] === 0 && packet[1 + HEADER_AT.TYPE] === EVENT_TYPE.TRANSACTION_PAYLOAD;
}
