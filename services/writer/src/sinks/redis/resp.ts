const CR_LF_BYTES = 2;
/** `$`, a length of up to ten digits, CR LF. */
const HEADER_BYTES = 13;
/** Below it a loop over the characters is faster than a call into the runtime. */
const LOOP_CHARS = 32;

/** Of a 32-bit number without a sign, so that it is divided as one. */
const MOST_DIGITS_AT_ONCE = 0x7fff_ffff;

const HEX_DIGITS = Buffer.from('0123456789abcdef');
const HEX64_HEADER = Buffer.from('$16\r\n');
/** One 64-bit number and its halves, the low one first: every platform that Node runs on is little endian. */
const HALVES_AS_BIG = new BigUint64Array(1);
const HALVES = new Uint32Array(HALVES_AS_BIG.buffer);

/**
 * Redis protocol, as far as commands need it ("RESP protocol spec", Redis documentation):
 *
 *     command      = "*" count CRLF bulk-string…
 *     bulk-string  = "$" byte-length CRLF bytes CRLF
 *
 * A growing buffer that bulk strings are appended to: commands are built here once and go to the socket as they are.
 */
export class RespBuffer {
  #bytes: Buffer;
  #length = 0;
  /** Bulk strings appended since the last `clear`. */
  count = 0;

  constructor(capacityBytes: number = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafe(capacityBytes);
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
    this.count = 0;
  }

  /** The bytes appended so far; valid until the next append. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Appends bytes that are bulk strings already. */
  encoded(bulkStrings: Uint8Array, count: number): void {
    const { length } = bulkStrings;
    this.#ensure(length);
    if (length < LOOP_CHARS) {
      const at = this.#length;
      for (let index = 0; index < length; index++) this.#bytes[at + index] = bulkStrings[index] as number;
    } else this.#bytes.set(bulkStrings, this.#length);
    this.#length += length;
    this.count += count;
  }

  bytes(value: Uint8Array): void {
    this.#ensure(value.length + HEADER_BYTES + CR_LF_BYTES);
    this.#header(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#end();
  }

  /**
   * The length stands before the text and is known only after it is encoded. Nearly all text is ASCII, where it is the number of characters: so that is
   * written first, and a text that turns out longer is written again behind a longer header.
   */
  text(value: string): void {
    const chars = value.length;
    this.#ensure(chars * 3 + HEADER_BYTES + CR_LF_BYTES);
    const start = this.#length;
    this.#header(chars);
    if (chars < LOOP_CHARS ? this.#ascii(value) : this.#bytes.write(value, this.#length, 'utf8') === chars) {
      this.#length += chars;
    } else {
      this.#length = start;
      const bytes = Buffer.byteLength(value);
      this.#header(bytes);
      this.#length += this.#bytes.write(value, this.#length, 'utf8');
    }
    this.#end();
  }

  /** 16 hexadecimal digits. */
  hex64(value: bigint): void {
    HALVES_AS_BIG[0] = value;
    this.#ensure(HEX64_HEADER.length + 16 + CR_LF_BYTES);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < HEX64_HEADER.length; index++) bytes[at++] = HEX64_HEADER[index] as number;
    for (const half of [HALVES[1] as number, HALVES[0] as number]) {
      for (let shift = 28; shift >= 0; shift -= 4) bytes[at++] = HEX_DIGITS[(half >>> shift) & 15] as number;
    }
    this.#length = at;
    this.#end();
  }

  integer(value: number): void {
    if (value < 0 || value > MOST_DIGITS_AT_ONCE) {
      this.text(String(value));
      return;
    }
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    this.fillDigits(this.reserveDigits(digits), digits, value);
  }

  /** Appends a bulk string of so many digits, to be filled in. @returns their place, for `fillDigits`. */
  reserveDigits(digits: number): number {
    this.#ensure(HEADER_BYTES + digits + CR_LF_BYTES);
    this.#header(digits);
    const place = this.#length;
    this.#length += digits;
    this.#end();
    return place;
  }

  /** With zeros in front. */
  fillDigits(place: number, digits: number, value: number): void {
    let left = value;
    for (let at = place + digits - 1; at >= place; at--) {
      const tenth = (left / 10) | 0;
      this.#bytes[at] = 0x30 + left - tenth * 10;
      left = tenth;
    }
  }

  /** A piece of other bytes. */
  slice(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#ensure(length + HEADER_BYTES + CR_LF_BYTES);
    this.#header(length);
    const bytes = this.#bytes;
    const at = this.#length;
    if (length < LOOP_CHARS)
      for (let index = 0; index < length; index++) bytes[at + index] = source[start + index] as number;
    else source.copy(bytes, at, start, end);
    this.#length = at + length;
    this.#end();
  }

  #ascii(value: string): boolean {
    const bytes = this.#bytes;
    const at = this.#length;
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      bytes[at + index] = unit;
    }
    return true;
  }

  #header(length: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 0x24;
    if (length < 10) bytes[at++] = 0x30 + length;
    else if (length < 100) {
      bytes[at++] = 0x30 + ((length / 10) | 0);
      bytes[at++] = 0x30 + (length % 10);
    } else at += bytes.write(String(length), at, 'latin1');
    bytes[at++] = 0x0d;
    bytes[at++] = 0x0a;
    this.#length = at;
  }

  #end(): void {
    this.#bytes[this.#length++] = 0x0d;
    this.#bytes[this.#length++] = 0x0a;
    this.count++;
  }

  #ensure(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** One bulk string by itself, for parts that never change. */
export function bulkString(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
}
