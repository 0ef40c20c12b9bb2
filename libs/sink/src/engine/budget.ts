import { type Deferred, deferred } from '@tapline/kernel';

/** Bytes that are under way. Whoever takes them waits while there are too many; one piece larger than the whole budget goes alone. */
export class ByteBudget {
  readonly #limit: number;
  #used = 0;
  #aside = 0;
  #opened = false;
  #waiting: Deferred<void> | undefined;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get used(): number {
    return this.#used;
  }

  get full(): boolean {
    return this.#used - Math.min(this.#aside, this.#limit) >= this.#limit;
  }

  take(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
    this.#wake();
  }

  /** Of the bytes taken, so many wait for something of their own: they leave room for others, up to the whole budget once more. */
  setAside(bytes: number): void {
    this.#aside += bytes;
    this.#wake();
  }

  takeBack(bytes: number): void {
    this.#aside -= bytes;
  }

  /** Nobody waits any more, room or not. */
  open(): void {
    this.#opened = true;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #wake(): void {
    if (this.full || this.#waiting === undefined) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  /** Resolves when there is room. */
  room(): Promise<void> {
    if (!this.full || this.#opened) return Promise.resolve();
    this.#waiting ??= deferred();
    return this.#waiting.promise;
  }
}
