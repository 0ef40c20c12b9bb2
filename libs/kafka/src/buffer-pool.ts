/**
 * Buffers for record batches, in size classes, counted by their capacity, so that the budget bounds real memory.
 *
 * A batch starts small and moves to the next class as it fills: thousands of partitions with a few records each must
 * not hold a full batch's buffer each. What comes back is kept for the next batch while the sum stays within the budget.
 */
export class BufferPool {
  readonly #classes: readonly number[];
  readonly #free: Buffer[][];
  readonly #budgetBytes: number;
  #usedBytes = 0;
  #freeBytes = 0;

  constructor(options: { budgetBytes: number; largestBytes: number; smallestBytes?: number }) {
    const classes = [];
    for (let bytes = options.smallestBytes ?? 1024; bytes < options.largestBytes; bytes *= 4) classes.push(bytes);
    this.#classes = [...classes, options.largestBytes];
    this.#free = this.#classes.map(() => []);
    this.#budgetBytes = options.budgetBytes;
  }

  /** Capacity of all buffers that are out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }
  get freeBytes(): number {
    return this.#freeBytes;
  }
  /** True while more may be taken. Taking beyond it is possible and counted: one record must always find room. */
  get hasRoom(): boolean {
    return this.#usedBytes < this.#budgetBytes;
  }

  /** The smallest buffer of at least `bytes`; one of exactly that size when it is larger than the largest class. */
  take(bytes: number): Buffer {
    const index = this.#classes.findIndex((size) => size >= bytes);
    const size = this.#classes[index] ?? bytes;
    this.#usedBytes += size;
    const reused = this.#free[index]?.pop();
    if (reused !== undefined) {
      this.#freeBytes -= size;
      return reused;
    }
    this.#makeWay();
    return Buffer.allocUnsafeSlow(size);
  }

  /** Free buffers of other sizes go before a new one makes the sum exceed the budget. */
  #makeWay(): void {
    for (const list of this.#free) {
      while (list.length > 0 && this.#usedBytes + this.#freeBytes > this.#budgetBytes) {
        this.#freeBytes -= (list.pop() as Buffer).length;
      }
    }
  }

  /** Gives a buffer back. Nobody may use it any more. */
  give(buffer: Buffer): void {
    this.#usedBytes -= buffer.length;
    const index = this.#classes.indexOf(buffer.length);
    if (index === -1 || this.#usedBytes + this.#freeBytes + buffer.length > this.#budgetBytes) return;
    this.#freeBytes += buffer.length;
    (this.#free[index] as Buffer[]).push(buffer);
  }
}
