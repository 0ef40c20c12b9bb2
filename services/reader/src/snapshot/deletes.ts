import { KEY_STATE, KeyTable } from './key-table.ts';

/** A record of a table's topic. */
export interface StandingKey {
  readonly partition: number;
  readonly offset: bigint;
  /** Valid until the next batch of records. */
  readonly key: Buffer;
  /** The key as {@link DeleteWindow.observe} gets it. */
  readonly text: string;
  /** It has a value. */
  readonly isRow: boolean;
}

/** The records of a topic below an offset of each partition, partition by partition. */
export type ReadTopic = (to: readonly bigint[]) => AsyncIterable<readonly StandingKey[]>;

/** A key to delete. */
export interface StaleKey {
  readonly key: Buffer;
  readonly text: string;
}

/** Some of the keys to delete. */
export interface StaleKeys {
  readonly keys: readonly StaleKey[];
  /** `more` may come; `over`: there are no others in this pass; `crowded`: the pass has more keys than memory is meant for. */
  readonly then: 'more' | 'over' | 'crowded';
}

export interface DeleteWindowOptions {
  readonly table: string;
  readonly from: readonly bigint[];
  /** Where the partitions end now; everything below is acknowledged. */
  readonly ends: readonly bigint[];
  readonly pass: number;
  readonly passes: number;
  readonly read: ReadTopic;
  /** Keys given at a time, and held at a time. */
  readonly atATime: number;
  readonly atMost: number;
}

/** Keys held in memory at a time: 75 MB. */
export const KEYS_A_PASS = 5_000_000;

/**
 * The keys that stand in a topic and are not in the table any more, found by the topic itself after the table has been loaded again.
 *
 * The load began when the partitions ended at `from`, and with the stream at a place S. A key that is in the table at S is met above `from`: in a chunk, or in the
 * stream, which has changed it since. So a key whose newest record is a row below `from` was not in the table at S, nor has any change since brought
 * it there: it is deleted. That holds at each place of the stream as long as its changes are observed: `observe` takes back what `take` has not given yet.
 *
 * Two readings of the topic: the first one notes what every key's newest record is; the second one, of what stands below `from`, brings the keys
 * themselves. Rejected: to compare the keys in the order of the chunks, for MySQL's order of texts is not ours; and to hold the keys of the table, or to ask it for each one.
 */
export class DeleteWindow {
  readonly #table: string;
  readonly #keys: KeyTable;
  readonly #stale: AsyncGenerator<StaleKey[], StaleKeys['then'], undefined>;
  #pending: Promise<void> | undefined;
  #ready: StaleKeys | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: DeleteWindowOptions) {
    this.#table = options.table;
    this.#keys = new KeyTable(options);
    this.#stale = this.#find(options);
    this.#next();
  }

  watches(table: string): boolean {
    return table === this.#table;
  }

  /** The stream has published a change of this key. */
  observe(_table: string, key: string): void {
    this.#keys.put(key, KEY_STATE.MET);
  }

  /** Resolves when there is something to take; undefined when there is, or was said to be. */
  get pending(): Promise<void> | undefined {
    return this.#pending;
  }

  /** The next keys to delete; undefined while they are looked for. Every call begins the search for others. @throws what reading threw. */
  take(): StaleKeys | undefined {
    if (this.#failure !== undefined) throw this.#failure.error;
    const ready = this.#ready;
    if (ready === undefined) return undefined;
    this.#ready = undefined;
    if (ready.then === 'more') this.#next();
    return { ...ready, keys: ready.keys.filter(({ text }) => this.#keys.stateOf(text) === KEY_STATE.TAKEN) };
  }

  #next(): void {
    this.#pending = this.#stale.next().then(
      ({ value, done }) => {
        this.#pending = undefined;
        this.#ready = done === true ? { keys: [], then: value } : { keys: value, then: 'more' };
      },
      (error: unknown) => {
        this.#pending = undefined;
        this.#failure = { error };
      },
    );
  }

  async *#find({
    from,
    ends,
    read,
    atATime,
    atMost,
  }: DeleteWindowOptions): AsyncGenerator<StaleKey[], StaleKeys['then'], undefined> {
    const keys = this.#keys;
    for await (const records of read(ends)) {
      for (const { partition, offset, text, isRow } of records) {
        const isMet = offset >= (from[partition] ?? 0n);
        keys.put(text, isMet ? KEY_STATE.MET : isRow ? KEY_STATE.ROW : KEY_STATE.GONE);
      }
      if (keys.size > atMost) return 'crowded';
    }
    let found: StaleKey[] = [];
    for await (const records of read(from)) {
      for (const { key, text } of records) {
        if (keys.stateOf(text) !== KEY_STATE.ROW) continue;
        keys.put(text, KEY_STATE.TAKEN);
        found.push({ key: Buffer.from(key), text });
        if (found.length < atATime) continue;
        yield found;
        found = [];
      }
    }
    if (found.length > 0) yield found;
    return 'over';
  }
}
