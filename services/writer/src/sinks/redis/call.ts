import { bulkString, RespBuffer } from './resp.ts';
import type { GuardScript } from './script.ts';

/** One script call: the command and which changes it carries. */
export interface Call {
  readonly bytes: Buffer;
  /** The same with the script's text instead of its name, for a server that does not know it. */
  withText(): Buffer;
  /** The call is answered: its bytes are used again. One that failed is not given back, because it may still be on its way to the socket. */
  release(): void;
  /** Any of its keys: they are of one slot. */
  readonly key: string;
  /** Indexes of the changes, in the order of the script's rows. */
  readonly indexes: readonly number[];
}

/** `EVALSHA sha rows keys… args…` ("EVALSHA", Redis documentation), put together row by row. One call at a time. */
export class CallDraft {
  readonly keys: RespBuffer = new RespBuffer();
  readonly args: RespBuffer = new RespBuffer();
  readonly #script: GuardScript;
  readonly #spaces = new CallSpaces();
  #indexes: number[] = [];
  #firstKey = '';

  constructor(script: GuardScript) {
    this.#script = script;
  }

  get rows(): number {
    return this.#indexes.length;
  }

  get byteLength(): number {
    return this.keys.length + this.args.length;
  }

  begin(): void {
    this.keys.clear();
    this.args.clear();
    this.#indexes = [];
  }

  /** The change with this index is the call's next row; its arguments are appended to `args`. */
  row(index: number, key: string): void {
    if (this.#indexes.length === 0) this.#firstKey = key;
    this.#indexes.push(index);
    this.keys.text(key);
  }

  end(): Call {
    const { keys, args } = this;
    const count = 3 + keys.count + args.count;
    const rows = String(keys.count);
    const head = (name: string, text: string): Buffer =>
      Buffer.concat([Buffer.from(`*${count}\r\n`), bulkString(name), bulkString(text), bulkString(rows)]);
    const sha = head('EVALSHA', this.#script.sha);
    const space = this.#spaces.take(sha.length + this.byteLength);
    let length = 0;
    for (const part of [sha, keys.view(), args.view()]) length += part.copy(space, length);
    const bytes = space.subarray(0, length);
    return {
      bytes,
      withText: () => Buffer.concat([head('EVAL', this.#script.text), bytes.subarray(sha.length)]),
      release: () => this.#spaces.give(space),
      key: this.#firstKey,
      indexes: this.#indexes,
    };
  }
}

/** As many calls as are under way at once with the default lanes and rows, and some. */
const MOST_FREE = 32;
const LEAST_BYTES = 65_536;
const MOST_BYTES = 1_048_576;

/**
 * Memory of calls that were answered. A new buffer for each call would be most of what a writer throws away: memory beside the heap, of which a little makes the
 * runtime look through the whole heap.
 */
class CallSpaces {
  #free: Buffer[] = [];

  take(bytes: number): Buffer {
    const free = this.#free.pop();
    if (free !== undefined && free.length >= bytes) return free;
    return Buffer.allocUnsafeSlow(Math.max(LEAST_BYTES, bytes));
  }

  give(space: Buffer): void {
    if (space.length <= MOST_BYTES && this.#free.length < MOST_FREE) this.#free.push(space);
  }
}
