import type { Column } from '@tapline/schema';
import { INT_BYTES, putLength, putRaw, writeBytes, writeFromImage } from '../avro-write.ts';
import { type CharsetWriter, charsetWriter } from '../charsets/charset.ts';
import { type ColumnCodec, plainColumn, type TextWriter, type WireWriter } from '../codec.ts';

/** CHAR, VARCHAR and the TEXTs → string. The wire has the column's own character set, CHAR without its trailing spaces, as SELECT gives it. */
export function textCodec(column: Column): ColumnCodec {
  const write = charsetWriter(column.charset ?? 'utf8mb4');
  if (write === 'copy') return { schema: 'string', fromWire: copy, fromText: copyText, select: plainColumn };
  return { schema: 'string', ...decoded(write) };
}

/** SELECT gives the column's own bytes, so that both front ends decode the same bytes with the same table. */
function decoded(write: CharsetWriter): Omit<ColumnCodec, 'schema'> {
  return {
    fromWire: write,
    fromText: (bytes, sink) => write(bytes, 0, bytes.length, sink),
    select: (name) => `CAST(${name} AS BINARY)`,
  };
}

const copy: WireWriter = (buffer, offset, length, sink) => writeFromImage(sink, buffer, offset, length);
const copyText: TextWriter = (bytes, sink) => writeBytes(sink, bytes, 0, bytes.length);

/** BINARY, VARBINARY and the BLOBs → bytes. */
export function binaryCodec(column: Column): ColumnCodec {
  return {
    schema: 'bytes',
    fromWire: column.type === 'binary' ? padded(column.length ?? 1) : copy,
    fromText: copyText,
    select: plainColumn,
  };
}

/** MariaDB's UUID (16 bytes), INET6 (16) and INET4 (4): the binlog says no more of them than BINARY(n), so that is what they are. */
export function fixedBytesCodec(column: Column): ColumnCodec {
  const width = column.length ?? 16;
  return {
    schema: 'bytes',
    fromWire: padded(width),
    fromText: copyText,
    select: (name) => `CAST(${name} AS BINARY(${width}))`,
  };
}

/** The wire leaves trailing zero bytes of BINARY(n) out; SELECT gives all n. */
function padded(width: number): WireWriter {
  return (buffer, offset, length, sink) => {
    sink.ensure(width + INT_BYTES);
    putLength(sink, width);
    putRaw(sink, buffer, offset, length);
    sink.buffer.fill(0, sink.position, sink.position + width - length);
    sink.position += width - length;
  };
}
