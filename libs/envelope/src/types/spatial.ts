import { nullable } from '../avro-schema.ts';
import { INT_BYTES, putInt, putLength, putRaw, writeBytes } from '../avro-write.ts';
import type { ByteSink } from '../byte-sink.ts';
import { badValue, type ColumnCodec, plainColumn, type TextWriter, type WireWriter } from '../codec.ts';
import { readLittleEndian } from './digits.ts';

/*
 * MySQL keeps a geometry as 4 bytes SRID, little endian, and its WKB; the wire and SELECT both give exactly that. SRID 0 means
 * "none", so it is null, as in Debezium.
 */
const SRID_BYTES = 4;
/** WKB of a point: byte order, type, x, y. */
const POINT_BYTES = 21;

const WKB_FIELDS = [
  { name: 'wkb', type: 'bytes' },
  { name: 'srid', type: nullable('int'), default: null },
] as const;

/** Any spatial type but POINT → io.debezium.data.geometry.Geometry {wkb, srid}. */
export function geometryCodec(): ColumnCodec {
  return {
    schema: {
      type: 'record',
      name: 'Geometry',
      namespace: 'io.debezium.data.geometry',
      fields: WKB_FIELDS,
      'connect.version': 1,
      'connect.name': 'io.debezium.data.geometry.Geometry',
    },
    ...both((buffer, offset, length, sink) => {
      if (length < SRID_BYTES) throw badValue(`${length} bytes are too few for a geometry`);
      writeBytes(sink, buffer, offset + SRID_BYTES, length - SRID_BYTES);
      putSrid(sink, readLittleEndian(buffer, offset, SRID_BYTES));
    }),
  };
}

/** POINT → io.debezium.data.geometry.Point {x, y, wkb, srid}. */
export function pointCodec(): ColumnCodec {
  const [wkb, srid] = WKB_FIELDS;
  return {
    schema: {
      type: 'record',
      name: 'Point',
      namespace: 'io.debezium.data.geometry',
      fields: [
        { name: 'x', type: 'double' },
        { name: 'y', type: 'double' },
        { ...wkb, type: nullable('bytes'), default: null },
        srid,
      ],
      'connect.version': 1,
      'connect.name': 'io.debezium.data.geometry.Point',
    },
    ...both((buffer, offset, length, sink) => {
      if (length !== SRID_BYTES + POINT_BYTES) throw badValue(`${length} bytes are not a point`);
      sink.ensure(16 + 1);
      putRaw(sink, buffer, offset + 9, 16);
      sink.buffer[sink.position++] = 2;
      writeBytes(sink, buffer, offset + SRID_BYTES, POINT_BYTES);
      putSrid(sink, readLittleEndian(buffer, offset, SRID_BYTES));
    }),
  };
}

function putSrid(sink: ByteSink, srid: number): void {
  sink.ensure(1 + INT_BYTES);
  sink.buffer[sink.position++] = srid === 0 ? 0 : 2;
  if (srid !== 0) putInt(sink, srid);
}

/** VECTOR → array of float: the dimensions as IEEE 754 little endian, as the wire and SELECT have them. */
export function vectorCodec(): ColumnCodec {
  return {
    schema: {
      type: 'array',
      items: 'float',
      'connect.version': 1,
      'connect.name': 'io.debezium.data.FloatVector',
    },
    ...both((buffer, offset, length, sink) => {
      if (length % 4 !== 0) throw badValue(`${length} bytes are not a vector of floats`);
      sink.ensure(length + INT_BYTES + 1);
      if (length > 0) putLength(sink, length / 4);
      putRaw(sink, buffer, offset, length);
      sink.buffer[sink.position++] = 0;
    }),
  };
}

function both(fromWire: WireWriter): Omit<ColumnCodec, 'schema'> {
  const fromText: TextWriter = (bytes, sink) => fromWire(bytes, 0, bytes.length, sink);
  return { fromWire, fromText, select: plainColumn };
}
