import type { Registry } from './registry.ts';

/** A registry that is opened when the first schema is asked for: topics in JSON need none, and none is made for them. */
export class LazyRegistry implements Pick<Registry, 'schema'>, AsyncDisposable {
  readonly #open: () => Promise<Registry>;
  #opened: Promise<Registry> | undefined;

  constructor(open: () => Promise<Registry>) {
    this.#open = open;
  }

  /** @throws what opening fails with, which is tried again by the next call; and what `Registry.schema` throws. */
  async schema(id: number, signal?: AbortSignal): Promise<string> {
    this.#opened ??= this.#open();
    const opened = this.#opened;
    const registry = await opened.catch((error: unknown) => {
      if (this.#opened === opened) this.#opened = undefined;
      throw error;
    });
    return await registry.schema(id, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const registry = await this.#opened?.catch(() => undefined);
    await registry?.[Symbol.asyncDispose]();
  }
}
