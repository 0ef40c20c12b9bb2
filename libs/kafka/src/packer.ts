import type { BufferPool } from './buffer-pool.ts';
import type { Compressor } from './compression.ts';
import type { LaneState } from './lane.ts';
import { BATCH_HEADER_BYTES, type RecordBatch } from './record-batch.ts';

/** A smaller batch stays as it is: nothing would be gained. */
const WORTH_BYTES = 512;

export interface PackerOptions {
  readonly compressor: Compressor | undefined;
  readonly pool: BufferPool;
  /** The lane's batch can be sent now. */
  onPacked(lane: LaneState): void;
  onFailed(error: unknown): void;
}

/**
 * Compresses closed batches: each as soon as it is closed, so that zstd, on threads of its own, works while others are on their way.
 * The order of a lane is that of its list: a batch that is done waits for those in front of it.
 */
export class Packer {
  readonly #options: PackerOptions;

  constructor(options: PackerOptions) {
    this.#options = options;
  }

  /** Begins with what the lane has closed. */
  start(lane: LaneState): void {
    const { compressor } = this.#options;
    if (compressor === undefined) return;
    for (const batch of lane.full) if (batch.state === 'open') this.#pack(lane, batch, compressor);
  }

  /** Takes the lane's next batch; undefined while there is none, or it is not done: then onPacked() will tell. */
  next(lane: LaneState): RecordBatch | undefined {
    this.start(lane);
    return lane.full[0]?.state === 'packing' ? undefined : lane.full.shift();
  }

  #pack(lane: LaneState, batch: RecordBatch, compressor: Compressor): void {
    if (batch.position < WORTH_BYTES) return;
    const packed = compressor.compress(batch.buffer.subarray(BATCH_HEADER_BYTES, batch.position));
    if (Buffer.isBuffer(packed)) return this.#replace(batch, packed, compressor.codec);
    batch.state = 'packing';
    packed
      .then((records) => {
        this.#replace(batch, records, compressor.codec);
        this.#options.onPacked(lane);
      })
      .catch((error: unknown) => this.#options.onFailed(error));
  }

  #replace(batch: RecordBatch, records: Buffer, codec: number): void {
    const { pool } = this.#options;
    batch.state = 'packed';
    if (BATCH_HEADER_BYTES + records.length >= batch.position) return;
    pool.give(batch.pack(codec, records, pool.take(BATCH_HEADER_BYTES + records.length)));
  }
}
