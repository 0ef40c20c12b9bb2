/** Work done one after the other, in the order in which it was asked for. What fails is told who asked for it, and keeps nobody behind it from his turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work behind all that was asked for before. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** Resolves when all that was asked for so far is over. */
  async over(): Promise<void> {
    await this.#last;
  }
}
