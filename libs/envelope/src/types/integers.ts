import type { Column } from '@tapline/schema';
import { decimal, INT16, semantic } from '../avro-schema.ts';
import { LONG_BYTES, putInt, putLong, putSafeLong } from '../avro-write.ts';
import { badValue, type ColumnCodec, plainColumn, type TextWriter, type WireWriter } from '../codec.ts';
import { Unscaled } from '../unscaled.ts';

/*
 * Binlog row images hold integers little endian (MySQL source, Field_num::pack). SELECT prints them in decimal, with leading zeros under ZEROFILL.
 */

const unscaled = new Unscaled();

const fromWireByWidth: Readonly<Record<string, { signed: WireWriter; unsigned: WireWriter }>> = {
  tinyint: {
    signed(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, ((buffer[offset] as number) << 24) >> 24);
    },
    unsigned(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, buffer[offset] as number);
    },
  },
  smallint: {
    signed(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, (((buffer[offset] as number) | ((buffer[offset + 1] as number) << 8)) << 16) >> 16);
    },
    unsigned(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, (buffer[offset] as number) | ((buffer[offset + 1] as number) << 8));
    },
  },
  mediumint: {
    signed(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, (read24(buffer, offset) << 8) >> 8);
    },
    unsigned(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, read24(buffer, offset));
    },
  },
  int: {
    signed(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putInt(sink, read32(buffer, offset));
    },
    unsigned(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putSafeLong(sink, read32(buffer, offset) >>> 0);
    },
  },
  bigint: {
    signed(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      putLong(sink, read32(buffer, offset + 4), read32(buffer, offset));
    },
    unsigned: writeUnsigned64,
  },
};

function read24(buffer: Buffer, offset: number): number {
  return (buffer[offset] as number) | ((buffer[offset + 1] as number) << 8) | ((buffer[offset + 2] as number) << 16);
}

function read32(buffer: Buffer, offset: number): number {
  return read24(buffer, offset) | ((buffer[offset + 3] as number) << 24);
}

/** BIGINT UNSIGNED → decimal(20,0): the bytes reversed, without leading zeros, with one in front where the sign bit would be set. */
function writeUnsigned64(...[buffer, offset, , sink]: Parameters<WireWriter>): void {
  sink.ensure(LONG_BYTES);
  let top = offset + 7;
  while (top > offset && buffer[top] === 0) top--;
  const pad = (buffer[top] as number) >= 0x80 ? 1 : 0;
  const out = sink.buffer;
  let position = sink.position;
  out[position++] = (top - offset + 1 + pad) << 1;
  if (pad === 1) out[position++] = 0;
  for (let from = top; from >= offset; from--) out[position++] = buffer[from] as number;
  sink.position = position;
}

const writeUnsigned64Text: TextWriter = (bytes, sink) => {
  sink.ensure(40);
  unscaled.start();
  if (unscaled.appendText(bytes, 0, bytes.length) !== bytes.length) throw badInteger(bytes);
  unscaled.put(sink, false);
};

/** Any integer that fits 64 bits signed, as int or long: the encoding is the same. */
export const writeIntegerText: TextWriter = (bytes, sink) => {
  sink.ensure(LONG_BYTES);
  const { length } = bytes;
  const negative = bytes[0] === 0x2d;
  let value = 0;
  let at = negative ? 1 : 0;
  if (length - at > 15) {
    writeLongText(bytes, sink);
    return;
  }
  for (; at < length; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) throw badInteger(bytes);
    value = value * 10 + digit;
  }
  putSafeLong(sink, negative ? -value : value);
};

function writeLongText(...[bytes, sink]: Parameters<TextWriter>): void {
  const text = bytes.toString('latin1');
  if (!/^-?[0-9]+$/.test(text)) throw badInteger(bytes);
  const value = BigInt(text);
  putLong(sink, Number(BigInt.asIntN(32, value >> 32n)), Number(value & 0xffff_ffffn));
}

function badInteger(bytes: Buffer): Error {
  return badValue(`'${bytes.toString('latin1', 0, 40)}' is not an integer`);
}

export function integerCodec(column: Column): ColumnCodec {
  const width = fromWireByWidth[column.type === 'integer' ? 'int' : column.type];
  if (width === undefined) throw badValue(`No integer type ${column.type}`);
  const fromWire = column.unsigned ? width.unsigned : width.signed;
  if (column.type === 'bigint' && column.unsigned) {
    return { schema: decimal(20, 0), fromWire, fromText: writeUnsigned64Text, select: plainColumn };
  }
  return { schema: integerSchema(column), fromWire, fromText: writeIntegerText, select: plainColumn };
}

function integerSchema(column: Column): ColumnCodec['schema'] {
  if (column.type === 'bigint') return 'long';
  if (column.type === 'int' || column.type === 'integer') return column.unsigned ? 'long' : 'int';
  if (column.type === 'mediumint') return 'int';
  return column.type === 'smallint' && column.unsigned ? 'int' : INT16;
}

/** YEAR: one byte, the years since 1900, 0 for the year 0000. */
export function yearCodec(): ColumnCodec {
  return {
    schema: semantic('int', 'io.debezium.time.Year'),
    fromWire(buffer, offset, _length, sink) {
      sink.ensure(LONG_BYTES);
      const year = buffer[offset] as number;
      putInt(sink, year === 0 ? 0 : year + 1900);
    },
    fromText: writeIntegerText,
    select: plainColumn,
  };
}

/** BIT(1) → boolean; BIT(n) → io.debezium.data.Bits, little endian. The wire and SELECT both give the bits big endian in whole bytes. */
export function bitCodec(column: Column): ColumnCodec {
  const bits = column.length ?? 1;
  if (bits === 1) return { schema: 'boolean', fromWire: writeFlag, fromText: writeFlagText, select: plainColumn };
  const fromWire: WireWriter = (buffer, offset, length, sink) => {
    sink.ensure(LONG_BYTES);
    const out = sink.buffer;
    out[sink.position++] = length << 1;
    for (let at = offset + length - 1; at >= offset; at--) out[sink.position++] = buffer[at] as number;
  };
  return {
    schema: semantic('bytes', 'io.debezium.data.Bits', { length: String(bits) }),
    fromWire,
    fromText: (bytes, sink) => fromWire(bytes, 0, bytes.length, sink),
    select: plainColumn,
  };
}

const writeFlag: WireWriter = (buffer, offset, length, sink) => {
  sink.ensure(1);
  sink.buffer[sink.position++] = (buffer[offset + length - 1] as number) & 1;
};

const writeFlagText: TextWriter = (bytes, sink) => writeFlag(bytes, 0, bytes.length, sink);
