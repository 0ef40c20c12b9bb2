import type { AvroObject, AvroType } from './avro-schema.ts';
import { writeBytes } from './avro-write.ts';
import type { ByteSink } from './byte-sink.ts';
import { Cursor } from './reader/avro-read.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve } from './reader/read-types.ts';
import { skipper } from './reader/skip.ts';

/** What Debezium writes where it has no value to give (its `unavailable.value.placeholder`): consumers of it know the text. */
export const UNAVAILABLE_VALUE = '__debezium_unavailable_value';

const PLACEHOLDER = Buffer.from(UNAVAILABLE_VALUE);
const FRAME_BYTES = 5;
const IMAGES: ReadonlySet<string> = new Set(['before', 'after']);

/** Writes a value again, with the texts and bytes of its row images that are longer than `longestBytes` replaced by the placeholder. */
export type Reducer = (sink: ByteSink, value: Buffer, longestBytes: number) => void;

/** Compiles the reducer of a value schema. Works on the encoded bytes, so that it does not matter where the row came from. */
export function avroReducer(valueSchema: string): Reducer {
  const type = JSON.parse(valueSchema) as AvroObject;
  const names = collectNames(type, new Map());
  const fields = fieldsOf(type).map((field) =>
    IMAGES.has(field.name) ? walker(field.type, names) : plain(skipper(field.type, names)),
  );
  return (sink, value, longestBytes) => {
    const copy = new ReducedCopy(sink, value, longestBytes);
    for (const field of fields) field(copy);
    copy.finish();
  };
}

type Walk = (copy: ReducedCopy) => void;

/** Follows a value from left to right. What is not replaced is copied in runs, between one replaced value and the next. */
class ReducedCopy {
  readonly cursor: Cursor = new Cursor();
  readonly #sink: ByteSink;
  readonly #longestBytes: number;
  #copied = 0;

  constructor(sink: ByteSink, value: Buffer, longestBytes: number) {
    this.#sink = sink;
    this.#longestBytes = longestBytes;
    this.cursor.open(value, FRAME_BYTES);
  }

  /** At the length of a string or of bytes. */
  sized(): void {
    const { cursor } = this;
    const start = cursor.position;
    const length = cursor.length();
    cursor.position += length;
    if (length <= this.#longestBytes) return;
    this.#copyTo(start);
    writeBytes(this.#sink, PLACEHOLDER, 0, PLACEHOLDER.length);
    this.#copied = cursor.position;
  }

  finish(): void {
    this.cursor.check();
    this.#copyTo(this.cursor.buffer.length);
  }

  #copyTo(end: number): void {
    const sink = this.#sink;
    const length = end - this.#copied;
    sink.ensure(length);
    this.cursor.buffer.copy(sink.buffer, sink.position, this.#copied, end);
    sink.position += length;
  }
}

function walker(type: AvroType, names: NamedTypes): Walk {
  const resolved = resolve(type, names);
  if (Array.isArray(resolved)) {
    const branches = (resolved as readonly AvroType[]).map((branch) => walker(branch, names));
    return (copy) => (branches[copy.cursor.int()] as Walk)(copy);
  }
  const object: AvroObject = typeof resolved === 'string' ? { type: resolved } : (resolved as AvroObject);
  if (object.type === 'record') {
    const fields = fieldsOf(object).map((field) => walker(field.type, names));
    return (copy) => {
      for (const field of fields) field(copy);
    };
  }
  return isReplaceable(object) ? (copy) => copy.sized() : plain(skipper(object, names));
}

/** Texts, JSON and bytes; not what only looks like them: an ENUM's member, a DECIMAL's bytes. */
function isReplaceable({ type, 'connect.name': name }: AvroObject): boolean {
  return (type === 'string' || type === 'bytes') && (name === undefined || name === 'io.debezium.data.Json');
}

function plain(skip: (cursor: Cursor) => void): Walk {
  return (copy) => skip(copy.cursor);
}
