/** Zigzag varints as in Kafka's record format ("Varint", "Varlong": protobuf's sint32 and sint64). */

/** Bytes that `value` (a 32-bit integer) takes. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
}

/** Writes a 32-bit integer; returns the position after it. */
export function writeVarint(buffer: Buffer, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  let at = position;
  while (zigzag > 0x7f) {
    buffer[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  buffer[at++] = zigzag;
  return at;
}

const INT32_MAX = 0x7fff_ffff;

/** Bytes that `value` (a safe integer below 2^52 in size) takes. */
export function varlongSize(value: number): number {
  if (value <= INT32_MAX && value >= -INT32_MAX) return varintSize(value);
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let size = 1;
  while (zigzag > 0x7f) {
    zigzag = Math.floor(zigzag / 128);
    size++;
  }
  return size;
}

/** Writes a safe integer below 2^52 in size; returns the position after it. */
export function writeVarlong(buffer: Buffer, position: number, value: number): number {
  if (value <= INT32_MAX && value >= -INT32_MAX) return writeVarint(buffer, position, value);
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1;
  let at = position;
  while (zigzag > 0x7f) {
    buffer[at++] = (zigzag % 128) | 0x80;
    zigzag = Math.floor(zigzag / 128);
  }
  buffer[at++] = zigzag;
  return at;
}

/** Reads varints from a buffer, moving on. Reading beyond the end throws a RangeError. */
export class VarintReader {
  readonly buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  varint(): number {
    let shift = 0;
    let zigzag = 0;
    for (;;) {
      const byte = this.#byte();
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >>> 1) ^ -(zigzag & 1);
      shift += 7;
      if (shift === 28) return this.#lastOf32(zigzag);
    }
  }

  /** Values beyond 2^53 lose their low bits: timestamps never are. */
  varlong(): number {
    let factor = 1;
    let zigzag = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.#byte();
      zigzag += (byte & 0x7f) * factor;
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      factor *= 128;
    }
    throw new RangeError('varlong of more than 10 bytes');
  }

  /** The next bytes as a view, or null for a length of -1. */
  bytes(): Buffer | null {
    const start = this.place();
    return start < 0 ? null : this.buffer.subarray(start, this.position);
  }

  /** Moves over the next bytes and gives where they start, or -1 for a length of -1. */
  place(): number {
    const length = this.varint();
    if (length < 0) return -1;
    const start = this.position;
    if (start + length > this.buffer.length)
      throw new RangeError(`${length} bytes at ${start} of ${this.buffer.length}`);
    this.position = start + length;
    return start;
  }

  #lastOf32(low: number): number {
    const byte = this.#byte();
    if (byte > 0x0f) throw new RangeError('varint of more than 32 bits');
    const zigzag = low | (byte << 28);
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  #byte(): number {
    const byte = this.buffer[this.position];
    if (byte === undefined) throw new RangeError(`end of buffer at ${this.position}`);
    this.position++;
    return byte;
  }
}
