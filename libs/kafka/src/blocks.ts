/** Of whatever a block is cut into: so each can take the place of any other. */
export const BLOCK_BYTES = 65_536;

interface Block {
  readonly memory: ArrayBuffer;
  /** Length of the buffers that it is cut into. */
  pieceBytes: number;
  readonly free: Buffer[];
  pieces: number;
  /** Its place among the blocks of its kind with a free piece. */
  place: number;
}

/**
 * Small buffers, cut from blocks of one length. Thousands of batches that fill at once go through all lengths; each with memory of its own, those that nobody uses any more would
 * leave holes that fit no other, and be garbage that costs the runtime as much as the records.
 */
export class Blocks {
  readonly #blocks = new Map<ArrayBufferLike, Block>();
  /** By the length of their pieces, those that have a free one, and one that is out. */
  readonly #open = new Map<number, Block[]>();
  readonly #empty: Block[] = [];

  /** Of blocks with a piece that is out. */
  get usedBytes(): number {
    return (this.#blocks.size - this.#empty.length) * BLOCK_BYTES;
  }
  get freeBytes(): number {
    return this.#empty.length * BLOCK_BYTES;
  }

  /** A buffer of just this length. */
  take(pieceBytes: number): Buffer {
    let open = this.#open.get(pieceBytes);
    if (open === undefined) {
      open = [];
      this.#open.set(pieceBytes, open);
    }
    const block = open.at(-1) ?? this.#begin(open, pieceBytes);
    const piece = block.free.pop() as Buffer;
    if (block.free.length === 0) open.pop();
    return piece;
  }

  /** False: it is none of these. */
  give(piece: Buffer): boolean {
    const block = this.#blocks.get(piece.buffer);
    if (block === undefined) return false;
    const open = this.#open.get(block.pieceBytes) as Block[];
    const free = block.free.push(piece);
    if (free === 1) block.place = open.push(block) - 1;
    if (free < block.pieces) return true;
    const last = open.pop() as Block;
    if (last !== block) {
      open[block.place] = last;
      last.place = block.place;
    }
    this.#empty.push(block);
    return true;
  }

  /** Lets go of a block that is not in use, if there is one. */
  drop(): boolean {
    const block = this.#empty.pop();
    return block !== undefined && this.#blocks.delete(block.memory);
  }

  #begin(open: Block[], pieceBytes: number): Block {
    const block = this.#empty.pop() ?? this.#make();
    if (block.pieceBytes !== pieceBytes) cut(block, pieceBytes);
    block.place = open.push(block) - 1;
    return block;
  }

  #make(): Block {
    const memory = new ArrayBuffer(BLOCK_BYTES);
    const block = { memory, pieceBytes: 0, free: [], pieces: 0, place: 0 };
    this.#blocks.set(memory, block);
    return block;
  }
}

function cut(block: Block, pieceBytes: number): void {
  block.pieceBytes = pieceBytes;
  block.pieces = Math.floor(BLOCK_BYTES / pieceBytes);
  block.free.length = 0;
  for (let i = block.pieces - 1; i >= 0; i--) block.free.push(Buffer.from(block.memory, i * pieceBytes, pieceBytes));
}
