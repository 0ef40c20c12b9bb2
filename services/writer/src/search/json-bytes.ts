import { digitsOf, writeDigits } from '../decimal.ts';

/** One piece of memory for some thousand documents. */
const PIECE_BYTES = 1024 * 1024;
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

/** JSON is appended to it as bytes, and taken from it entry by entry. What was taken stays as it is. */
export class JsonBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  /** Bytes between the last two calls of `begin`, and where the last one was. */
  #used = 0;
  #begun = 0;

  /** What is taken from here on to the next call is likely to be one piece of memory. */
  begin(): void {
    this.#used = Math.max(0, this.#end - this.#begun);
    if (this.#bytes.length - this.#end < 2 * this.#used) this.#grow(2 * this.#used);
    this.#begun = this.#start;
  }

  /** What was appended since the last `take` or `drop`. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#end);
    this.#start = this.#end;
    return taken;
  }

  drop(): void {
    this.#end = this.#start;
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
    let at = this.#end;
    bytes[at++] = QUOTE;
    for (let from = start; from < end; from++) {
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

  /** What was taken stays where it is. */
  #grow(more: number): void {
    const begun = this.#end - this.#start;
    const bytes = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, 2 * (begun + more)));
    this.#bytes.copy(bytes, 0, this.#start, this.#end);
    this.#bytes = bytes;
    this.#start = 0;
    this.#begun = 0;
    this.#end = begun;
  }
}
