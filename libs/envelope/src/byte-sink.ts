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
  /** Views on the buffer's beginning by their length, made once: a view costs more than a short row's encoding. */
  #views: (Buffer | undefined)[] = [];

  constructor(initialBytes: number = 64 * 1024) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.view = viewOf(this.buffer);
  }

  ensure(bytes: number): void {
    if (this.buffer.length - this.position < bytes) this.#grow(bytes);
  }

  /** What was written, without a copy: valid until the next write. */
  written(): Buffer {
    const { position } = this;
    if (position >= KEPT_VIEWS) return this.buffer.subarray(0, position);
    return (this.#views[position] ??= this.buffer.subarray(0, position));
  }

  /** Gives a buffer larger than `keptBytes` back: one giant must not keep its memory for good. What was written is gone. */
  shrink(keptBytes: number): void {
    this.position = 0;
    if (this.buffer.length > keptBytes) this.#replace(Buffer.allocUnsafeSlow(keptBytes));
  }

  #grow(bytes: number): void {
    const { length } = this.buffer;
    const needed = this.position + bytes;
    // Small ones double. Of large ones most is one value, which is all there at once: doubling would take its memory twice.
    const larger = length < LARGE_BYTES ? length * 2 : length + (length >>> 3);
    this.#replace(Buffer.allocUnsafeSlow(Math.max(larger, needed + (needed > LARGE_BYTES ? SPARE_BYTES : 0))));
  }

  #replace(buffer: Buffer): void {
    this.buffer.copy(buffer, 0, 0, this.position);
    this.buffer = buffer;
    this.view = viewOf(buffer);
    this.#views = [];
  }
}

/** Lengths whose views are kept. */
const KEPT_VIEWS = 4096;

const LARGE_BYTES = 1024 * 1024;
/** What comes behind a large value has room without another copy of it. */
const SPARE_BYTES = 16 * 1024;

export function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
