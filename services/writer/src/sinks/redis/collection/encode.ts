import { TaplineError } from '@tapline/kernel';
import type { Change } from '@tapline/sink';
import { CallDraft } from '../call.ts';
import type { RedisConfig } from '../config.ts';
import { isPartial, partial } from '../partial.ts';
import { bulkString } from '../resp.ts';
import type { GuardScript } from '../script.ts';
import { type Place, placeOf } from './place.ts';

const NO_PLACE = bulkString('0');
const THREE = bulkString('3');

/** Builds the calls of `collectionScript`. One encoder serves one call at a time. */
export class CollectionEncoder {
  readonly call: CallDraft;
  readonly #config: RedisConfig;
  readonly #place: (change: Change) => Place | undefined;
  #prefix = '';

  constructor(config: RedisConfig, script: GuardScript) {
    this.#config = config;
    this.call = new CallDraft(script);
    this.#place = placeOf(config);
  }

  /** Begins a call whose version keys start with `prefix`. */
  begin(prefix: string): void {
    this.call.begin();
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
    const { args } = this.call;
    this.call.row(index, this.#prefix + key);
    args.hex64(change.version);
    if (place === undefined) args.encoded(NO_PLACE, 1);
    else {
      args.encoded(THREE, 1);
      args.text(place.collection);
      args.text(place.member);
      args.text(place.number);
    }
    return undefined;
  }
}
