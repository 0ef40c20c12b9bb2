/**
 * Protocol Buffers, as far as HBase's requests and answers need them ("Encoding" of protobuf.dev):
 *
 *     message = (tag value)*      tag = varint(field << 3 | type)
 *     type 0: varint      type 1: 8 bytes      type 2: varint(length) bytes      type 5: 4 bytes
 */

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** Room kept for the length of a message that is still being written: a varint of always four bytes, up to 2^28. */
const LENGTH_ROOM = 4;

/** Writes messages into one growing buffer; what is inside another is opened and closed around its fields. */
export class MessageWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(bytes = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get length(): number {
    return this.#at;
  }

  /** A copy of what was written. */
  finish(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#at));
  }

  /** Forgets everything behind `length`. */
  cut(length: number): void {
    this.#at = length;
  }

  /** Keeps `count` bytes free. @returns where. */
  skip(count: number): number {
    this.#room(count);
    this.#at += count;
    return this.#at - count;
  }

  int32(value: number, at: number): void {
    this.#buffer.writeInt32BE(value, at);
  }

  /** Opens a message in field `field`. @returns what `close` is given. */
  open(field: number): number {
    this.#tag(field, LENGTH);
    return this.skip(LENGTH_ROOM);
  }

  close(opened: number): void {
    this.delimit(opened, this.#at - opened - LENGTH_ROOM);
  }

  /** A length of four bytes at a place that was skipped. */
  delimit(at: number, length: number): void {
    this.#buffer[at] = (length & 127) | 128;
    this.#buffer[at + 1] = ((length >>> 7) & 127) | 128;
    this.#buffer[at + 2] = ((length >>> 14) & 127) | 128;
    this.#buffer[at + 3] = length >>> 21;
  }

  uint(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#varint(value);
  }

  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  /** Not negative. */
  long(field: number, value: bigint): void {
    this.#tag(field, VARINT);
    this.#room(10);
    let low = Number(value & 0xfff_ffffn);
    let high = value >> 28n;
    while (high > 0n) {
      for (let group = 0; group < 4; group++) {
        this.#buffer[this.#at++] = (low & 127) | 128;
        low >>>= 7;
      }
      low = Number(high & 0xfff_ffffn);
      high >>= 28n;
    }
    this.#varint(low);
  }

  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, LENGTH);
    this.#varint(value.byteLength);
    this.raw(value);
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#tag(field, LENGTH);
    this.#varint(length);
    this.#room(length);
    this.#at += this.#buffer.write(value, this.#at, 'utf8');
  }

  /** Bytes that are finished fields. */
  raw(value: Uint8Array): void {
    this.#room(value.byteLength);
    this.#buffer.set(value, this.#at);
    this.#at += value.byteLength;
  }

  #tag(field: number, type: number): void {
    this.#room(5);
    this.#varint((field << 3) | type);
  }

  #varint(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  #room(count: number): void {
    if (this.#at + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#at + count));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** Goes through a message's fields: `while (fields.next()) switch (fields.field) …`. A message that is cut off ends with a RangeError. */
export class Fields {
  /** Number of the field that stands here. */
  field = 0;
  /** Its value, of a varint: exact up to 2^53. */
  number = 0;
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;
  #valueStart = 0;
  #valueEnd = 0;

  constructor(buffer: Buffer, start = 0, end: number = buffer.length) {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
  }

  /** The field's bytes, of a text, bytes or a message. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#valueStart, this.#valueEnd);
  }

  get text(): string {
    return this.#buffer.toString('utf8', this.#valueStart, this.#valueEnd);
  }

  /** The fields of the message that stands here. */
  get within(): Fields {
    return new Fields(this.#buffer, this.#valueStart, this.#valueEnd);
  }

  next(): boolean {
    if (this.#at >= this.#end) return false;
    const tag = this.#varint();
    this.field = tag >>> 3;
    switch (tag & 7) {
      case VARINT:
        this.number = this.#varint();
        break;
      case LENGTH:
        this.#take(this.#varint());
        break;
      case FIXED64:
        this.#take(8);
        break;
      case FIXED32:
        this.#take(4);
        break;
      default:
        throw new RangeError(`protobuf type ${tag & 7} is not known`);
    }
    return true;
  }

  /** Where the fields after this one begin. */
  get position(): number {
    return this.#at;
  }

  #take(count: number): void {
    this.#valueStart = this.#at;
    this.#valueEnd = this.#at + count;
    if (this.#valueEnd > this.#end) throw new RangeError('a protobuf message is cut off');
    this.#at = this.#valueEnd;
  }

  #varint(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      if (this.#at >= this.#end) throw new RangeError('a protobuf message is cut off');
      const byte = this.#buffer[this.#at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }
}

/** Splits `varint(length) message` off the front of `buffer`. @returns the message and what follows it. */
export function takeDelimited(buffer: Buffer): { readonly message: Buffer; readonly rest: Buffer } {
  let at = 0;
  let length = 0;
  let factor = 1;
  for (;;) {
    const byte = buffer[at++];
    if (byte === undefined) throw new RangeError('a protobuf message is cut off');
    length += (byte & 127) * factor;
    if (byte < 128) break;
    factor *= 128;
  }
  return { message: buffer.subarray(at, at + length), rest: buffer.subarray(at + length) };
}
