import type { Column } from '@tapline/schema';
import { putRaw } from '../avro-write.ts';
import { badValue, type ColumnCodec } from '../codec.ts';

/*
 * FLOAT and DOUBLE are IEEE 754 little endian on the wire and in Avro. SELECT prints a FLOAT with six digits, and both with as many decimals as a
 * FLOAT(M,D) declares; multiplied by 1E0 they are a plain DOUBLE, printed with as many digits as its value needs. The sign of −0 stays.
 */
const exactDouble = (column: string): string => `${column}*1E0`;

function parse(bytes: Buffer): number {
  const value = Number(bytes.toString('latin1'));
  if (bytes.length === 0 || Number.isNaN(value)) throw badValue(`'${bytes.toString('latin1', 0, 40)}' is not a number`);
  return value;
}

export function floatCodec(column: Column): ColumnCodec {
  return column.type === 'float'
    ? {
        schema: 'float',
        fromWire(buffer, offset, _length, sink) {
          sink.ensure(4);
          putRaw(sink, buffer, offset, 4);
        },
        fromText(bytes, sink) {
          sink.ensure(4);
          sink.position = sink.buffer.writeFloatLE(parse(bytes), sink.position);
        },
        select: exactDouble,
      }
    : {
        schema: 'double',
        fromWire(buffer, offset, _length, sink) {
          sink.ensure(8);
          putRaw(sink, buffer, offset, 8);
        },
        fromText(bytes, sink) {
          sink.ensure(8);
          sink.position = sink.buffer.writeDoubleLE(parse(bytes), sink.position);
        },
        select: exactDouble,
      };
}
