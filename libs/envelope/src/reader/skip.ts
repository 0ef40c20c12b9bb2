import type { AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import { fieldsOf, type NamedTypes, resolve } from './read-types.ts';

/** Moves the cursor over a value that nobody asked for. */
export type Skip = (cursor: Cursor) => void;

const varint: Skip = (cursor) => cursor.long();
const sized: Skip = (cursor) => {
  const length = cursor.length();
  cursor.position += length;
};
const fixed = (bytes: number): Skip => {
  return (cursor) => {
    cursor.position += bytes;
  };
};

const PRIMITIVES: Readonly<Record<string, Skip>> = {
  null: () => {},
  boolean: fixed(1),
  int: varint,
  long: varint,
  float: fixed(4),
  double: fixed(8),
  bytes: sized,
  string: sized,
  enum: varint,
};

export function skipper(type: AvroType, names: NamedTypes): Skip {
  const resolved = resolve(type, names);
  if (Array.isArray(resolved)) {
    const branches = (resolved as readonly AvroType[]).map((branch) => skipper(branch, names));
    return (cursor) => {
      const branch = branches[cursor.int()];
      if (branch === undefined) throw unreadable('A union has no such branch.');
      branch(cursor);
    };
  }
  const object: AvroObject = typeof resolved === 'string' ? { type: resolved } : (resolved as AvroObject);
  if (object.type === 'record') {
    const fields = fieldsOf(object).map((field) => skipper(field.type, names));
    return (cursor) => {
      for (const field of fields) field(cursor);
    };
  }
  if (object.type === 'array') return skipBlocks(skipper(object.items as AvroType, names));
  const primitive = PRIMITIVES[object.type];
  if (primitive === undefined) throw unreadable(`Avro type ${object.type} is not known here.`);
  return primitive;
}

function skipBlocks(item: Skip): Skip {
  return (cursor) => {
    for (let count = cursor.int(); count !== 0; count = cursor.int()) {
      if (count < 0) cursor.long();
      for (let i = Math.abs(count); i > 0; i--) {
        item(cursor);
        cursor.check();
      }
    }
  };
}
