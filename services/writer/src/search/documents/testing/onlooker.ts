import { sleep } from '@tapline/kernel';
import type { Store } from '../../testing/store.ts';

interface Seen {
  readonly rev: number;
  readonly items?: readonly { readonly id: number; readonly rev: number }[];
  readonly customer?: { readonly id: number; readonly rev: number } | null;
}

interface Found {
  readonly _id: string;
  readonly found?: boolean;
  readonly _source?: Seen;
}

const IDS = Array.from({ length: 20 }, (_, at) => String(at));

/** Reads the documents again and again, as an application would, and notes every row that is older than it was seen before in the same document. */
export class Onlooker implements AsyncDisposable {
  readonly backward: string[] = [];
  looks = 0;
  readonly #store: Store;
  readonly #index: string;
  readonly #newest = new Map<string, number>();
  #ended = false;
  #watching: Promise<void> = Promise.resolve();

  private constructor(store: Store, index: string) {
    this.#store = store;
    this.#index = index;
  }

  static start(store: Store, index: string): Onlooker {
    const onlooker = new Onlooker(store, index);
    onlooker.#watching = onlooker.#watch();
    return onlooker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      const { body } = await this.#store.ask('POST', `${this.#index}/_mget`, { ids: IDS });
      for (const { _id, found, _source } of (body as { docs?: readonly Found[] }).docs ?? [])
        if (found === true && _source !== undefined) this.#see(_id, _source);
      this.looks++;
      await sleep(15);
    }
  }

  #see(id: string, { rev, items = [], customer }: Seen): void {
    this.#compare(`order ${id}`, rev);
    for (const item of items) this.#compare(`order ${id}, item ${item.id}`, item.rev);
    if (customer !== null && customer !== undefined)
      this.#compare(`order ${id}, customer ${customer.id}`, customer.rev);
  }

  #compare(what: string, rev: number): void {
    const newest = this.#newest.get(what) ?? 0;
    if (rev < newest) this.backward.push(`${what}: ${newest}, then ${rev}`);
    this.#newest.set(what, Math.max(newest, rev));
  }
}
