import type { SearchAnswer, SearchClient, SearchRequest } from '../../client.ts';

/** What becomes of the request at which a client stops. */
export type Stop = 'waits' | 'is not sent' | 'is sent and not heard of';

export interface Stopping {
  /** Resolves when the request is there at which the client stops. */
  readonly reached: Promise<void>;
  /** A request that waits goes on; one that did not come yet will not wait. */
  letGo(): void;
}

/** In place of the end of a process. */
export class Died extends Error {}

/** A store's own client that stops at a request: there its process is slow, or dies. */
export class StoppingClient implements SearchClient {
  readonly address: string;
  readonly #inner: SearchClient;
  #requestsLeft = -1;
  #atStop: () => Promise<void> = () => Promise.resolve();
  #stop: Stop = 'waits';

  constructor(inner: SearchClient) {
    this.address = inner.address;
    this.#inner = inner;
  }

  /** @param at how many requests go through before. */
  stopAt(at: number, stop: Stop): Stopping {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    this.#requestsLeft = at;
    this.#stop = stop;
    this.#atStop = async () => {
      reached.resolve();
      if (stop !== 'waits') throw new Died(`A request ${stop}.`);
      await goOn.promise;
    };
    return {
      reached: reached.promise,
      letGo: () => {
        this.#requestsLeft = -1;
        goOn.resolve();
      },
    };
  }

  async send(request: SearchRequest, signal: AbortSignal): Promise<SearchAnswer> {
    if (this.#requestsLeft-- !== 0) return this.#inner.send(request, signal);
    if (this.#stop === 'is sent and not heard of') await this.#inner.send(request, signal);
    await this.#atStop();
    return this.#inner.send(request, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}
