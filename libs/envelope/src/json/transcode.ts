import { TaplineError } from '@tapline/kernel';
import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { putRaw, putWords } from '../avro-write.ts';
import { type ByteSink, GrowingSink } from '../byte-sink.ts';
import type { Cursor } from '../reader/avro-read.ts';
import { fieldsOf, type NamedTypes, resolve } from '../reader/read-types.ts';
import {
  INTEGER_BYTES,
  putInteger,
  putLongDigits,
  writeAscii,
  writeBase64,
  writeDouble,
  writeFloat,
  writeText,
} from './json-write.ts';

/** Reads one Avro value at the cursor and writes it as JSON. */
export type Transcoder = (cursor: Cursor, sink: ByteSink) => void;

/**
 * Compiles the way from Avro's bytes to JSON for a type, in the forms of Kafka Connect's JsonConverter: numbers with all their digits, bytes
 * (decimals too) as base64, records as objects, null for the null branch of a union.
 */
export function transcoder(type: AvroType, names: NamedTypes): Transcoder {
  const resolved = resolve(type, names);
  if (Array.isArray(resolved)) return unionTranscoder(resolved as readonly AvroType[], names);
  const object: AvroObject = typeof resolved === 'string' ? { type: resolved } : (resolved as AvroObject);
  if (object.type === 'record') return recordTranscoder(fieldsOf(object), names);
  if (object.type === 'array') return arrayTranscoder(transcoder(object.items as AvroType, names));
  const plain = PLAIN[object.type];
  if (plain !== undefined) return plain;
  throw new TaplineError('INTERNAL', { message: `Avro type ${object.type} has no form in JSON.` });
}

const PLAIN: Readonly<Record<string, Transcoder>> = {
  null: (_, sink) => writeAscii(sink, 'null'),
  boolean: (cursor, sink) => writeAscii(sink, cursor.byte() === 1 ? 'true' : 'false'),
  int(cursor, sink) {
    sink.ensure(INTEGER_BYTES);
    putInteger(sink, cursor.int());
  },
  long(cursor, sink) {
    sink.ensure(INTEGER_BYTES);
    cursor.long();
    putLongDigits(sink, cursor.high, cursor.low);
  },
  float(cursor, sink) {
    writeFloat(sink, cursor.buffer.readFloatLE(cursor.position));
    cursor.position += 4;
  },
  double(cursor, sink) {
    writeDouble(sink, cursor.buffer.readDoubleLE(cursor.position));
    cursor.position += 8;
  },
  bytes(cursor, sink) {
    const length = cursor.length();
    writeBase64(sink, cursor.buffer, cursor.position, length);
    cursor.position += length;
  },
  string(cursor, sink) {
    const length = cursor.length();
    writeText(sink, cursor.buffer, cursor.position, length);
    cursor.position += length;
  },
};

function unionTranscoder(types: readonly AvroType[], names: NamedTypes): Transcoder {
  const branches = types.map((type) => transcoder(type, names));
  return (cursor, sink) => (branches[cursor.int()] as Transcoder)(cursor, sink);
}

function arrayTranscoder(item: Transcoder): Transcoder {
  return (cursor, sink) => {
    writeAscii(sink, '[');
    let first = true;
    for (let count = cursor.int(); count !== 0; count = cursor.int()) {
      for (let i = 0; i < count; i++) {
        if (!first) writeAscii(sink, ',');
        first = false;
        item(cursor, sink);
      }
    }
    writeAscii(sink, ']');
  };
}

/** The fields of a record with their names in front; neither brace. The names lie in one buffer, each with the comma before and the colon behind it. */
export function fieldsTranscoder(fields: readonly AvroField[], names: NamedTypes, first: boolean): Transcoder {
  const values = fields.map((field) => transcoder(field.type, names));
  const labels = new GrowingSink(1024);
  const ends = new Int32Array(fields.length);
  fields.forEach((field, i) => {
    const name = Buffer.from(`${first && i === 0 ? '' : ','}${JSON.stringify(fieldName(field))}:`);
    labels.ensure(name.length);
    putRaw(labels, name, 0, name.length);
    ends[i] = labels.position;
  });
  const { buffer, view } = labels;
  return (cursor, sink) => {
    let at = 0;
    for (let i = 0; i < values.length; i++) {
      const end = ends[i] as number;
      sink.ensure(end - at);
      putWords(sink, buffer, view, at, end - at);
      at = end;
      (values[i] as Transcoder)(cursor, sink);
    }
  };
}

function recordTranscoder(fields: readonly AvroField[], names: NamedTypes): Transcoder {
  const body = fieldsTranscoder(fields, names, true);
  return (cursor, sink) => {
    sink.ensure(1);
    sink.buffer[sink.position++] = 0x7b;
    body(cursor, sink);
    sink.ensure(1);
    sink.buffer[sink.position++] = 0x7d;
  };
}

/** A column's own name, where Avro's rules for names bent it. */
export function fieldName(field: AvroField): string {
  return field['mysql.name'] ?? field.name;
}
