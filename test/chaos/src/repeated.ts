import { setTimeout as sleep } from 'node:timers/promises';
import type { SqlServer } from '@tapline/test-stack';
import type { Random } from './random.ts';

const PAUSE_MS = 20;

/** A step that runs again and again on a connection of its own, with short pauses, until told to stop. */
export class Repeated implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #done: Promise<unknown>;

  /** @param randoms one for each connection that is to run it. */
  constructor(server: SqlServer, randoms: readonly Random[], step: Step) {
    this.#done = Promise.all(randoms.map((random) => this.#run(server, random, step)));
    this.#done.catch(() => undefined);
  }

  async #run(server: SqlServer, random: Random, step: Step): Promise<void> {
    const connection = await server.connect();
    try {
      while (!this.#stop.signal.aborted) {
        await step(connection, random);
        await sleep(random.int(0, PAUSE_MS));
      }
    } finally {
      await connection.end();
    }
  }

  /** @throws what a step has failed with. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => undefined);
  }
}

export type SqlConnection = Awaited<ReturnType<SqlServer['connect']>>;
type Step = (connection: SqlConnection, random: Random) => Promise<void>;
