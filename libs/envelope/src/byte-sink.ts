/**
 * Where encoded bytes go: a buffer with a write position. Writers call `ensure(n)` and then write at `buffer[position]`, moving `position`.
 * `buffer` may be another object after `ensure`.
 */
export interface ByteSink {
  buffer: Buffer;
  position: number;
  /** Makes room for at least `bytes` more bytes; what was written stays. */
  ensure(bytes: number): void;
}

/** A sink that doubles when it is full. Meant to be reused: set `position` back to 0 for the next record. */
export class GrowingSink implements ByteSink {
  buffer: Buffer;
  position = 0;

  constructor(initialBytes: number = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  ensure(bytes: number): void {
    if (this.buffer.length - this.position < bytes) this.#grow(bytes);
  }

  /** What was written, without a copy: valid until the next write. */
  written(from = 0): Buffer {
    return this.buffer.subarray(from, this.position);
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, this.position + bytes));
    this.buffer.copy(larger, 0, 0, this.position);
    this.buffer = larger;
  }
}
