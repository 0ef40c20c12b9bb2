import type { AvroField, AvroObject } from '../avro-schema.ts';
import { putWords } from '../avro-write.ts';
import { GrowingSink } from '../byte-sink.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve } from '../reader/read-types.ts';
import { fieldsTranscoder, type Transcoder, transcoder } from './transcode.ts';

/** Compiles the way to JSON for a value schema's envelope, or for a key schema's record. */
export function recordText(schema: AvroObject): Transcoder {
  const names = collectNames(schema, new Map());
  const fields = fieldsOf(schema);
  const source = fields.findIndex((field) => field.name === 'source');
  if (source < 0) return transcoder(schema, names);
  const before = fieldsTranscoder(fields.slice(0, source), names, true);
  const block = sourceText(fields[source] as AvroField, names);
  const after = fieldsTranscoder(fields.slice(source + 1), names, false);
  return (cursor, sink) => {
    sink.ensure(1);
    sink.buffer[sink.position++] = 0x7b;
    before(cursor, sink);
    block(cursor, sink);
    after(cursor, sink);
    sink.ensure(1);
    sink.buffer[sink.position++] = 0x7d;
  };
}

/**
 * The source block up to `pos` changes with the transaction only. Avro is read from left to right without gaps, so where the same bytes
 * stand the same text is to be written: one comparison stands for making it.
 */
function sourceText(field: AvroField, names: NamedTypes): Transcoder {
  const fields = fieldsOf(resolve(field.type, names) as AvroObject);
  const own = fields.findIndex(({ name }) => name === 'pos');
  const shared = fieldsTranscoder(fields.slice(0, own), names, true);
  const rest = fieldsTranscoder(fields.slice(own), names, false);
  const text = new GrowingSink(1024);
  let bytes: Buffer = Buffer.alloc(0);
  return (cursor, sink) => {
    const start = cursor.position;
    const { buffer } = cursor;
    if (bytes.length > 0 && startsWith(buffer, start, bytes)) {
      cursor.position = start + bytes.length;
    } else {
      text.position = 0;
      text.position += text.buffer.write(',"source":{', 0, 'latin1');
      shared(cursor, text);
      bytes = Buffer.from(buffer.subarray(start, cursor.position));
    }
    sink.ensure(text.position);
    putWords(sink, text.buffer, text.view, 0, text.position);
    rest(cursor, sink);
    sink.ensure(1);
    sink.buffer[sink.position++] = 0x7d;
  };
}

function startsWith(buffer: Buffer, at: number, bytes: Buffer): boolean {
  return buffer.length - at >= bytes.length && buffer.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}
