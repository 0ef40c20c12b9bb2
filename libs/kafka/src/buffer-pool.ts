import { BLOCK_BYTES, Blocks } from './blocks.ts';

/** Longer buffers have memory of their own. */
const LARGEST_PIECE_BYTES = BLOCK_BYTES / 4;

/**
 * Buffers for record batches, in size classes, counted by the memory that they keep others from, so that the budget bounds real memory.
 *
 * A batch starts small and moves to the next class as it fills: thousands of partitions with a few records each must
 * not hold a full batch's buffer each. A record larger than a batch gets a buffer by a quarter's steps between the powers of two, so that rows of
 * about the same length share them: made anew for each row, they would cost more than sending it. What comes back is kept for the next batch
 * while the sum stays within the budget.
 */
export class BufferPool {
  readonly #classes: readonly number[];
  readonly #blocks = new Blocks();
  /** The long ones, by their length. */
  readonly #free = new Map<number, Buffer[]>();
  #usedBytes = 0;
  #freeBytes = 0;
  budgetBytes: number;

  constructor(options: { budgetBytes: number; largestBytes: number; smallestBytes?: number }) {
    const classes = [];
    for (let bytes = options.smallestBytes ?? 1024; bytes < options.largestBytes; bytes *= 2) {
      classes.push(bytes);
      if (bytes < LARGEST_PIECE_BYTES && bytes * 1.5 < options.largestBytes) classes.push(bytes * 1.5);
    }
    this.#classes = [...classes, options.largestBytes];
    this.budgetBytes = options.budgetBytes;
  }

  /** Capacity of all buffers that are out, with what is left of the blocks that the short ones are cut from. */
  get usedBytes(): number {
    return this.#usedBytes + this.#blocks.usedBytes;
  }
  get freeBytes(): number {
    return this.#freeBytes + this.#blocks.freeBytes;
  }
  /** True while more may be taken. Taking beyond it is possible and counted: one record must always find room. */
  get hasRoom(): boolean {
    return this.usedBytes < this.budgetBytes;
  }

  /** The smallest buffer of at least `bytes`. */
  take(bytes: number): Buffer {
    const size = this.#sizeFor(bytes);
    if (size <= LARGEST_PIECE_BYTES) {
      const piece = this.#blocks.take(size);
      this.#makeWay();
      return piece;
    }
    this.#usedBytes += size;
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) {
      this.#freeBytes -= size;
      return reused;
    }
    this.#makeWay();
    return Buffer.allocUnsafeSlow(size);
  }

  #sizeFor(bytes: number): number {
    for (const size of this.#classes) if (size >= bytes) return size;
    return giantSize(bytes);
  }

  get #isOver(): boolean {
    return this.usedBytes + this.freeBytes > this.budgetBytes;
  }

  /** Free buffers of other sizes go before a new one makes the sum exceed the budget. */
  #makeWay(): void {
    if (!this.#isOver) return;
    for (const list of this.#free.values()) {
      while (list.length > 0 && this.#isOver) this.#freeBytes -= (list.pop() as Buffer).length;
    }
    while (this.#isOver && this.#blocks.drop());
  }

  /** Gives a buffer back. Nobody may use it any more. */
  give(buffer: Buffer): void {
    if (this.#blocks.give(buffer)) {
      this.#makeWay();
      return;
    }
    const size = buffer.length;
    this.#usedBytes -= size;
    if (this.usedBytes + this.freeBytes + size > this.budgetBytes) return;
    this.#freeBytes += size;
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [buffer]);
    else list.push(buffer);
  }
}

/** The next of four steps between two powers of two. */
function giantSize(bytes: number): number {
  const step = 2 ** (Math.floor(Math.log2(bytes)) - 2);
  return Math.ceil(bytes / step) * step;
}
