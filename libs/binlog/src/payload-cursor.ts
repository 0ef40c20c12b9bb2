import { TaplineError } from '@tapline/kernel';
import { type Decoder, EVENT_HEADER_BYTES } from './decoder.ts';
import { corrupt, EventError, locateEventError } from './event-errors.ts';
import { type PayloadInfo, payloadPieces } from './payload.ts';
import type { BinlogEvent } from './types.ts';
import { EVENT_TYPE } from './wire-types.ts';

/** Events out of a payload, across the pieces it is decompressed in. */
export class PayloadCursor {
  readonly #info: PayloadInfo;
  readonly #pieces: AsyncGenerator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(info: PayloadInfo) {
    this.#info = info;
    this.#pieces = payloadPieces(info);
  }

  /** Decodes the events of the next piece and returns its size; 0 at the end. */
  async decodePiece(decoder: Decoder, out: BinlogEvent[]): Promise<number> {
    try {
      const { value: piece, done } = await this.#pieces.next();
      if (done === true) {
        if (this.#rest.length > 0) throw corrupt(`${this.#rest.length} bytes behind the last event of the payload`);
        return 0;
      }
      this.#decodeWhole(this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]), decoder, out);
      return piece.length;
    } catch (error) {
      await this.#pieces.return(undefined);
      const bad =
        error instanceof EventError || error instanceof TaplineError
          ? error
          : corrupt(`the payload does not decompress (${String(error)})`);
      throw locateEventError(bad, EVENT_TYPE.TRANSACTION_PAYLOAD, this.#info.position);
    }
  }

  #decodeWhole(bytes: Buffer, decoder: Decoder, out: BinlogEvent[]): void {
    let at = 0;
    while (bytes.length - at >= EVENT_HEADER_BYTES) {
      const length = bytes.readUInt32LE(at + 9);
      if (length < EVENT_HEADER_BYTES || length > 2 ** 30)
        throw corrupt(`an event of ${length} bytes inside the payload`);
      if (bytes.length - at < length) break;
      decoder.decodeInner(bytes, at, at + length, this.#info, out);
      at += length;
    }
    this.#rest = bytes.subarray(at);
  }
}
