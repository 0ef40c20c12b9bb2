import { TaplineError } from '@tapline/kernel';
import type { Column } from '@tapline/schema';
import type { AvroField, AvroObject, AvroType } from './avro-schema.ts';
import { GrowingSink } from './byte-sink.ts';
import type { ColumnCodec } from './codec.ts';
import { columnCodec } from './columns.ts';
import { Cursor } from './reader/avro-read.ts';
import { type ColumnShape, shapedCodec } from './shape/column-shape.ts';
import { memberInput } from './types/enums.ts';

export type AvroDefault = AvroField['default'];

/**
 * The Avro default of a column that came by ALTER TABLE: what the rows of before got (`Column.fill`), so that who reads an old record by a newer schema sees what the
 * server says of that row. It goes the way of every value, through the column's codec and shape, so it is what a record would have. Undefined where there is none, and where
 * JSON cannot say it.
 */
export function fillDefault(column: Column, shape: ColumnShape | undefined): AvroDefault {
  const { charset, fill } = column;
  const input = fill === undefined ? undefined : inputOf(column, fill);
  if (input === undefined || shape?.kind === 'exclude') return undefined;
  // The fill is text already, not the column's bytes.
  const plain = charset === undefined || charset === 'binary' ? column : { ...column, charset: 'utf8mb4' };
  const codec = columnCodec(plain);
  return written(shape === undefined ? codec : shapedCodec(plain, codec, shape), input);
}

/** What the codec's `fromText` wants. */
function inputOf(column: Column, fill: string): Buffer | undefined {
  const { type, length = 1 } = column;
  switch (type) {
    case 'bit':
      return bitsOf(BigInt(fill), Math.ceil(length / 8));
    case 'enum':
    case 'set':
      return bufferOf(memberInput(column, fill));
    case 'timestamp':
      // No moment is the only one that a fill has.
      return bufferOf('0');
    case 'binary':
    case 'varbinary':
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return Buffer.from(fill, 'latin1');
    default:
      return type.endsWith('blob') ? Buffer.from(fill, 'latin1') : bufferOf(fill);
  }
}

function bufferOf(text: string | undefined): Buffer | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

function bitsOf(value: bigint, width: number): Buffer {
  return Buffer.from(value.toString(16).padStart(width * 2, '0'), 'hex');
}

function written({ fromText, schema }: ColumnCodec, input: Buffer): AvroDefault {
  const sink = new GrowingSink(input.length + 64);
  try {
    fromText(input, sink);
  } catch (error) {
    // The column has become one that the value does not fit.
    if (error instanceof TaplineError) return undefined;
    throw error;
  }
  return jsonOf(schema, sink.written());
}

/** A value as a default in an Avro schema: bytes as a text of as many characters (https://avro.apache.org/docs/1.12.0/specification/#schema-record). */
function jsonOf(schema: AvroType, avro: Buffer): AvroDefault {
  const cursor = new Cursor();
  cursor.open(avro, 0);
  switch (typeof schema === 'string' ? schema : (schema as AvroObject).type) {
    case 'boolean':
      return cursor.byte() === 1;
    case 'int':
      return cursor.int();
    case 'long':
      return exactNumber(cursor.longBig());
    case 'float':
      return finite(avro.readFloatLE(0));
    case 'double':
      return finite(avro.readDoubleLE(0));
    case 'bytes':
      return cursor.bytes().toString('latin1');
    case 'string':
      return cursor.string();
    default:
      return undefined;
  }
}

/** Undefined when JSON would be given other digits. */
function exactNumber(value: bigint): number | undefined {
  return BigInt(JSON.stringify(Number(value))) === value ? Number(value) : undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}
