import type { ProducerLife, ProgressStore } from '@tapline/kafka';

/**
 * Which topics the lives of a reader write to, kept in the progress topic beside the progress record: a small record each time a life comes to a
 * topic for the first time. The next life shuts it out of these, and of no others: what is fenced at a start is what was in use, not what there is.
 *
 * Key `<source>/written/<producer id>.<epoch>/<number>`, value `["topic", …]`.
 *
 * Rejected: a list in the progress record. It would be written anew, with all offsets, whenever one of ten thousand tables wakes up.
 */
export class WrittenTopics {
  /** Those of earlier lives. */
  readonly earlier: ReadonlySet<string>;
  readonly #store: ProgressStore;
  readonly #prefix: string;
  readonly #stale: string[];
  readonly #own: string[] = [];

  constructor(store: ProgressStore, source: string, { identity }: ProducerLife) {
    const all = `${source}/written/`;
    this.#store = store;
    this.#prefix = `${all}${identity.id}.${identity.epoch}/`;
    this.#stale = store.keys(all);
    this.earlier = new Set(this.#stale.flatMap((key) => JSON.parse(String(store.get(key))) as string[]));
  }

  /** Resolves when it is durable that this life writes to the topics. */
  async declare(topics: readonly string[]): Promise<void> {
    const key = `${this.#prefix}${this.#own.length}`;
    this.#own.push(key);
    await this.#store.save(key, Buffer.from(JSON.stringify(topics)));
  }

  /** How often this life has declared. */
  get declarations(): number {
    return this.#own.length;
  }

  /**
   * What earlier lives have declared, as entries that take it away: to be saved with a progress record that is not the first of this life. Once the
   * first one is durable, what they wrote to is fenced and known.
   */
  takeStale(): (readonly [key: string, value: null])[] {
    return this.#stale.splice(0).map((key) => [key, null] as const);
  }

  /** The same of everything: this life has ended, and nothing of it is under way. */
  takeAll(): (readonly [key: string, value: null])[] {
    return [...this.#stale.splice(0), ...this.#own].map((key) => [key, null] as const);
  }
}
