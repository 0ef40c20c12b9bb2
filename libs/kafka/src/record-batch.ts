import { crc32c } from '@node-rs/crc32';
import type { TaplineError } from '@tapline/kernel';
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts';

/**
 * A record batch under construction, written straight in its wire form (kafka.apache.org/documentation/#recordbatch):
 *
 *   baseOffset int64 @0 · batchLength int32 @8 (from @12) · partitionLeaderEpoch int32 @12 · magic int8 (2) @16 · crc uint32 @17
 *   (CRC-32C from @21) · attributes int16 @21 · lastOffsetDelta int32 @23 · baseTimestamp int64 @27 · maxTimestamp int64 @35
 *   · producerId int64 @43 · producerEpoch int16 @51 · baseSequence int32 @53 · recordCount int32 @57 · records @61
 *   record => length varint · attributes int8 · timestampDelta varlong · offsetDelta varint · keyLength varint · key
 *             · valueLength varint · value · headerCount varint · headers
 */
export const BATCH_HEADER_BYTES = 61;

const NO_BYTES = Buffer.alloc(0);

/** The count of an empty list of headers. */
export const NO_HEADERS: Buffer = Buffer.from([0]);

/** Whose batch it is: the broker accepts each sequence number of a producer once, in order. */
export interface ProducerIdentity {
  readonly id: bigint;
  readonly epoch: number;
}

/**
 * open → (packing → packed, when it is compressed) → underWay → acknowledged; or underWay → again → underWay …, when it was refused or
 * nobody knows what became of it.
 */
export type BatchState = 'open' | 'packing' | 'packed' | 'underWay' | 'again' | 'acknowledged';

export class RecordBatch {
  buffer: Buffer;
  /** Where the next record goes. */
  position: number = BATCH_HEADER_BYTES;
  count = 0;
  /** How far the buffer may be filled: not further than the topic takes. */
  #limit: number;
  /** Of the record that was added first; the others are deltas to it. */
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  #codec = 0;
  #filledBytes = 0;
  /** Set by seal(): then the bytes never change again, so that what is sent again is equal to what was sent. */
  baseSequence = -1;
  identity: ProducerIdentity | undefined;
  state: BatchState = 'open';
  /** How often it was sent. */
  attempts = 0;
  /** Why it must be sent again: the broker's error code, or what ended its request. */
  refusal: number | TaplineError | undefined;
  /** How often it had been sent when it was looked for in the log, and was not there. */
  absentAfter = 0;
  /** The offset of its first record, once acknowledged. */
  baseOffset = -1n;

  constructor(buffer: Buffer, maxBytes: number = buffer.length) {
    this.buffer = buffer;
    this.#limit = Math.min(buffer.length, maxBytes);
  }

  /** Takes its buffer from a batch that is acknowledged: one that waits to be used again must not keep that of a giant record. */
  release(): Buffer {
    const { buffer } = this;
    this.buffer = NO_BYTES;
    return buffer;
  }

  /** Makes a new batch of one that is acknowledged: thousands of small ones a second would be garbage that has become old. */
  renew(buffer: Buffer, maxBytes: number): this {
    this.buffer = buffer;
    this.#limit = Math.min(buffer.length, maxBytes);
    this.position = BATCH_HEADER_BYTES;
    this.count = 0;
    this.#codec = 0;
    this.#filledBytes = 0;
    this.baseSequence = -1;
    this.identity = undefined;
    this.state = 'open';
    this.attempts = 0;
    this.refusal = undefined;
    this.absentAfter = 0;
    this.baseOffset = -1n;
    return this;
  }

  /** Its size before it was compressed. */
  get filledBytes(): number {
    return this.#filledBytes === 0 ? this.position : this.#filledBytes;
  }
  get maxTimestampMs(): number {
    return this.#maxTimestampMs;
  }

  /**
   * True when it may stand in the log, in spite of a refusal even (a leader that loses its office says so of what it has written, too), and
   * the broker may not remember its producer any more: sent again it would be written twice. Brokers forget a producer some time
   * after the time of its last record.
   */
  mayBeForgotten(rememberedMs: number): boolean {
    return this.attempts > this.absentAfter && Date.now() > this.#maxTimestampMs + rememberedMs;
  }

  /** Bytes of the record as the next one of this batch, its own length prefix not counted. */
  recordBytes(key: Uint8Array | null, value: Uint8Array | null, timestampMs: number, headersBytes: number): number {
    const delta = this.count === 0 ? 0 : timestampMs - this.#baseTimestampMs;
    const keyBytes = key === null ? 1 : varintSize(key.length) + key.length;
    const valueBytes = value === null ? 1 : varintSize(value.length) + value.length;
    return 1 + varlongSize(delta) + varintSize(this.count) + keyBytes + valueBytes + headersBytes;
  }

  /** True when a record of `recordBytes` fits as the buffer is. */
  fits(recordBytes: number): boolean {
    return this.position + varintSize(recordBytes) + recordBytes <= this.#limit;
  }

  /** Copies one record in. It must fit; `recordBytes` is what recordBytes() gave for it. */
  add(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: Uint8Array,
    recordBytes: number,
  ): void {
    if (this.count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    } else if (timestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = timestampMs;
    }
    const { buffer } = this;
    let at = writeVarint(buffer, this.position, recordBytes);
    buffer[at++] = 0;
    at = writeVarlong(buffer, at, timestampMs - this.#baseTimestampMs);
    at = writeVarint(buffer, at, this.count);
    at = writeBytes(buffer, at, key);
    at = writeBytes(buffer, at, value);
    at = copyIn(buffer, at, headers);
    this.position = at;
    this.count++;
  }

  /** Moves what is there into a larger buffer; returns the old one. */
  grow(larger: Buffer, maxBytes: number = larger.length): Buffer {
    const old = this.buffer;
    old.copy(larger, BATCH_HEADER_BYTES, BATCH_HEADER_BYTES, this.position);
    this.buffer = larger;
    this.#limit = Math.min(larger.length, maxBytes);
    return old;
  }

  /** Puts compressed records in the place of the plain ones; returns the old buffer. */
  pack(codec: number, records: Buffer, into: Buffer): Buffer {
    const old = this.buffer;
    into.set(records, BATCH_HEADER_BYTES);
    this.buffer = into;
    this.#filledBytes = this.position;
    this.position = BATCH_HEADER_BYTES + records.length;
    this.#codec = codec;
    return old;
  }

  /** Writes the header. From now on the batch is what will stand in the log, but for base offset and leader epoch. */
  seal(identity: ProducerIdentity, baseSequence: number): void {
    this.identity = identity;
    this.baseSequence = baseSequence;
    const { buffer, position } = this;
    writeSafeLong(buffer, 0, 0);
    buffer.writeInt32BE(position - 12, 8);
    buffer.writeInt32BE(-1, 12);
    buffer[16] = 2;
    buffer.writeInt16BE(this.#codec, 21);
    buffer.writeInt32BE(this.count - 1, 23);
    writeSafeLong(buffer, 27, this.#baseTimestampMs);
    writeSafeLong(buffer, 35, this.#maxTimestampMs);
    buffer.writeBigInt64BE(identity.id, 43);
    buffer.writeInt16BE(identity.epoch, 51);
    buffer.writeInt32BE(baseSequence, 53);
    buffer.writeInt32BE(this.count, 57);
    buffer.writeUInt32BE(crc32c(buffer.subarray(21, position)), 17);
  }
}

/** Sequence numbers wrap from 2^31 - 1 to 0 (KIP-98). */
export function nextSequence(sequence: number, count: number): number {
  return (sequence + count) % 0x8000_0000;
}

/** An int64 that is a safe integer and not negative, without a BigInt. */
function writeSafeLong(buffer: Buffer, position: number, value: number): void {
  buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), position);
  buffer.writeUInt32BE(value % 0x1_0000_0000, position + 4);
}

function writeBytes(buffer: Buffer, position: number, bytes: Uint8Array | null): number {
  if (bytes === null) {
    buffer[position] = 1;
    return position + 1;
  }
  return copyIn(buffer, writeVarint(buffer, position, bytes.length), bytes);
}

/** Short pieces byte by byte: the call into the engine's copy costs more than the copy. */
function copyIn(buffer: Buffer, position: number, bytes: Uint8Array): number {
  const { length } = bytes;
  if (length > 24) {
    buffer.set(bytes, position);
  } else {
    for (let i = 0; i < length; i++) buffer[position + i] = bytes[i] as number;
  }
  return position + length;
}

/**
 * Record headers in their wire form, count included: what append() takes.
 * headers => count varint · (keyLength varint · key · valueLength varint · value)…
 */
export function encodeHeaders(headers: Readonly<Record<string, Uint8Array | null>>): Buffer {
  const entries = Object.entries(headers);
  const bytes = entries.reduce((sum, [name, value]) => sum + 10 + Buffer.byteLength(name) + (value?.length ?? 0), 5);
  const buffer = Buffer.alloc(bytes);
  let at = writeVarint(buffer, 0, entries.length);
  for (const [name, value] of entries) {
    at = writeBytes(buffer, at, Buffer.from(name));
    at = writeBytes(buffer, at, value);
  }
  return buffer.subarray(0, at);
}
