import { TaplineError } from '@tapline/kernel';

/** ENVELOPE_UNREADABLE; the place (topic, partition, offset) is added by ChangeReader. */
export function unreadable(message: string, cause?: unknown): TaplineError {
  return new TaplineError('ENVELOPE_UNREADABLE', { message, cause });
}

/**
 * Reads Avro binary. Bounds are checked where a length is read and by `check` after each record: of a damaged record a few zeros, or bytes of the next one, may be
 * read beyond its end, but nothing loops or allocates without bounds before the check.
 */
export class Cursor {
  buffer: Buffer = Buffer.alloc(0);
  position = 0;
  /** Where the record ends in the buffer. */
  end = 0;
  /** The long read last, by `long()`, in two halves. */
  high = 0;
  low = 0;

  open(buffer: Buffer, position: number, end: number = buffer.length): void {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  check(): void {
    if (this.position > this.end) throw unreadable('The record ends before its schema does.');
  }

  byte(): number {
    return this.buffer[this.position++] ?? 0;
  }

  int(): number {
    const { buffer } = this;
    let byte = buffer[this.position++] ?? 0;
    let zigzag = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (shift > 28) throw unreadable('An int has more than five bytes.');
      byte = buffer[this.position++] ?? 0;
      zigzag |= (byte & 0x7f) << shift;
    }
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  /** Leaves the value in `high` and `low`. */
  long(): void {
    const { buffer } = this;
    let low = 0;
    let high = 0;
    let byte = 0x80;
    for (let shift = 0; byte > 0x7f; shift += 7) {
      if (shift > 63) throw unreadable('A long has more than ten bytes.');
      byte = buffer[this.position++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 32) low |= bits << shift;
      if (shift === 28) high |= bits >>> 4;
      else if (shift > 28) high |= bits << (shift - 32);
    }
    const sign = -(low & 1);
    this.low = (((low >>> 1) | (high << 31)) ^ sign) >>> 0;
    this.high = (high >>> 1) ^ sign;
  }

  longNumber(): number {
    this.long();
    return this.high * 0x1_0000_0000 + this.low;
  }

  longBig(): bigint {
    this.long();
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** A length, checked against what is left; `position` is then at the first byte. */
  length(): number {
    const length = this.int();
    if (length < 0 || length > this.end - this.position) {
      throw unreadable(`A length of ${length} bytes where ${this.end - this.position} are left.`);
    }
    return length;
  }

  string(): string {
    const length = this.length();
    const start = this.position;
    this.position = start + length;
    return this.buffer.toString('utf8', start, start + length);
  }

  /** A copy: the record's buffer is a piece of a whole fetch, which a kept value must not keep alive. */
  bytes(): Buffer {
    const length = this.length();
    const start = this.position;
    this.position = start + length;
    return Buffer.from(this.buffer.subarray(start, start + length));
  }
}
