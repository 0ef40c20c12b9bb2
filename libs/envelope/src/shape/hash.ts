import { createHmac, type KeyObject } from 'node:crypto';
import type { Column } from '@tapline/schema';
import { writeString } from '../avro-write.ts';
import type { ColumnCodec } from '../codec.ts';
import { typeName } from '../mysql-type.ts';
import { Cursor } from '../reader/avro-read.ts';
import { typeReader } from '../reader/read-types.ts';
import type { Value } from '../reader/values.ts';
import type { Reshape } from './column-shape.ts';

/**
 * Writes the HMAC of a value. What is hashed is the text that a consumer of the plain value would see (of binary types the bytes), so that a key of one table
 * and the reference to it in another have equal hashes, also where one is INT and the other BIGINT.
 */
export function hashWriter(column: Column, codec: ColumnCodec, key: KeyObject): Reshape {
  const read = typeReader(codec.schema, new Map(), typeName(column));
  const cursor = new Cursor();
  return (avro, sink) => {
    cursor.open(avro.written(), 0);
    const value = read(cursor);
    writeString(sink, createHmac('sha256', key).update(hashed(value)).digest('hex'));
  };
}

function hashed(value: Value): string | Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return String(value);
}
