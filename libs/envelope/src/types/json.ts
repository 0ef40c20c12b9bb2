import { jsonText } from '@tapline/binlog';
import { semantic } from '../avro-schema.ts';
import { writeBytes, writeString } from '../avro-write.ts';
import { type ColumnCodec, plainColumn } from '../codec.ts';

/** JSON → string: the text that MySQL prints, on both ways. */
export function jsonCodec(): ColumnCodec {
  return {
    schema: semantic('string', 'io.debezium.data.Json'),
    fromWire: (buffer, offset, length, sink) => writeString(sink, jsonText(buffer, offset, length)),
    fromText: (bytes, sink) => writeBytes(sink, bytes, 0, bytes.length),
    select: plainColumn,
  };
}
