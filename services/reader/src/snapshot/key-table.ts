/** What is known of a key that stands in a topic. */
export const KEY_STATE = {
  /** Its newest record below the line is a row. */
  ROW: 1,
  /** Its newest record below the line is a tombstone. */
  GONE: 2,
  /** It was met above the line: it is as the source has it. Nothing changes that any more. */
  MET: 3,
  /** It was a row, and has been taken out to be deleted. */
  TAKEN: 4,
} as const;

export type KeyState = (typeof KEY_STATE)[keyof typeof KEY_STATE];

/** Bytes a slot: two halves of a hash, and a state. */
const WORDS = 2;
const FULL_SHARE = 0.6;
const FIRST_SLOTS = 1024;

/**
 * The keys of a topic in one of several passes, each as 64 bits of hash and a state: 9 bytes a slot, whatever the keys' length. A key belongs to the pass that
 * its hash names, so that memory is bounded however many keys there are.
 *
 * Two keys with one hash are taken for one (one in 10^12 of a million keys). MET wins in a slot, so the worst of it is a deleted row that stays.
 */
export class KeyTable {
  readonly #pass: number;
  readonly #passes: number;
  #hashes: Uint32Array;
  #states: Uint8Array;
  #mask: number;
  #used = 0;
  /** The hash of the key at hand. */
  #high = 0;
  #low = 0;

  constructor(options: { readonly pass: number; readonly passes: number }) {
    this.#pass = options.pass;
    this.#passes = options.passes;
    this.#hashes = new Uint32Array(FIRST_SLOTS * WORDS);
    this.#states = new Uint8Array(FIRST_SLOTS);
    this.#mask = FIRST_SLOTS - 1;
  }

  /** Keys held. */
  get size(): number {
    return this.#used;
  }

  /** Notes what is known of a key now; a key of another pass is left out. */
  put(key: string, state: KeyState): void {
    if (!this.#hash(key)) return;
    if (this.#used > this.#states.length * FULL_SHARE) this.#grow();
    const slot = this.#find();
    if (this.#states[slot] === 0) {
      this.#hashes[slot * WORDS] = this.#high;
      this.#hashes[slot * WORDS + 1] = this.#low;
      this.#used++;
    }
    if (this.#states[slot] !== KEY_STATE.MET) this.#states[slot] = state;
  }

  /** Undefined: never met, or of another pass. */
  stateOf(key: string): KeyState | undefined {
    if (!this.#hash(key)) return undefined;
    return (this.#states[this.#find()] || undefined) as KeyState | undefined;
  }

  #find(): number {
    for (let slot = this.#low & this.#mask; ; slot = (slot + 1) & this.#mask) {
      if (this.#states[slot] === 0) return slot;
      if (this.#hashes[slot * WORDS] === this.#high && this.#hashes[slot * WORDS + 1] === this.#low) return slot;
    }
  }

  #grow(): void {
    const [hashes, states, high, low] = [this.#hashes, this.#states, this.#high, this.#low];
    this.#hashes = new Uint32Array(hashes.length * 2);
    this.#states = new Uint8Array(states.length * 2);
    this.#mask = this.#states.length - 1;
    for (const [from, state] of states.entries()) {
      if (state === 0) continue;
      this.#high = hashes[from * WORDS] as number;
      this.#low = hashes[from * WORDS + 1] as number;
      const slot = this.#find();
      this.#hashes[slot * WORDS] = this.#high;
      this.#hashes[slot * WORDS + 1] = this.#low;
      this.#states[slot] = state;
    }
    this.#high = high;
    this.#low = low;
  }

  /** Hashes the key, whose characters are bytes. False: another pass has it. */
  #hash(key: string): boolean {
    let high = 0x9e37_79b9 ^ key.length;
    let low = 0x85eb_ca6b;
    for (let i = 0; i < key.length; i++) {
      const byte = key.charCodeAt(i);
      high = Math.imul(high ^ byte, 0x0100_0193);
      low = Math.imul(low ^ (byte + (high >>> 15)), 0xcc9e_2d51);
      low = (low << 13) | (low >>> 19);
    }
    this.#high = scattered(high ^ (low >>> 3)) >>> 0;
    this.#low = scattered(low + Math.imul(high, 5)) >>> 0;
    return this.#high % this.#passes === this.#pass;
  }
}

/** Every bit that comes out depends on every bit that goes in: a bijection of 32 bits. */
function scattered(word: number): number {
  let bits = word;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb_352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846c_a68b);
  return bits ^ (bits >>> 16);
}
