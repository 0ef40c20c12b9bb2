/**
 * Where encoded bytes go: a buffer with a write position. Writers call `ensure(n)` and then write at `buffer[position]`, moving `position`.
 * `buffer` and `view` may be other objects after `ensure`.
 */
export interface ByteSink {
  buffer: Buffer;
  /** The same bytes as `buffer`: what copies eight bytes at a time. */
  view: DataView;
  position: number;
  /** Makes room for at least `bytes` more bytes; what was written stays. */
  ensure(bytes: number): void;
}

/** A sink that doubles when it is full. Meant to be reused: set `position` back to 0 for the next record. */
export class GrowingSink implements ByteSink {
  buffer: Buffer;
  view: DataView;
  position = 0;

  constructor(initialBytes: number = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.view = viewOf(this.buffer);
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
    this.view = viewOf(larger);
  }
}

export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
