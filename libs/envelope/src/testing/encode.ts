import { COLUMN_STATE, type RowImage } from '@tapline/binlog';
import type { Column, Table } from '@tapline/schema';
import avsc from 'avsc';
import { GrowingSink } from '../byte-sink.ts';

/* Shared by the tests of this package only. */

/** A column with the fields that most types leave at their defaults. */
export function column(name: string, type: string, rest: Partial<Column> = {}): Column {
  const unsigned = rest.unsigned ?? false;
  return { name, type, columnType: `${type}${unsigned ? ' unsigned' : ''}`, nullable: false, unsigned, ...rest };
}

export function tableOf(columns: readonly Column[], rest: Partial<Table> = {}): Table {
  return { database: 'shop', name: 't', columns, uniqueKeys: [], ...rest };
}

/** A row image of these values: null is NULL, undefined is absent, and as in `base` where that is given. */
export function imageOf(values: readonly (Buffer | null | undefined)[], base?: RowImage): RowImage {
  const parts = values.map((value) => value ?? Buffer.alloc(0));
  const buffer = Buffer.concat([Buffer.from('junk'), ...parts]);
  const offsets = new Int32Array(values.length);
  let at = 4;
  parts.forEach((part, i) => {
    offsets[i] = at;
    at += part.length;
  });
  const stateOf = (value: Buffer | null | undefined): number =>
    value === undefined ? COLUMN_STATE.ABSENT : value === null ? COLUMN_STATE.NULL : COLUMN_STATE.VALUE;
  return {
    buffer,
    offsets,
    lengths: Int32Array.from(parts, (part) => part.length),
    states: Uint8Array.from(values, stateOf),
    base,
  };
}

/** Bytes from hex digits; blanks are ignored. */
export function hex(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(' ', ''), 'hex');
}

/** What `write` put, from a sink so small that every missing `ensure` shows. */
export function written(write: (sink: GrowingSink) => void): Buffer {
  const sink = new GrowingSink(1);
  write(sink);
  return Buffer.from(sink.written());
}

const bigLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

/** Decodes with plain avsc: longs as bigint, logical types as their raw bytes. Fails when bytes are left over. */
export function avscDecode(schema: string, bytes: Buffer): unknown {
  const typeHook = (attributes: unknown): unknown =>
    attributes === 'long' || (attributes as { type?: unknown }).type === 'long' ? bigLong : undefined;
  const options = { typeHook, wrapUnions: false, omitRecordMethods: true };
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, options as never);
  return type.fromBuffer(bytes);
}
