import { TaplineError } from '@tapline/kernel';
import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import type { ByteSink } from '../byte-sink.ts';
import type { Cursor } from '../reader/avro-read.ts';
import { fieldsOf, type NamedTypes, resolve } from '../reader/read-types.ts';
import {
  INTEGER_BYTES,
  putInteger,
  putLongDigits,
  putNull,
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
  null(_, sink) {
    sink.ensure(INTEGER_BYTES);
    putNull(sink);
  },
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

/** Small records inside of rows: geometries. */
function recordTranscoder(fields: readonly AvroField[], names: NamedTypes): Transcoder {
  const values = fields.map((field) => transcoder(field.type, names));
  const labels = fields.map((field, i) => `${i === 0 ? '{' : ','}${JSON.stringify(fieldName(field))}:`);
  return (cursor, sink) => {
    for (let i = 0; i < values.length; i++) {
      writeAscii(sink, labels[i] as string);
      (values[i] as Transcoder)(cursor, sink);
    }
    writeAscii(sink, '}');
  };
}

/** A column's own name, where Avro's rules for names bent it. */
export function fieldName(field: AvroField): string {
  return field['mysql.name'] ?? field.name;
}
