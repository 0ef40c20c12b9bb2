/** One piece of memory for some hundred documents. */
const PIECE_BYTES = 256 * 1024;
/** Of a UTF-16 unit in UTF-8, at most. */
const BYTES_PER_UNIT = 3;
const MOST_DIGITS = 11;
/** Below it a loop over the characters is faster than a call into the runtime. */
const LOOP_CHARS = 24;
const QUOTE = 0x22;
const ZERO = 0x30;
/** By byte: 1 where a text's byte stands in JSON as it is and is a character by itself (RFC 8259, 7: not quotes, backslashes, controls). */
const PLAIN: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== 0x5c ? 1 : 0,
);

/** JSON is appended to it as bytes, and taken from it entry by entry. What was taken stays as it is. */
export class JsonBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;

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
    this.#ensure(MOST_DIGITS);
    const bytes = this.#bytes;
    let at = this.#end;
    let left = value;
    if (left < 0) {
      bytes[at++] = 0x2d;
      left = -left;
    }
    let digits = 1;
    for (let limit = 10; left >= limit; limit *= 10) digits++;
    this.#end = at + digits;
    for (let place = this.#end - 1; place >= at; place--) {
      const tenth = Math.floor(left / 10);
      bytes[place] = ZERO + left - tenth * 10;
      left = tenth;
    }
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

  #ensure(more: number): void {
    const needed = this.#end + more;
    if (needed <= this.#bytes.length) return;
    const begun = this.#end - this.#start;
    const bytes = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, 2 * (begun + more)));
    this.#bytes.copy(bytes, 0, this.#start, this.#end);
    this.#bytes = bytes;
    this.#start = 0;
    this.#end = begun;
  }
}
