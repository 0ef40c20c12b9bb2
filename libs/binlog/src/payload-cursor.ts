import { TaplineError } from '@tapline/kernel';
import type { Decoder } from './decoder.ts';
import { corrupt, EventError, locateEventError } from './event-errors.ts';
import { EVENT_HEADER_BYTES, HEADER_AT } from './event-header.ts';
import { type PayloadInfo, payloadPieces } from './payload.ts';
import type { BinlogEvent } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

const MAX_EVENT_BYTES = 2 ** 30;

/**
 * The payloads that stand in front of the next event of the stream. There may be two: the last event of a compressed transaction can be one that
 * lets the rows go that were held for it.
 */
export class PayloadStack {
  readonly #cursors: PayloadCursor[] = [];

  get isEmpty(): boolean {
    return this.#cursors.length === 0;
  }

  /** Takes over the payload that the decoder has come upon, if any. */
  takeFrom(decoder: Decoder): void {
    if (decoder.payload === undefined) return;
    this.#cursors.push(new PayloadCursor(decoder.payload));
    decoder.payload = undefined;
  }

  /** Decodes the events of the next piece of the innermost payload and returns the piece's size. */
  async decodePiece(decoder: Decoder, out: BinlogEvent[]): Promise<number> {
    const cursor = this.#cursors.at(-1)!;
    const bytes = await cursor.decodePiece(decoder, out);
    if (bytes === 0) this.#cursors.pop();
    this.takeFrom(decoder);
    return bytes;
  }
}

/** Events out of a payload, across the pieces it comes in. */
class PayloadCursor {
  readonly #info: PayloadInfo;
  readonly #pieces: AsyncGenerator<Buffer>;
  /** The start of an event that goes on in the next piece: its first `#restBytes` bytes are there. */
  #rest: Buffer = Buffer.alloc(0);
  #restBytes = 0;

  constructor(info: PayloadInfo) {
    this.#info = info;
    this.#pieces = payloadPieces(info);
  }

  /** Decodes the events of the next piece and returns its size; 0 at the end. */
  async decodePiece(decoder: Decoder, out: BinlogEvent[]): Promise<number> {
    try {
      const { value: piece, done } = await this.#pieces.next();
      if (done !== true) {
        this.#decodeWhole(piece, this.#completeRest(piece, decoder, out), decoder, out);
        return piece.length;
      }
      if (this.#restBytes > 0) throw corrupt(`${this.#restBytes} bytes behind the last event of the payload`);
      decoder.endPayload(this.#info, out);
      this.#info.dispose();
      return 0;
    } catch (error) {
      await this.#pieces.return(undefined);
      this.#info.dispose();
      const bad =
        error instanceof EventError || error instanceof TaplineError
          ? error
          : corrupt(`the payload does not decompress (${String(error)})`);
      throw locateEventError(bad, EVENT_TYPE.TRANSACTION_PAYLOAD, this.#info.position);
    }
  }

  /** Completes the event that began in earlier pieces, as far as this one goes, and returns how much of it was used. */
  #completeRest(piece: Buffer, decoder: Decoder, out: BinlogEvent[]): number {
    let at = 0;
    while (this.#restBytes > 0 && at < piece.length) {
      const length = this.#restBytes < EVENT_HEADER_BYTES ? EVENT_HEADER_BYTES : eventLength(this.#rest, 0);
      const copied = Math.min(length - this.#restBytes, piece.length - at);
      this.#keep(piece, at, at + copied, length);
      at += copied;
      if (this.#restBytes < EVENT_HEADER_BYTES || this.#restBytes < eventLength(this.#rest, 0)) continue;
      const event = this.#rest.subarray(0, this.#restBytes);
      this.#rest = Buffer.alloc(0);
      this.#restBytes = 0;
      this.#decode(event, 0, event.length, decoder, out);
    }
    return at;
  }

  #decodeWhole(piece: Buffer, start: number, decoder: Decoder, out: BinlogEvent[]): void {
    let at = start;
    while (piece.length - at >= EVENT_HEADER_BYTES) {
      const length = eventLength(piece, at);
      if (piece.length - at < length) break;
      this.#decode(piece, at, at + length, decoder, out);
      at += length;
    }
    if (at < piece.length) this.#keep(piece, at, piece.length, piece.length - at);
  }

  #decode(buffer: Buffer, start: number, end: number, decoder: Decoder, out: BinlogEvent[]): void {
    if (decoder.payload !== undefined) throw corrupt('an event behind the end of its transaction');
    decoder.decodeInner(buffer, start, end, this.#info, out);
  }

  /** Room grows with what has arrived, not with what a length announces: an event costs its bytes a few times over, a lie costs nothing. */
  #keep(piece: Buffer, start: number, end: number, wanted: number): void {
    const filled = this.#restBytes + end - start;
    if (filled > this.#rest.length) {
      const room = Buffer.allocUnsafeSlow(Math.max(filled, Math.min(wanted, filled * 2)));
      this.#rest.copy(room, 0, 0, this.#restBytes);
      this.#rest = room;
    }
    piece.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes = filled;
  }
}

function eventLength(buffer: Buffer, start: number): number {
  const length = buffer.readUInt32LE(start + HEADER_AT.LENGTH);
  if (length < EVENT_HEADER_BYTES || length > MAX_EVENT_BYTES)
    throw corrupt(`an event of ${length} bytes inside the payload`);
  return length;
}
