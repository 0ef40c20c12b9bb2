import { digitsOf, writeDigits } from '../decimal.ts';

const LEAST_BYTES = 65_536;
/** Of a UTF-16 unit in UTF-8, at most. */
const BYTES_PER_UNIT = 3;
const MOST_DIGITS = 11;
/** Below it a loop over the characters is faster than a call into the runtime. */
const LOOP_CHARS = 32;
const BILLION = 1_000_000_000;
/** A version and its parts of 16 bits, the lowest first: every platform that Node runs on is little endian. */
const WHOLE = new BigUint64Array(1);
const SHORTS = new Uint16Array(WHOLE.buffer);
const QUOTE = 0x22;
/** By byte: 1 where a text's byte stands in JSON as it is and is a character by itself (RFC 8259, 7: not quotes, backslashes, controls). */
const PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== 0x5c ? 1 : 0,
);

/** Bit 7 of each of four bytes, and the bytes that are looked for, four times. */
const HIGH_BITS = 0x80808080 | 0;
const ONES = 0x01010101;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const BLANKS = 0x20202020;

/** JSON is appended to it as bytes. Its memory is used again after `clear`. */
export class JsonBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  #end = 0;
  /** What the last text was out of. */
  #source: DataView = this.#view;

  get length(): number {
    return this.#end;
  }

  /** Bytes that it holds memory for. */
  get capacity(): number {
    return this.#bytes.length;
  }

  clear(): void {
    this.#end = 0;
  }

  /** Forgets what was appended behind a length that it had. */
  cut(length: number): void {
    this.#end = length;
  }

  /** What was appended, until it is cleared. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Text that is JSON already. */
  json(text: string): void {
    const { length } = text;
    this.#ensure(length * BYTES_PER_UNIT);
    if (length < LOOP_CHARS && this.#ascii(text)) this.#end += length;
    else this.#end += this.#bytes.write(text, this.#end, 'utf8');
  }

  /** Bytes that are JSON already. */
  encoded(json: Uint8Array): void {
    const { length } = json;
    this.#ensure(length);
    const bytes = this.#bytes;
    const at = this.#end;
    for (let index = 0; index < length; index++) bytes[at + index] = json[index] as number;
    this.#end = at + length;
  }

  /** A whole number of up to 32 bits. */
  integer(value: number): void {
    this.#ensure(1 + MOST_DIGITS);
    if (value < 0) this.#bytes[this.#end++] = 0x2d;
    const whole = Math.abs(value);
    this.#digits(whole, digitsOf(whole));
  }

  /** A version, all of its 63 bits. */
  version(value: bigint): void {
    this.#ensure(2 * MOST_DIGITS);
    WHOLE[0] = value;
    // Divided by a billion as on paper, in digits of 16 bits, each step of which a number holds exactly.
    let high = 0;
    let rest = 0;
    for (let place = 3; place >= 0; place--) {
      const dividend = rest * 65_536 + (SHORTS[place] as number);
      const quotient = Math.floor(dividend / BILLION);
      high = high * 65_536 + quotient;
      rest = dividend - quotient * BILLION;
    }
    if (high > 0) this.#digits(high, digitsOf(high));
    this.#digits(rest, high > 0 ? 9 : digitsOf(rest));
  }

  /** A text, in quotes. */
  quoted(text: string): void {
    const { length } = text;
    this.#ensure(length + 2);
    const bytes = this.#bytes;
    let at = this.#end;
    bytes[at++] = QUOTE;
    for (let from = 0; from < length; from++) {
      const unit = text.charCodeAt(from);
      if (unit >= 0x80 || PLAIN[unit] === 0) {
        this.json(JSON.stringify(text));
        return;
      }
      bytes[at++] = unit;
    }
    bytes[at++] = QUOTE;
    this.#end = at;
  }

  /** A text out of a piece of UTF-8, in quotes. */
  text(source: Buffer, start: number, end: number): void {
    this.#ensure(end - start + 2);
    const bytes = this.#bytes;
    bytes[this.#end] = QUOTE;
    let from = this.#words(source, start, end);
    let at = this.#end + 1 + from - start;
    for (; from < end; from++) {
      const byte = source[from] as number;
      if (PLAIN[byte] === 0) {
        this.json(JSON.stringify(source.toString('utf8', start, end)));
        return;
      }
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.#end = at;
  }

  /**
   * Copies eight bytes at a time behind a quote, as far as all of them are plain: half the time of a loop over bytes. Where none is 0x80 or above, taking a byte from each of the others
   * sets bit 7 of one that is below it; zero is below one. What a byte borrows from the next does not matter: it has its own bit set.
   *
   * @returns the first byte that was not copied.
   */
  #words(source: Buffer, start: number, end: number): number {
    if (source.buffer !== this.#source.buffer) this.#source = new DataView(source.buffer);
    const [input, output] = [this.#source, this.#view];
    const toInput = source.byteOffset;
    const toOutput = this.#end + 1 - start;
    let from = start;
    for (const last = end - 8; from <= last; from += 8) {
      const one = input.getInt32(toInput + from, true);
      const two = input.getInt32(toInput + from + 4, true);
      const marks =
        one |
        (one - BLANKS) |
        ((one ^ QUOTES) - ONES) |
        ((one ^ BACKSLASHES) - ONES) |
        (two | (two - BLANKS) | ((two ^ QUOTES) - ONES) | ((two ^ BACKSLASHES) - ONES));
      if ((marks & HIGH_BITS) !== 0) break;
      output.setInt32(toOutput + from, one, true);
      output.setInt32(toOutput + from + 4, two, true);
    }
    return from;
  }

  #ascii(text: string): boolean {
    const bytes = this.#bytes;
    const at = this.#end;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      if (unit >= 0x80) return false;
      bytes[at + index] = unit;
    }
    return true;
  }

  #digits(value: number, digits: number): void {
    this.#end = writeDigits(this.#bytes, this.#end, digits, value);
  }

  #ensure(more: number): void {
    if (this.#end + more > this.#bytes.length) this.#grow(more);
  }

  #grow(more: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, 2 * (this.#end + more)));
    this.#bytes.copy(bytes, 0, 0, this.#end);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
