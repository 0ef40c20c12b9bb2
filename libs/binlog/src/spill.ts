import { randomUUID } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TaplineError } from '@tapline/kernel';

/** Bytes kept in memory before the temporary file is used. */
export const SPILL_MEMORY_BYTES = 8 << 20;
/** The file is given out in blocks of this size, and read in pieces of at most this size. */
export const SPILL_BLOCK_BYTES = 256 * 1024;
const FIRST_TAIL_BYTES = 1024;

export interface SpillOptions {
  /** Where the temporary file is made; the system's folder for such files when absent or ''. */
  readonly folder?: string;
  readonly memoryBytes?: number;
}

/**
 * Bytes that have to wait: in memory up to a budget that all logs share, beyond it in one temporary file. The file is made when it is first needed,
 * readable by this user alone, and unlinked at once, so that nothing of it is left behind however the process ends. Blocks of ended logs are used
 * again, so the file is never larger than what waited at the worst moment.
 *
 * Calls are synchronous: they copy into or out of the page cache, a piece at a time. Throws SPILL_FAILED.
 */
export class Spill implements Disposable {
  readonly #folder: string;
  readonly #budget: number;
  readonly #logs = new Set<SpillLog>();
  #file: number | undefined;
  #blocks = 0;
  #free: number[] = [];
  #memory = 0;
  #disposed = false;

  constructor({ folder = '', memoryBytes = SPILL_MEMORY_BYTES }: SpillOptions = {}) {
    this.#folder = folder === '' ? tmpdir() : folder;
    this.#budget = memoryBytes;
  }

  /** Bytes that the logs hold in memory. */
  get memoryBytes(): number {
    return this.#memory;
  }

  /** Bytes of the file that are in use, in whole blocks. */
  get fileBytes(): number {
    return (this.#blocks - this.#free.length) * SPILL_BLOCK_BYTES;
  }

  log(): SpillLog {
    const log = new SpillLog(this);
    this.#logs.add(log);
    return log;
  }

  /** Before a log takes so many bytes more: moves logs to the file while the budget is exceeded. The largest first: that frees most for one block. */
  makeRoom(bytes: number): void {
    while (this.#memory + bytes > this.#budget) {
      let largest: SpillLog | undefined;
      for (const log of this.#logs) if (log.memoryBytes > (largest?.memoryBytes ?? 0)) largest = log;
      if (largest === undefined) return;
      largest.moveToFile();
    }
  }

  /** A log has taken, or given back, so many bytes of memory. */
  account(bytes: number): void {
    this.#memory += bytes;
  }

  /** Writes at most a block's bytes and gives the block they are in. */
  write(bytes: Buffer): number {
    return this.#withFile((file) => {
      const block = this.#free.pop() ?? this.#blocks++;
      const at = block * SPILL_BLOCK_BYTES;
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
      return block;
    });
  }

  read(block: number, length: number): Buffer {
    return this.#withFile((file) => {
      const bytes = Buffer.allocUnsafeSlow(length);
      for (let done = 0; done < length; ) {
        const got = readSync(file, bytes, done, length - done, block * SPILL_BLOCK_BYTES + done);
        if (got === 0) throw new Error('the file is shorter than what was written');
        done += got;
      }
      return bytes;
    });
  }

  /** The log is not needed any more. */
  end(log: SpillLog, blocks: readonly number[]): void {
    this.#logs.delete(log);
    for (const block of blocks) this.#free.push(block);
    if (blocks.length === 0 || this.fileBytes > 0 || this.#file === undefined) return;
    this.#blocks = 0;
    this.#free = [];
    this.#withFile((file) => ftruncateSync(file, 0));
  }

  #withFile<T>(use: (file: number) => T): T {
    // The number of a closed file may be another file's by now.
    if (this.#disposed) throw new TaplineError('INTERNAL', { message: 'The temporary file was closed' });
    try {
      this.#file ??= openUnlinked(this.#folder);
      return use(this.#file);
    } catch (cause) {
      throw new TaplineError('SPILL_FAILED', {
        message: `The temporary file for large transactions, in ${this.#folder}: ${(cause as Error).message}`,
        cause,
      });
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#logs.clear();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function openUnlinked(folder: string): number {
  const path = join(folder, `tapline-${randomUUID()}`);
  const file = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  return file;
}

interface Extent {
  readonly block: number;
  readonly length: number;
}

/** A run of bytes, appended at its end and read from its start as often as needed. The bytes appended are copied. */
export class SpillLog implements Disposable {
  readonly #spill: Spill;
  /** In this order: the extents in the file, the full buffers, the one being filled. */
  #extents: Extent[] = [];
  #full: Buffer[] = [];
  #tail = Buffer.alloc(0);
  #filled = 0;
  #length = 0;
  #memory = 0;
  #ended = false;

  constructor(spill: Spill) {
    this.#spill = spill;
  }

  get length(): number {
    return this.#length;
  }

  get memoryBytes(): number {
    return this.#memory;
  }

  append(buffer: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#filled === this.#tail.length) this.#makeRoom(end - at);
      const copied = buffer.copy(this.#tail, this.#filled, at, end);
      this.#filled += copied;
      this.#length += copied;
      at += copied;
    }
  }

  /** From the first byte on. Pieces stay valid; they may be views of what is held. */
  *pieces(): Generator<Buffer> {
    for (const { block, length } of this.#extents) yield this.#spill.read(block, length);
    yield* this.#full;
    if (this.#filled > 0) yield this.#tail.subarray(0, this.#filled);
  }

  moveToFile(): void {
    const inMemory = [...this.#full, this.#tail.subarray(0, this.#filled)];
    for (const bytes of inMemory) {
      if (bytes.length > 0) this.#extents.push({ block: this.#spill.write(bytes), length: bytes.length });
    }
    this.#full = [];
    this.#tail = Buffer.alloc(0);
    this.#filled = 0;
    this.#account(-this.#memory);
  }

  #makeRoom(wanted: number): void {
    if (this.#extents.length > 0 && this.#filled === SPILL_BLOCK_BYTES) {
      // What has gone to the file once goes on there.
      this.#extents.push({ block: this.#spill.write(this.#tail), length: this.#filled });
      this.#filled = 0;
      return;
    }
    const room = Math.min(SPILL_BLOCK_BYTES, Math.max(FIRST_TAIL_BYTES, this.#filled * 2, this.#filled + wanted));
    // May move this very log.
    this.#spill.makeRoom(room);
    const next = Buffer.allocUnsafeSlow(room);
    if (this.#filled === SPILL_BLOCK_BYTES) {
      this.#full.push(this.#tail);
      this.#filled = 0;
      this.#account(room);
    } else {
      this.#tail.copy(next, 0, 0, this.#filled);
      this.#account(room - this.#tail.length);
    }
    this.#tail = next;
  }

  #account(bytes: number): void {
    this.#memory += bytes;
    this.#spill.account(bytes);
  }

  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    const blocks = this.#extents.map(({ block }) => block);
    this.#extents = [];
    this.#full = [];
    this.#tail = Buffer.alloc(0);
    this.#filled = 0;
    this.#account(-this.#memory);
    this.#spill.end(this, blocks);
  }
}
