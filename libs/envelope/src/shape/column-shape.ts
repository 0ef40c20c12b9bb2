import { createSecretKey, type KeyObject } from 'node:crypto';
import { TaplineError } from '@tapline/kernel';
import type { Column } from '@tapline/schema';
import { type ByteSink, GrowingSink } from '../byte-sink.ts';
import type { ColumnCodec } from '../codec.ts';
import { hashWriter } from './hash.ts';
import { maskBytes } from './mask.ts';
import { truncateWriter } from './truncate.ts';

/**
 * What becomes of a column's values before they are written anywhere. NULL stays NULL.
 *
 * - `exclude`: the column is in no schema and no message.
 * - `mask`: every value is this one, given as text.
 * - `hash`: HMAC-SHA-256 of the value's text (of its bytes, for binary types), in hex. Equal values of any column have equal hashes.
 * - `truncate`: the first characters of a text, the first bytes of a binary string.
 */
export type ColumnShape =
  | { readonly kind: 'exclude' }
  | { readonly kind: 'mask'; readonly text: string }
  | { readonly kind: 'hash'; readonly salt: string }
  | { readonly kind: 'truncate'; readonly characters: number };

/** By column name as the table has it. */
export type ColumnShapes = ReadonlyMap<string, ColumnShape>;

/** Writes the value that stands in Avro at the beginning of `avro` in its new form. */
export type Reshape = (avro: GrowingSink, sink: ByteSink) => void;

/** What stays of the memory that a large value has taken. */
const KEPT_BYTES = 1024 * 1024;
/** Where a value stands in Avro before it gets its form: one for all columns, as that is one synchronous go. */
const plain = new GrowingSink(1024);

const keys = new Map<string, KeyObject>();

function keyOf(salt: string): KeyObject {
  let key = keys.get(salt);
  if (key === undefined) {
    key = createSecretKey(Buffer.from(salt));
    keys.set(salt, key);
  }
  return key;
}

/**
 * The codec of a column whose values are shaped. The value is written in Avro first, by the column's own codec, and reshaped from there: so a row of the
 * first load and one of the binlog, which agree in Avro, agree in their new form too. A column without a shape has nothing of this.
 *
 * @throws TaplineError SHAPE_MISMATCH when the type does not take the shape.
 */
export function shapedCodec(
  column: Column,
  codec: ColumnCodec,
  shape: Exclude<ColumnShape, { kind: 'exclude' }>,
): ColumnCodec {
  switch (shape.kind) {
    case 'mask': {
      const bytes = maskBytes(column, codec, shape.text);
      const put = (sink: ByteSink): void => {
        sink.ensure(bytes.length);
        sink.position += bytes.copy(sink.buffer, sink.position);
      };
      return {
        ...codec,
        fromWire: (_buffer, _offset, _length, sink) => put(sink),
        fromText: (_bytes, sink) => put(sink),
      };
    }
    case 'hash':
      return { ...reshaped(codec, hashWriter(column, codec, keyOf(shape.salt))), schema: 'string' };
    case 'truncate':
      return reshaped(codec, truncateWriter(column, codec, shape.characters));
  }
}

function reshaped(codec: ColumnCodec, reshape: Reshape): ColumnCodec {
  const { fromWire, fromText } = codec;
  return {
    ...codec,
    fromWire: (buffer, offset, length, sink) => withPlain(() => fromWire(buffer, offset, length, plain), reshape, sink),
    fromText: (bytes, sink) => withPlain(() => fromText(bytes, plain), reshape, sink),
  };
}

function withPlain(write: () => void, reshape: Reshape, sink: ByteSink): void {
  plain.position = 0;
  try {
    write();
  } catch (error) {
    throw withoutValue(error);
  }
  reshape(plain, sink);
  if (plain.buffer.length > KEPT_BYTES) plain.shrink(KEPT_BYTES);
}

/** Messages and causes may quote the value, which nobody is to see. */
function withoutValue(error: unknown): unknown {
  if (!(error instanceof TaplineError)) return error;
  return new TaplineError(error.code, { message: 'The value, which a shape rule hides, does not fit the column.' });
}

/** How a column's shape is named in its schema, as `tapline.shape`. */
export function shapeName(shape: ColumnShape): string {
  return shape.kind === 'truncate' ? `truncate(${shape.characters})` : shape.kind;
}
