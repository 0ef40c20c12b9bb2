import { corrupt } from './event-errors.ts';

const HEADER_BYTES = 4;
/** A payload of this length continues in the next packet. */
const FULL_PACKET_BYTES = 0xffffff;
const EVENT_LENGTH_AT = 1 + 9;
/** The server sends no larger event (max_allowed_packet is 1 GiB at most, plus header); a length beyond it is garbage. */
const MAX_EVENT_BYTES = 2 ** 30 + 2 ** 20;

/**
 * Cuts the bytes of the connection into packets (MySQL Client/Server Protocol, "MySQL Packets"):
 *   payload length u24 · sequence id u8 · payload; a payload of 0xffffff bytes goes on in the next packet, until a shorter one
 * A packet that lies in one chunk is given out in place; others are copied once, into a buffer of their final size.
 */
export class PacketQueue {
  /** The packet that `next` found: its payload is `buffer[start, end)`. */
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;
  /** Bytes held that were neither given out nor put into the event in the making: that one must be let in however large it is. */
  bytes = 0;
  readonly #chunks: Buffer[] = [];
  #at = 0;
  #assembly: Assembly | undefined;

  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.#chunks.push(chunk);
  }

  /** False: no whole packet is there. */
  next(): boolean {
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
      this.#assembly = new Assembly();
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
  payload: Buffer = Buffer.alloc(0);
  filled = 0;
  complete = false;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerFilled = 0;
  #packetLeft = 0;
  #last = false;

  /** Takes what it can use of `chunk` from `at` on and returns how many bytes that was. */
  take(chunk: Buffer, at: number): number {
    if (this.#headerFilled < HEADER_BYTES) {
      const copied = chunk.copy(this.#header, this.#headerFilled, at, at + HEADER_BYTES - this.#headerFilled);
      this.#headerFilled += copied;
      if (this.#headerFilled === HEADER_BYTES) this.#startPacket();
      return copied;
    }
    const copied = chunk.copy(this.payload, this.filled, at, at + this.#packetLeft);
    this.filled += copied;
    this.#packetLeft -= copied;
    this.#endPacket();
    return copied;
  }

  #startPacket(): void {
    const length = this.#header.readUIntLE(0, 3);
    this.#last = length < FULL_PACKET_BYTES;
    this.#packetLeft = length;
    this.#grow(this.filled + length);
    this.#endPacket();
  }

  /** Room for the whole event at once as soon as its header tells its length: untouched pages cost nothing, copying would. */
  #grow(bytes: number): void {
    if (bytes <= this.payload.length) return;
    const announced = this.filled >= EVENT_LENGTH_AT + 4 ? this.payload.readUInt32LE(EVENT_LENGTH_AT) + 1 : 0;
    if (announced > MAX_EVENT_BYTES || bytes > MAX_EVENT_BYTES)
      throw corrupt(`an event of ${Math.max(announced, bytes)} bytes`);
    const room = Buffer.allocUnsafe(Math.max(bytes, announced));
    this.payload.copy(room, 0, 0, this.filled);
    this.payload = room;
  }

  #endPacket(): void {
    if (this.#packetLeft > 0) return;
    this.complete = this.#last;
    this.#headerFilled = 0;
  }
}
