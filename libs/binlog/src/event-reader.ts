import { corrupt } from './event-errors.ts';

/**
 * Reads one event's body and never past its end: every method checks first, so a decoder cannot overrun whatever the lengths inside say.
 * All integers little-endian, as in the binlog. One instance is reused for all events.
 */
export class EventReader {
  buffer: Buffer = Buffer.alloc(0);
  offset = 0;
  end = 0;

  reset(buffer: Buffer, offset: number, end: number): this {
    this.buffer = buffer;
    this.offset = offset;
    this.end = end;
    return this;
  }

  get remaining(): number {
    return this.end - this.offset;
  }

  /** Moves `bytes` on and gives the offset where they start. */
  take(bytes: number, what: string): number {
    const at = this.offset;
    if (!(bytes >= 0 && bytes <= this.end - at)) {
      throw corrupt(`${what} needs ${bytes} bytes, the event has ${this.end - at} left`);
    }
    this.offset = at + bytes;
    return at;
  }

  u8(what: string): number {
    return this.buffer[this.take(1, what)]!;
  }

  u16(what: string): number {
    return this.buffer.readUInt16LE(this.take(2, what));
  }

  u32(what: string): number {
    return this.buffer.readUInt32LE(this.take(4, what));
  }

  u48(what: string): number {
    return this.buffer.readUIntLE(this.take(6, what), 6);
  }

  u64(what: string): bigint {
    return this.buffer.readBigUInt64LE(this.take(8, what));
  }

  i64(what: string): bigint {
    return this.buffer.readBigInt64LE(this.take(8, what));
  }

  /** Length-encoded integer (Protocol::LengthEncodedInteger): < 251 itself; 252, 253, 254: the next 2, 3, 8 bytes. 251 and 255 never. */
  packed(what: string): number {
    const first = this.u8(what);
    if (first < 251) return first;
    if (first === 252) return this.u16(what);
    if (first === 253) return this.buffer.readUIntLE(this.take(3, what), 3);
    if (first === 254) {
      const value = this.u64(what);
      if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt(`${what} is ${value}`);
      return Number(value);
    }
    throw corrupt(`${what} starts with byte ${first}, which is no length`);
  }

  bytes(length: number, what: string): Buffer {
    const at = this.take(length, what);
    return this.buffer.subarray(at, at + length);
  }

  text(length: number, what: string): string {
    const at = this.take(length, what);
    return this.buffer.toString('utf8', at, at + length);
  }
}
