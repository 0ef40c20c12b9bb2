/** A record as it is in a topic. */
export interface KafkaRecord {
  readonly offset: bigint;
  /** ms since the epoch. */
  readonly timestampMs: number;
  /** Key, value and headers are views into what was fetched: copy what outlives the batch. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Headers in their wire form, as append() takes them; readHeader() finds one. */
  readonly headers: Buffer;
}

/** Where a record's parts are in the bytes of its batch; a start of -1 stands for null. The headers go up to the record's end. */
interface Places {
  readonly offsetNumber: number;
  readonly timestampMs: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headersStart: number;
  readonly end: number;
}

/** A record where it was fetched. Views are made when they are asked for: who goes on from the bytes themselves pays for none. */
export class FetchedRecord implements KafkaRecord, Places {
  readonly bytes: Buffer;
  /** The offset as a number, exact: a partition does not come to 2^53 records. */
  readonly offsetNumber: number;
  readonly timestampMs: number;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly headersStart: number;
  readonly end: number;

  constructor(bytes: Buffer, places: Places) {
    this.bytes = bytes;
    this.offsetNumber = places.offsetNumber;
    this.timestampMs = places.timestampMs;
    this.keyStart = places.keyStart;
    this.keyEnd = places.keyEnd;
    this.valueStart = places.valueStart;
    this.valueEnd = places.valueEnd;
    this.headersStart = places.headersStart;
    this.end = places.end;
  }

  /** The same record, in bytes of its own where it was not fetched. */
  static of(record: KafkaRecord): FetchedRecord {
    if (record instanceof FetchedRecord) return record;
    const { offset, timestampMs, key, value, headers } = record;
    const keyBytes = key?.length ?? 0;
    const headersStart = keyBytes + (value?.length ?? 0);
    const bytes = Buffer.concat([key ?? NOTHING, value ?? NOTHING, headers]);
    return new FetchedRecord(bytes, {
      offsetNumber: Number(offset),
      timestampMs,
      keyStart: key === null ? -1 : 0,
      keyEnd: keyBytes,
      valueStart: value === null ? -1 : keyBytes,
      valueEnd: headersStart,
      headersStart,
      end: bytes.length,
    });
  }

  get offset(): bigint {
    return BigInt(this.offsetNumber);
  }

  get key(): Buffer | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd);
  }

  get value(): Buffer | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd);
  }

  get headers(): Buffer {
    return this.bytes.subarray(this.headersStart, this.end);
  }

  /** Bytes of key and value. */
  get size(): number {
    const key = this.keyStart < 0 ? 0 : this.keyEnd - this.keyStart;
    return this.valueStart < 0 ? key : key + this.valueEnd - this.valueStart;
  }
}

const NOTHING = Buffer.alloc(0);
