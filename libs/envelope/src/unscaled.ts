import { putLength, putRaw } from './avro-write.ts';
import type { ByteSink } from './byte-sink.ts';

const LIMBS = 16;
const POWERS: readonly number[] = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/**
 * Collects decimal digits into an integer of up to 76 digits and writes it as Avro's decimal wants it: the length, then two's complement,
 * big endian, as few bytes as possible (what Java's BigInteger.toByteArray gives). No BigInt and no float takes part: up to 15 digits
 * are a safe integer, more go to 16-bit limbs, whose products with 10^9 stay below 2^53.
 *
 * One instance is shared by all columns: a value is collected and written in one synchronous go.
 */
export class Unscaled {
  #small = 0;
  #digits = 0;
  #used = 0;
  readonly #limbs = new Uint16Array(LIMBS);
  readonly #bytes = Buffer.alloc(LIMBS * 2 + 1);

  start(): void {
    this.#small = 0;
    this.#digits = 0;
    this.#used = 0;
  }

  /** Appends `count` (0..9) decimal digits whose value is `group`. */
  append(group: number, count: number): void {
    const before = this.#digits;
    this.#digits = before + count;
    if (this.#digits <= 15) {
      this.#small = this.#small * (POWERS[count] as number) + group;
      return;
    }
    if (before <= 15) this.#spread();
    this.#multiplyAdd(POWERS[count] as number, group);
  }

  /** Collects the ASCII digits of `bytes[from, to)`; anything else in between (the decimal point) ends the collecting. Returns where it stopped. */
  appendText(bytes: Buffer, from: number, to: number): number {
    let at = from;
    let group = 0;
    let count = 0;
    for (; at < to; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      group = group * 10 + digit;
      if (++count === 9) {
        this.append(group, 9);
        group = 0;
        count = 0;
      }
    }
    this.append(group, count);
    return at;
  }

  /** Writes what was collected, negated if asked. The caller ensured 40 bytes. */
  put(sink: ByteSink, negative: boolean): void {
    if (this.#digits <= 15) {
      putUnscaledNumber(sink, negative ? -this.#small : this.#small);
      return;
    }
    const bytes = this.#bytes;
    let at = bytes.length;
    let carry = negative ? 1 : 0;
    for (let i = 0; i < this.#used; i++) {
      const limb = negative ? (~(this.#limbs[i] as number) & 0xffff) + carry : (this.#limbs[i] as number);
      carry = negative && limb > 0xffff ? 1 : 0;
      bytes[--at] = limb & 0xff;
      bytes[--at] = (limb >>> 8) & 0xff;
    }
    bytes[--at] = negative && carry === 0 ? 0xff : 0;
    const end = bytes.length;
    while (end - at > 1 && isSignCopy(bytes[at] as number, bytes[at + 1] as number)) at++;
    putLength(sink, end - at);
    putRaw(sink, bytes, at, end - at);
  }

  /** Here and below a limb takes a number's low 16 bits by being assigned it: `%` on doubles is a slow call. */
  #spread(): void {
    this.#limbs.fill(0);
    let rest = this.#small;
    for (this.#used = 0; rest > 0; this.#used++) {
      this.#limbs[this.#used] = rest;
      rest = Math.floor(rest / 0x1_0000);
    }
  }

  #multiplyAdd(factor: number, addend: number): void {
    const limbs = this.#limbs;
    let carry = addend;
    for (let i = 0; i < this.#used || carry > 0; i++) {
      const product = (limbs[i] as number) * factor + carry;
      limbs[i] = product;
      carry = Math.floor(product / 0x1_0000);
      if (i >= this.#used) this.#used = i + 1;
    }
  }
}

/** True when `first` only repeats the sign that `second` has too. */
function isSignCopy(first: number, second: number): boolean {
  return (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
}

/** A safe integer as the bytes of an Avro decimal, length in front. The caller ensured 9 bytes. */
export function putUnscaledNumber(sink: ByteSink, value: number): void {
  const low = value | 0; // ToInt32 is value modulo 2^32, also for safe integers beyond 32 bits
  const high = Math.floor(value / 0x1_0000_0000);
  let length = 1;
  let bound = 0x80;
  while (value >= bound || value < -bound) {
    length++;
    bound *= 0x100;
  }
  const { buffer } = sink;
  let position = sink.position;
  buffer[position++] = length << 1;
  for (let i = length - 1; i >= 0; i--) {
    buffer[position++] = i >= 4 ? (high >> ((i - 4) * 8)) & 0xff : (low >> (i * 8)) & 0xff;
  }
  sink.position = position;
}
