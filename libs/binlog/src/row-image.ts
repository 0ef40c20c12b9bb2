import { corrupt, unsupported } from './event-errors.ts';
import { COLUMN_STATE, type RowImage, type WireColumn } from './types.ts';
import { decompressColumn } from './values/compressed-column.ts';
import { decimalBytes, fractionBytes, WIRE_TYPE } from './wire-types.ts';

/** A column's value that the packet does not hold as it is: a JSON document made from differences, a column decompressed. */
export interface MadeValue {
  readonly column: number;
  readonly bytes: Buffer;
}

/** No value is larger (max_allowed_packet's limit). */
const MAX_PACKET_BYTES = 1 << 30;

/** Beyond this the buffer of made values is not kept for the next row. */
const KEPT_BYTES = 1 << 20;

/** The arrays of a row image, reused from row to row. */
export class ImageBuffers implements RowImage {
  buffer: Buffer = Buffer.alloc(0);
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  readonly states: Uint8Array;
  /** The plan whose absent columns `states` shows. */
  plan: ImagePlan | undefined;
  base: RowImage | undefined;
  #scratch: Buffer = Buffer.alloc(0);

  constructor(columns: number) {
    this.offsets = new Int32Array(columns);
    this.lengths = new Int32Array(columns);
    this.states = new Uint8Array(columns).fill(COLUMN_STATE.ABSENT);
  }

  /** Before the first row of an event: its bytes, and the columns its rows do not have. */
  begin(buffer: Buffer, plan: ImagePlan | undefined): void {
    this.buffer = buffer;
    if (this.plan === plan) return;
    this.plan = plan;
    this.states.fill(COLUMN_STATE.ABSENT);
    this.lengths.fill(0);
  }

  /** Moves the row, whose bytes are `buffer[start, end)`, into a buffer of its own with the made values behind them. */
  materialise(start: number, end: number, made: readonly MadeValue[]): void {
    const { offsets, lengths, states } = this;
    let at = end - start;
    const total = made.reduce((sum, { bytes }) => sum + bytes.length, at);
    const target = this.#room(total);
    this.buffer.copy(target, 0, start, end);
    for (let i = 0; i < offsets.length; i++) if (states[i] === COLUMN_STATE.VALUE) offsets[i] = offsets[i]! - start;
    for (const { column, bytes } of made) {
      bytes.copy(target, at);
      offsets[column] = at;
      lengths[column] = bytes.length;
      states[column] = COLUMN_STATE.VALUE;
      at += bytes.length;
    }
    this.buffer = target;
  }

  #room(bytes: number): Buffer {
    if (bytes <= this.#scratch.length) return this.#scratch;
    const room = Buffer.allocUnsafeSlow(bytes);
    if (bytes <= KEPT_BYTES) this.#scratch = room;
    return room;
  }
}

/** Which columns an image has, in order, and how each one's bytes are found. */
export class ImagePlan {
  readonly #columns: Int32Array;
  /** ≥ 0: that many bytes; -1..-4: a length prefix of that many bytes, least first. */
  readonly #sizes: Int32Array;
  readonly #nullBytes: number;
  /** Those whose values lie compressed in the packet (MariaDB), and the most bytes that each can have. */
  readonly #compressed: readonly { readonly index: number; readonly maxBytes: number }[];
  readonly #unreadable: { readonly index: number; readonly column: WireColumn } | undefined;

  private constructor(columns: readonly WireColumn[], indexes: readonly number[]) {
    this.#columns = Int32Array.from(indexes);
    this.#sizes = Int32Array.from(indexes, (i) => columnSize(columns[i]!) ?? 0);
    this.#nullBytes = (indexes.length + 7) >> 3;
    this.#compressed = indexes
      .filter((i) => isCompressed(columns[i]!))
      .map((i) => ({ index: i, maxBytes: maxBytes(columns[i]!) }));
    const index = indexes.find((i) => columnSize(columns[i]!) === undefined);
    this.#unreadable = index === undefined ? undefined : { index, column: columns[index]! };
  }

  static full(columns: readonly WireColumn[]): ImagePlan {
    return new ImagePlan(columns, [...columns.keys()]);
  }

  static partial(columns: readonly WireColumn[], bitmap: Buffer, offset: number): ImagePlan {
    const isSet = (i: number): boolean => (bitmap[offset + (i >> 3)]! & (1 << (i & 7))) !== 0;
    return new ImagePlan(columns, [...columns.keys()].filter(isSet));
  }

  /** Throws when a column is of a type whose length is unknown: the rows cannot be walked. Once an event. */
  check(): void {
    if (this.#unreadable === undefined) return;
    const { index, column } = this.#unreadable;
    const name = column.name === undefined ? `column ${index + 1}` : `column ${column.name}`;
    throw unsupported(`${name} is of wire type ${column.type}, which Tapline cannot read`, 'Exclude the table.');
  }

  /** Whether rows need `decompress` once they are scanned. */
  get isCompressed(): boolean {
    return this.#compressed.length > 0;
  }

  /** Puts the values of the compressed columns as they are into a scanned image, whose bytes in the packet are `[start, end)`. */
  decompress(image: ImageBuffers, start: number, end: number): void {
    const made: MadeValue[] = [];
    for (const { index, maxBytes: most } of this.#compressed) {
      if (image.states[index] !== COLUMN_STATE.VALUE) continue;
      const from = image.offsets[index]!;
      const bytes = decompressColumn(image.buffer.subarray(from, from + image.lengths[index]!), most);
      made.push({ column: index, bytes });
    }
    if (made.length > 0) image.materialise(start, end, made);
  }

  /**
   * Walks one row image and returns its end: null bitmap over the columns it has, least bit first · the values that are not NULL.
   * The hot path: nothing is allocated, and no value is looked at beyond its length. A prefix may be read past `end`, but never a value
   * delivered: each column's end is compared with `end` (written so that NaN, from past the buffer, fails too).
   */
  scan(image: ImageBuffers, start: number, end: number): number {
    const columns = this.#columns;
    const sizes = this.#sizes;
    const { buffer, offsets, lengths, states } = image;
    let at = start + this.#nullBytes;
    if (at > end) throw rowOverrun(start, end);
    for (let j = 0; j < columns.length; j++) {
      const i = columns[j]!;
      if ((buffer[start + (j >> 3)]! & (1 << (j & 7))) !== 0) {
        states[i] = 1;
        lengths[i] = 0;
        continue;
      }
      let length = sizes[j]!;
      if (length < 0) {
        if (length === -1) {
          length = buffer[at]!;
          at += 1;
        } else if (length === -2) {
          length = buffer[at]! | (buffer[at + 1]! << 8);
          at += 2;
        } else if (length === -3) {
          length = buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16);
          at += 3;
        } else {
          length = (buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24)) >>> 0;
          at += 4;
        }
      }
      offsets[i] = at;
      lengths[i] = length;
      states[i] = 0;
      at += length;
      if (!(at <= end)) throw rowOverrun(start, end);
    }
    return at;
  }
}

function rowOverrun(start: number, end: number): Error {
  return corrupt(`a row needs more than the ${end - start} bytes left in its event`);
}

function isCompressed({ type }: WireColumn): boolean {
  return type === WIRE_TYPE.BLOB_COMPRESSED || type === WIRE_TYPE.VARCHAR_COMPRESSED;
}

/** The most that a compressed column holds: `meta` of BLOB is the bytes of its length. */
function maxBytes({ type, meta }: WireColumn): number {
  return type === WIRE_TYPE.BLOB_COMPRESSED ? Math.min(256 ** meta, MAX_PACKET_BYTES) : 0xffff;
}

/** Bytes of a value, or minus the bytes of its length prefix; undefined for types we cannot walk over. */
function columnSize({ type, meta }: WireColumn): number | undefined {
  switch (type) {
    case WIRE_TYPE.TINY:
    case WIRE_TYPE.YEAR:
      return 1;
    case WIRE_TYPE.SHORT:
      return 2;
    case WIRE_TYPE.INT24:
    case WIRE_TYPE.DATE:
    case WIRE_TYPE.NEWDATE:
    case WIRE_TYPE.TIME:
      return 3;
    case WIRE_TYPE.LONG:
    case WIRE_TYPE.FLOAT:
    case WIRE_TYPE.TIMESTAMP:
      return 4;
    case WIRE_TYPE.LONGLONG:
    case WIRE_TYPE.DOUBLE:
    case WIRE_TYPE.DATETIME:
      return 8;
    case WIRE_TYPE.TIMESTAMP2:
      return 4 + fractionBytes(meta);
    case WIRE_TYPE.DATETIME2:
      return 5 + fractionBytes(meta);
    case WIRE_TYPE.TIME2:
      return 3 + fractionBytes(meta);
    case WIRE_TYPE.NEWDECIMAL:
      return decimalBytes(meta >> 8, meta & 0xff);
    case WIRE_TYPE.ENUM:
    case WIRE_TYPE.SET:
      return meta >= 1 && meta <= 8 ? meta : undefined;
    case WIRE_TYPE.BIT:
      return (meta + 7) >> 3;
    case WIRE_TYPE.STRING:
    case WIRE_TYPE.VARCHAR:
    case WIRE_TYPE.VAR_STRING:
    case WIRE_TYPE.VARCHAR_COMPRESSED:
      return meta > 255 ? -2 : -1;
    case WIRE_TYPE.BLOB:
    case WIRE_TYPE.BLOB_COMPRESSED:
    case WIRE_TYPE.JSON:
    case WIRE_TYPE.GEOMETRY:
    case WIRE_TYPE.VECTOR:
      return meta >= 1 && meta <= 4 ? -meta : undefined;
    default:
      return undefined;
  }
}
