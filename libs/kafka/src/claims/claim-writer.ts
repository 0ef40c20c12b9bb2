import { crc32c } from '@node-rs/crc32';
import type { Lane } from '../lane.ts';
import type { LogReader } from '../log-reader.ts';
import type { OrderedProducer } from '../producer.ts';
import { NO_HEADERS } from '../record-batch.ts';
import type { Claim } from './claim.ts';

export interface ClaimWriterOptions {
  /** The producer of the records that will refer to the claims: its budget bounds the pieces under way. */
  readonly producer: OrderedProducer;
  readonly reader: LogReader;
  readonly topic: string;
  /** A piece is at most this long, and shorter where the topic takes less. */
  readonly pieceBytes: number;
  readonly signal: AbortSignal;
}

/** A value to be put aside. */
export interface ClaimedValue {
  readonly value: Uint8Array;
  /** The partition of the claims topic. */
  readonly partition: number;
  /** What the pieces' keys begin with, for people who look into the topic. */
  readonly name: string;
  readonly timestampMs: number;
}

/** Room for a piece's key: two names of topics, a version and a number. */
const KEY_BYTES = 600;

/**
 * Writes values in pieces into the claims topic, one value at a time.
 *
 * A claim is given only when all its pieces are acknowledged; the record that carries it is appended after that. So a record's claim is
 * there whenever the record is, and a process killed in between leaves pieces that nobody refers to, which do no harm.
 */
export class ClaimWriter {
  readonly #options: ClaimWriterOptions;
  readonly #lanes = new Map<number, Lane>();

  constructor(options: ClaimWriterOptions) {
    this.#options = options;
  }

  /** Only one call at a time. @throws what the producer fails with. */
  async write({ value, partition, name, timestampMs }: ClaimedValue): Promise<Claim> {
    const { producer, topic } = this.#options;
    const lane = this.#lanes.get(partition) ?? (await this.#open(partition));
    const pieceBytes = Math.min(this.#options.pieceBytes, lane.maxRecordBytes - KEY_BYTES);
    const pieces = Math.ceil(value.length / pieceBytes);
    for (let i = 0; i < pieces; i++) {
      const room = producer.room();
      if (room !== undefined) await room;
      const piece = value.subarray(i * pieceBytes, (i + 1) * pieceBytes);
      producer.append(lane, Buffer.from(`${name}/${i}`), piece, timestampMs, NO_HEADERS);
    }
    await producer.mark();
    const first = (lane.nextOffset as bigint) - BigInt(pieces);
    return { topic, partition, first, pieces, bytes: value.length, crc32c: crc32c(value) };
  }

  /** Nobody else writes there, so what an earlier life has left under way must have arrived: else its pieces could come between ours. */
  async #open(partition: number): Promise<Lane> {
    const { producer, reader, topic, signal } = this.#options;
    const ends = await reader.settledEnds(topic, signal);
    const lane = producer.lane(topic, partition, { nextOffset: ends[partition] as bigint });
    this.#lanes.set(partition, lane);
    return lane;
  }
}
