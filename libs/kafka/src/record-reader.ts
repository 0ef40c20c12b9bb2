import { crc32c } from '@node-rs/crc32';
import { type ErrorPlace, TaplineError } from '@tapline/kernel';
import { decompress } from './compression.ts';
import { FetchedRecord } from './fetched-record.ts';
import { BATCH_HEADER_BYTES } from './record-batch.ts';
import { VarintReader } from './varint.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface BatchInfo {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** A marker of a transaction, or of a fence: no records of anybody's. */
  readonly control: boolean;
}

export interface RecordSet {
  readonly records: FetchedRecord[];
  /** The offset to go on from. It moves past batches that compaction emptied, control records and aborted transactions too. */
  readonly nextOffset: bigint;
}

const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

interface DecodeOptions {
  /** Records below are dropped: a fetch answers with whole batches. */
  readonly from: bigint;
  readonly place: ErrorPlace;
  readonly aborted?: readonly AbortedTransaction[];
}

/** Decodes the whole batches of a fetched record set; a batch cut off at the end is left for the next fetch. @throws RECORDS_UNREADABLE. */
export function decodeRecordSet(data: Buffer, options: DecodeOptions): RecordSet {
  const records: FetchedRecord[] = [];
  const filter = new TransactionFilter(options.aborted ?? []);
  let nextOffset = options.from;
  for (const batch of wholeBatches(data, options.place)) {
    const lastOffset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23));
    if (lastOffset < options.from) continue;
    if (filter.wanted(batch)) readBatch(batch, options, records);
    nextOffset = lastOffset + 1n;
  }
  return { records, nextOffset };
}

/** The headers of the whole batches of a record set, without their records. */
export function listBatches(data: Buffer, place: ErrorPlace): BatchInfo[] {
  return [...wholeBatches(data, place)].map((batch) => ({
    baseOffset: batch.readBigInt64BE(0),
    lastOffset: batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23)),
    producerId: batch.readBigInt64BE(43),
    producerEpoch: batch.readInt16BE(51),
    baseSequence: batch.readInt32BE(53),
    control: (batch.readInt16BE(21) & CONTROL) !== 0,
  }));
}

function* wholeBatches(data: Buffer, place: ErrorPlace): Generator<Buffer> {
  for (let at = 0; at + BATCH_HEADER_BYTES <= data.length; ) {
    const end = at + 12 + data.readInt32BE(at + 8);
    if (end > data.length) return;
    const batch = data.subarray(at, end);
    check(batch, place);
    yield batch;
    at = end;
  }
}

function check(batch: Buffer, place: ErrorPlace): void {
  if (batch.length < BATCH_HEADER_BYTES) throw unreadable('a batch is shorter than its header', batch, place);
  if (batch[16] !== 2) throw unreadable(`record format ${batch[16]} is older than Kafka 0.11`, batch, place);
  if (crc32c(batch.subarray(21)) !== batch.readUInt32BE(17)) throw unreadable('its checksum is wrong', batch, place);
}

function readBatch(batch: Buffer, options: DecodeOptions, records: FetchedRecord[]): void {
  const from = Number(options.from);
  const baseOffset = Number(batch.readBigInt64BE(0));
  const attributes = batch.readInt16BE(21);
  const baseTimestamp = Number(batch.readBigInt64BE(27));
  const appendTime = (attributes & 8) !== 0 ? Number(batch.readBigInt64BE(35)) : undefined;
  const count = batch.readInt32BE(57);
  try {
    const reader = new VarintReader(decompress(batch.subarray(BATCH_HEADER_BYTES), attributes & 7));
    const bytes = reader.buffer;
    for (let i = 0; i < count; i++) {
      const length = reader.varint();
      const end = reader.position + length;
      if (length < 0 || end > bytes.length) throw new RangeError(`record ${i} has ${length} bytes`);
      reader.position++;
      const timestampMs = baseTimestamp + reader.varlong();
      const offsetNumber = baseOffset + reader.varint();
      const keyStart = reader.place();
      const keyEnd = reader.position;
      const valueStart = reader.place();
      const valueEnd = reader.position;
      reader.position = end;
      if (valueEnd > end) throw new RangeError(`key and value of record ${i} go beyond its ${length} bytes`);
      if (offsetNumber < from) continue;
      records.push(
        new FetchedRecord(bytes, {
          offsetNumber,
          timestampMs: appendTime ?? timestampMs,
          keyStart,
          keyEnd,
          valueStart,
          valueEnd,
          headersStart: valueEnd,
          end,
        }),
      );
    }
  } catch (cause) {
    if (cause instanceof TaplineError) throw cause;
    throw unreadable((cause as Error).message, batch, options.place, cause);
  }
}

function unreadable(why: string, batch: Buffer, place: ErrorPlace, cause?: unknown): TaplineError {
  const offset = batch.length >= 8 ? { offset: String(batch.readBigInt64BE(0)) } : {};
  return new TaplineError('RECORDS_UNREADABLE', {
    message: `A batch of records cannot be decoded: ${why}.`,
    place: { ...place, ...offset },
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * Leaves out control batches and what belongs to aborted transactions (kafka.apache.org/documentation/#controlbatch). An aborted
 * transaction of a producer begins at a listed offset and ends with its abort marker: a control record with key
 * `version int16 · type int16`, type 0.
 */
class TransactionFilter {
  readonly #coming: AbortedTransaction[];
  readonly #aborting = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  }

  wanted(batch: Buffer): boolean {
    const attributes = batch.readInt16BE(21);
    if ((attributes & (TRANSACTIONAL | CONTROL)) === 0) return true;
    const lastOffset = batch.readBigInt64BE(0) + BigInt(batch.readInt32BE(23));
    while (this.#coming[0] !== undefined && this.#coming[0].firstOffset <= lastOffset) {
      this.#aborting.add((this.#coming.shift() as AbortedTransaction).producerId);
    }
    const producerId = batch.readBigInt64BE(43);
    if ((attributes & CONTROL) === 0) return !this.#aborting.has(producerId);
    if (batch.readInt32BE(57) > 0 && controlType(batch) === 0) this.#aborting.delete(producerId);
    return false;
  }
}

function controlType(batch: Buffer): number {
  const reader = new VarintReader(batch, BATCH_HEADER_BYTES);
  reader.varint();
  reader.position++;
  reader.varlong();
  reader.varint();
  return reader.bytes()?.readInt16BE(2) ?? -1;
}

/** The value of the last header of that name; undefined when there is none. */
export function readHeader(headers: Buffer, name: string): Buffer | null | undefined {
  const reader = new VarintReader(headers);
  let found: Buffer | null | undefined;
  for (let left = reader.varint(); left > 0; left--) {
    const key = reader.bytes();
    const value = reader.bytes();
    if (key?.toString('latin1') === name) found = value;
  }
  return found;
}
