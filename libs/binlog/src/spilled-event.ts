import { crc32 } from 'node:zlib';
import { corrupt } from './event-errors.ts';
import { CHECKSUM_BYTES, EVENT_HEADER_BYTES, HEADER_AT } from './event-header.ts';
import type { Spill, SpillLog } from './spill.ts';

/**
 * An event too large to be put together in memory, while its bytes arrive and afterwards. Its checksum is computed on the way, so that it is known to be
 * whole before anything of it is decoded.
 */
export class SpilledEvent implements Disposable {
  readonly header: Buffer;
  /** As the header announces it. */
  readonly length: number;
  /** Behind the header, without what may be the checksum. */
  readonly #body: SpillLog;
  readonly #last = Buffer.alloc(CHECKSUM_BYTES);
  #arrived = EVENT_HEADER_BYTES;
  #crc: number;

  /** `header`: the event's first bytes. */
  constructor(header: Buffer, spill: Spill) {
    this.header = Buffer.from(header);
    this.length = header.readUInt32LE(HEADER_AT.LENGTH);
    this.#body = spill.log();
    this.#crc = crc32(this.header);
  }

  get complete(): boolean {
    return this.#arrived === this.length;
  }

  append(buffer: Buffer, start: number, end: number): void {
    const arrived = this.#arrived + end - start;
    if (arrived > this.length) throw corrupt(`the header says ${this.length} bytes, more came`);
    const checked = this.length - CHECKSUM_BYTES;
    const bodyEnd = Math.max(start, Math.min(end, start + checked - this.#arrived));
    if (bodyEnd > start) {
      this.#crc = crc32(buffer.subarray(start, bodyEnd), this.#crc);
      this.#body.append(buffer, start, bodyEnd);
    }
    buffer.copy(this.#last, Math.max(0, this.#arrived - checked), bodyEnd, end);
    this.#arrived = arrived;
  }

  /** What lies between the header and the checksum. To be asked once. Throws when the checksum is not that of the bytes. */
  body(checksums: boolean): SpillLog {
    if (!checksums) this.#body.append(this.#last, 0, CHECKSUM_BYTES);
    else if (this.#crc !== this.#last.readUInt32LE(0)) throw corrupt('the checksum does not match the event');
    return this.#body;
  }

  [Symbol.dispose](): void {
    this.#body[Symbol.dispose]();
  }
}
