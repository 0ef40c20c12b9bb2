/**
 * The primitive types of Kafka's wire protocol (kafka.apache.org/protocol, "Protocol Primitive Types"), as far as the
 * non-flexible request versions need them: all integers big endian, STRING and NULLABLE_STRING with an INT16 length,
 * BYTES with an INT32 length, ARRAY with an INT32 count; -1 stands for null.
 */

/** A request's body in pieces, written in order. */
export interface Encoded {
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

/** How much of a blob of this length is copied into a request: all of it below 8 KiB, nothing of longer ones. */
export function copiedBytes(length: number): number {
  return length < 8192 ? length : 0;
}

/** Grows as needed. Large blobs are kept by reference, so that a record batch is not copied once more. */
export class RequestWriter {
  readonly #parts: Buffer[] = [];
  #buffer: Buffer;
  #start = 0;
  #position = 0;
  #bytes = 0;

  /** `into`: where to begin, or the length of a new buffer. */
  constructor(into: Buffer | number = 512) {
    this.#buffer = typeof into === 'number' ? Buffer.allocUnsafe(into) : into;
  }

  #room(bytes: number): void {
    if (this.#position + bytes <= this.#buffer.length) return;
    this.#cut();
    this.#buffer = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, bytes));
    this.#start = 0;
    this.#position = 0;
  }

  #cut(): void {
    if (this.#position > this.#start) this.#parts.push(this.#buffer.subarray(this.#start, this.#position));
    this.#start = this.#position;
  }

  int8(value: number): this {
    this.#room(1);
    this.#position = this.#buffer.writeInt8(value, this.#position);
    this.#bytes += 1;
    return this;
  }
  int16(value: number): this {
    this.#room(2);
    this.#position = this.#buffer.writeInt16BE(value, this.#position);
    this.#bytes += 2;
    return this;
  }
  int32(value: number): this {
    this.#room(4);
    this.#position = this.#buffer.writeInt32BE(value, this.#position);
    this.#bytes += 4;
    return this;
  }
  int64(value: bigint): this {
    this.#room(8);
    this.#position = this.#buffer.writeBigInt64BE(value, this.#position);
    this.#bytes += 8;
    return this;
  }
  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const bytes = Buffer.byteLength(value);
    this.int16(bytes);
    this.#room(bytes);
    this.#buffer.write(value, this.#position, bytes, 'utf8');
    this.#position += bytes;
    this.#bytes += bytes;
    return this;
  }
  /** INT32 length and the first `length` bytes. Longer ones are kept by reference (`copiedBytes`): they must not change until the answer is here. */
  bytes(value: Buffer, length: number = value.length): this {
    this.int32(length);
    if (copiedBytes(length) === 0) {
      this.#cut();
      this.#parts.push(value.subarray(0, length));
    } else {
      this.#room(length);
      value.copy(this.#buffer, this.#position, 0, length);
      this.#position += length;
    }
    this.#bytes += length;
    return this;
  }
  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length);
    for (const item of items) write(item);
    return this;
  }

  /** What was written, in order. The writer is done then. */
  finish(): Encoded {
    this.#cut();
    return { parts: this.#parts, bytes: this.#bytes };
  }
}

/** Reads within the bounds of one answer; reading beyond throws a RangeError (Node's own). */
export class ResponseReader {
  readonly #buffer: Buffer;
  position = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  int8(): number {
    return this.#buffer.readInt8(this.#advance(1));
  }
  int16(): number {
    return this.#buffer.readInt16BE(this.#advance(2));
  }
  int32(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }
  int64(): bigint {
    return this.#buffer.readBigInt64BE(this.#advance(8));
  }
  string(): string {
    return this.nullableString() ?? '';
  }
  nullableString(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.#slice(length).toString('utf8');
  }
  /** A view into the answer, not a copy. */
  bytes(): Buffer {
    const length = this.int32();
    return length < 0 ? Buffer.alloc(0) : this.#slice(length);
  }
  array<T>(read: (reader: this) => T): T[] {
    const count = this.int32();
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read(this));
    return items;
  }

  #slice(length: number): Buffer {
    const start = this.#advance(length);
    return this.#buffer.subarray(start, start + length);
  }
  #advance(bytes: number): number {
    const start = this.position;
    if (start + bytes > this.#buffer.length)
      throw new RangeError(`answer of ${this.#buffer.length} bytes is too short`);
    this.position = start + bytes;
    return start;
  }
}
