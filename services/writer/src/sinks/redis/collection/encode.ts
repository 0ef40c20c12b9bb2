import { TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';
import { type Call, scriptCall } from '../call.ts';
import type { RedisConfig } from '../config.ts';
import { isPartial, partial } from '../partial.ts';
import { bulkString, RespBuffer } from '../resp.ts';
import type { GuardScript } from '../script.ts';
import { type Place, placeOf } from './place.ts';

const NO_PLACE = bulkString('0');
const THREE = bulkString('3');

/** Builds the calls of `collectionScript`. One encoder serves one call at a time. */
export class CollectionEncoder {
  readonly #config: RedisConfig;
  readonly #script: GuardScript;
  readonly #place: (change: Change) => Place | undefined;
  readonly #keys = new RespBuffer();
  readonly #args = new RespBuffer();
  #prefix = '';
  #indexes: number[] = [];
  #firstKey = '';

  constructor(config: RedisConfig, script: GuardScript) {
    this.#config = config;
    this.#script = script;
    this.#place = placeOf(config);
  }

  get rows(): number {
    return this.#indexes.length;
  }

  get byteLength(): number {
    return this.#keys.length + this.#args.length;
  }

  /** Begins a call whose version keys start with `prefix`. */
  begin(prefix: string): void {
    this.#keys.clear();
    this.#args.clear();
    this.#indexes = [];
    this.#prefix = prefix;
  }

  /** Gives why the row can never be written, where that is so; it is not in the call then. */
  add(index: number, key: string, change: Change): TaplineError | undefined {
    if (change.after !== null && isPartial(change)) throw partial(change, this.#config.as);
    let place: Place | undefined;
    try {
      place = this.#place(change);
    } catch (error) {
      if (error instanceof TaplineError && error.disposition === 'poison') return error;
      throw error;
    }
    if (this.#indexes.length === 0) this.#firstKey = this.#prefix + key;
    this.#indexes.push(index);
    this.#keys.text(this.#prefix + key);
    this.#args.hex64(change.version);
    if (place === undefined) this.#args.encoded(NO_PLACE, 1);
    else {
      this.#args.encoded(THREE, 1);
      this.#args.text(place.collection);
      this.#args.text(place.member);
      this.#args.text(place.number);
    }
    return undefined;
  }

  end(): Call {
    const parts = { keys: this.#keys, args: this.#args, firstKey: this.#firstKey, indexes: this.#indexes };
    return scriptCall(this.#script, parts);
  }
}
