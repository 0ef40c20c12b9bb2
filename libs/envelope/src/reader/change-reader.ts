import { TaplineError } from '@tapline/kernel';
import { JsonReader } from '../json/json-reader.ts';
import { Cursor, unreadable } from './avro-read.ts';
import { EncodedChange } from './encoded-change.ts';
import {
  type AbsentNames,
  type EnvelopeReader,
  envelopeReader,
  envelopeScanner,
  type Row,
  rowReader,
  type ScannedEnvelope,
} from './records.ts';
import type { SourceBlock } from './source-block.ts';

/** A record of a data topic, as a consumer has it (kafkajs' message fits). */
export interface ChangeRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string | bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** The same as places in the bytes of a whole batch; a start of -1 stands for null. */
export interface RecordBytes {
  readonly bytes: Buffer;
  readonly offset: bigint;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** A change event. */
export interface Change {
  readonly topic: string;
  /** undefined columns never occur: null when the table is appended to without a key. */
  readonly key: Row | null;
  /** `c` insert, `u` update, `d` delete, `r` read by a snapshot. */
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: SourceBlock | null;
  /**
   * Names of the columns that the event did not carry (binlog_row_image is not FULL). `before` and `after` lack them: absent is not NULL, but not
   * known; in `after` of an update it is as it was. null when the images are whole.
   */
  readonly absent: AbsentNames | null;
  /** Grows with every change of a source: header `v`. */
  readonly version: bigint;
  /** The record has no value: it deletes its key and has neither `before` nor `source`. `op` is `d`. */
  readonly tombstone: boolean;
}

export interface ChangeReaderOptions {
  /** A schema by its registry id, as JSON. */
  readonly schema: (id: number) => Promise<string>;
  /** Gives an `EncodedChange` for each change in Avro: rows are made when they are asked for. Default: false. */
  readonly encoded?: boolean;
}

const FRAME_BYTES = 5;
const BRACE = 0x7b;

/**
 * Bytes of data topics → changes with exact JS values. The format is seen at each key and value: Avro starts with a zero byte, JSON with a brace.
 * Readers are compiled once a schema.
 *
 * Values by column type:
 * - TINYINT, SMALLINT, MEDIUMINT, INT (also unsigned), YEAR, FLOAT, DOUBLE: number (a FLOAT as the shortest decimal that names it)
 * - BIGINT, BIGINT UNSIGNED, BIT(n): bigint, always; BIT(1): boolean
 * - DECIMAL: string with all its decimals, `-0.50`
 * - DATE `2026-02-28`; DATETIME `2026-02-28T23:59:59.123`, TIME `-838:59:59`, with the column's fraction digits; TIMESTAMP `2026-02-28T23:59:59Z`.
 *   Zero and partial dates as they are: `0000-00-00`, `2020-00-15T00:00:00`
 * - CHAR … TEXT, ENUM, SET, JSON: string
 * - BINARY … BLOB: Buffer; spatial types: Buffer with SRID (4 bytes, little endian) and WKB, as MySQL stores them
 * - VECTOR: string, `[1.5,2,3]`
 */
export class ChangeReader {
  readonly #schema: (id: number) => Promise<string>;
  readonly #keys = new Map<number, (cursor: Cursor) => Row>();
  readonly #values = new Map<number, EnvelopeReader>();
  readonly #scanners = new Map<number, (cursor: Cursor) => ScannedEnvelope>();
  readonly #encoded: boolean;
  readonly #cursor = new Cursor();
  readonly #json = new JsonReader();

  constructor(options: ChangeReaderOptions) {
    this.#schema = options.schema;
    this.#encoded = options.encoded ?? false;
  }

  /**
   * The change of a record; a promise only while a schema id is met for the first time.
   * Throws (or rejects with) ENVELOPE_UNREADABLE, poison, and ENVELOPE_WITHOUT_SCHEMA, fatal, with topic, partition and offset; and whatever
   * the registry fails with.
   */
  read(record: ChangeRecord): Change | Promise<Change> {
    try {
      const keyId = schemaId(record.key, 'key');
      const valueId = schemaId(record.value, 'value');
      return this.#knowsKey(keyId) && this.#knowsValue(valueId)
        ? this.#read(record, keyId, valueId)
        : this.#learn(record, keyId, valueId);
    } catch (error) {
      throw placed(error, record);
    }
  }

  /**
   * The change of a record in Avro whose schemas are known, without a view of its key and of its value, for who wants encoded changes. undefined: it is of another kind, and
   * `read` gives it. Throws as `read` does.
   */
  scan(place: Pick<ChangeRecord, 'topic' | 'partition'>, record: RecordBytes, version: bigint): Change | undefined {
    const { bytes, keyStart, keyEnd, valueStart, valueEnd } = record;
    const readKey = this.#keys.get(idAt(bytes, keyStart, keyEnd));
    const scan = this.#scanners.get(idAt(bytes, valueStart, valueEnd));
    if (readKey === undefined || scan === undefined) return undefined;
    try {
      const key = this.#decodeAt(bytes, keyStart, keyEnd, readKey);
      const scanned = this.#decodeAt(bytes, valueStart, valueEnd, scan);
      return new EncodedChange({ topic: place.topic, key, version, bytes }, scanned);
    } catch (error) {
      throw placed(error, { ...place, offset: record.offset });
    }
  }

  #knowsKey(id: number | undefined): boolean {
    return id === undefined || this.#keys.has(id);
  }

  #knowsValue(id: number | undefined): boolean {
    return id === undefined || (this.#encoded ? this.#scanners.has(id) : this.#values.has(id));
  }

  async #learn(record: ChangeRecord, keyId: number | undefined, valueId: number | undefined): Promise<Change> {
    const [keySchema, valueSchema] = await Promise.all([
      this.#knowsKey(keyId) ? undefined : this.#schema(keyId as number),
      this.#knowsValue(valueId) ? undefined : this.#schema(valueId as number),
    ]);
    try {
      if (keySchema !== undefined) this.#keys.set(keyId as number, rowReader(keySchema));
      if (valueSchema !== undefined) {
        if (this.#encoded) this.#scanners.set(valueId as number, envelopeScanner(valueSchema));
        else this.#values.set(valueId as number, envelopeReader(valueSchema));
      }
      return this.#read(record, keyId, valueId);
    } catch (error) {
      throw placed(error, record);
    }
  }

  #read(record: ChangeRecord, keyId: number | undefined, valueId: number | undefined): Change {
    const { topic } = record;
    const version = versionOf(record);
    const key =
      keyId === undefined
        ? record.key && this.#json.key(record.key, topic)
        : this.#decode(record.key, this.#keys.get(keyId));
    if (valueId !== undefined && this.#encoded) {
      const scanned = this.#decode(record.value, this.#scanners.get(valueId));
      return new EncodedChange({ topic, key, version, bytes: record.value as Buffer }, scanned);
    }
    const value =
      valueId === undefined
        ? record.value && this.#json.value(record.value, topic)
        : this.#decode(record.value, this.#values.get(valueId));
    if (value !== null) return { topic, key, ...value, version, tombstone: false };
    if (key === null) throw unreadable('The record has neither a key nor a value.');
    return { topic, key, op: 'd', before: null, after: null, source: null, absent: null, version, tombstone: true };
  }

  #decode<T>(bytes: Buffer | null, read: ((cursor: Cursor) => T) | undefined): T {
    const { length } = bytes as Buffer;
    return this.#decodeAt(bytes as Buffer, 0, length, read as (cursor: Cursor) => T);
  }

  #decodeAt<T>(bytes: Buffer, start: number, end: number, read: (cursor: Cursor) => T): T {
    const cursor = this.#cursor;
    cursor.open(bytes, start + FRAME_BYTES, end);
    const decoded = read(cursor);
    cursor.check();
    const left = end - cursor.position;
    if (left > 0) throw unreadable(`${left} bytes are left over behind the record.`);
    return decoded;
  }
}

/** -1, which no schema has: there is none. */
function idAt(bytes: Buffer, start: number, end: number): number {
  return start >= 0 && end - start >= FRAME_BYTES && bytes[start] === 0 ? bytes.readInt32BE(start + 1) : -1;
}

/** The id in front of Avro; undefined for null and for JSON. */
function schemaId(bytes: Buffer | null, what: string): number | undefined {
  if (bytes === null || bytes[0] === BRACE) return undefined;
  if (bytes.length >= FRAME_BYTES && bytes[0] === 0) return bytes.readInt32BE(1);
  throw unreadable(`The ${what} starts neither with a zero byte and a schema id nor with a brace.`);
}

function versionOf(record: ChangeRecord): bigint {
  const header = record.headers?.v;
  if (Buffer.isBuffer(header) && header.length === 8) return header.readBigInt64BE(0);
  throw unreadable('The record has no header v with a version of 8 bytes.');
}

const OWN_CODES: ReadonlySet<string> = new Set(['ENVELOPE_UNREADABLE', 'ENVELOPE_WITHOUT_SCHEMA']);

/** Adds where the record is. What is not ours to explain (the registry's errors) stays. */
function placed(
  error: unknown,
  { topic, partition, offset }: Pick<ChangeRecord, 'topic' | 'partition' | 'offset'>,
): unknown {
  const place = { topic, partition, offset: String(offset) };
  if (error instanceof TaplineError && !OWN_CODES.has(error.code)) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof TaplineError ? error.code : 'ENVELOPE_UNREADABLE';
  return new TaplineError(code, { message, place, cause: error });
}
