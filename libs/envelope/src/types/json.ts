import { writeJsonText } from '@tapline/binlog';
import { semantic } from '../avro-schema.ts';
import { INT_BYTES, putLength, writeBytes } from '../avro-write.ts';
import type { ByteSink } from '../byte-sink.ts';
import { type ColumnCodec, plainColumn } from '../codec.ts';

/** JSON → string: the text that MySQL prints, on both ways. */
export function jsonCodec(): ColumnCodec {
  return {
    schema: semantic('string', 'io.debezium.data.Json'),
    fromWire: writeJson,
    fromText: (bytes, sink) => writeBytes(sink, bytes, 0, bytes.length),
    select: plainColumn,
  };
}

/**
 * Avro wants the length in front of a text whose length is known when it is written: room is left for as many bytes as the binary form's
 * length takes, and the text moved where that was wrong.
 */
function writeJson(buffer: Buffer, offset: number, length: number, sink: ByteSink): void {
  const start = sink.position;
  const room = lengthBytes(length);
  sink.ensure(INT_BYTES);
  sink.position += room;
  writeJsonText(sink, buffer, offset, length);
  const textBytes = sink.position - start - room;
  const shift = lengthBytes(textBytes) - room;
  if (shift !== 0) {
    sink.ensure(INT_BYTES);
    sink.buffer.copyWithin(start + room + shift, start + room, sink.position);
  }
  sink.position = start;
  putLength(sink, textBytes);
  sink.position += textBytes;
}

/** Bytes of a length as Avro writes it: 7 bits a byte of twice the number. */
function lengthBytes(length: number): number {
  if (length < 0x40) return 1;
  if (length < 0x2000) return 2;
  if (length < 0x10_0000) return 3;
  return length < 0x800_0000 ? 4 : 5;
}
