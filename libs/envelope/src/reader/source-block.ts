import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import { fieldsOf, type NamedTypes, resolve } from './read-types.ts';
import { skipper } from './skip.ts';

/** Where a change comes from: what writers use of the envelope's `source`. */
export interface SourceBlock {
  readonly name: string;
  readonly db: string;
  readonly table: string;
  /** Commit time, milliseconds since the epoch. */
  readonly ts_ms: number;
  readonly gtid: string | null;
  readonly file: string;
  readonly pos: number;
  readonly row: number;
  /** 'false' unless the row comes from a snapshot. */
  readonly snapshot: string;
}

/** What all rows that a transaction changed in one table have in common. */
export type SourceOrigin = Pick<SourceBlock, (typeof IN_COMMON)[number]>;

const IN_COMMON = ['name', 'db', 'table', 'ts_ms', 'gtid', 'file'] as const;

export const NO_SOURCE: SourceBlock = {
  name: '',
  db: '',
  table: '',
  ts_ms: 0,
  gtid: null,
  file: '',
  pos: 0,
  row: 0,
  snapshot: 'false',
};

type DraftSource = { -readonly [K in keyof SourceBlock]: SourceBlock[K] };

/**
 * Most of the block is that of the record before: all up to `pos` changes with the transaction or the table only. Avro is read from left to right
 * without gaps, so where the same bytes stand the same values are, and one comparison stands for reading them.
 */
export class SourceReader {
  readonly #shared: readonly ReadPart[];
  readonly #own: readonly ReadPart[];
  #head: SourceBlock = NO_SOURCE;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(type: AvroType, names: NamedTypes) {
    const fields = fieldsOf(resolve(type, names) as AvroObject);
    const parts = fields.map((field) => sourcePart(field, names));
    const own = fields.findIndex((field) => field.name === 'pos' || field.name === 'row');
    const inOrder = own >= 0 && !fields.slice(own).some((field) => IN_COMMON.some((name) => name === field.name));
    // In a block of another order everything counts as common: then nothing ever is, and all of it is read.
    this.#shared = parts.slice(0, inOrder ? own : fields.length);
    this.#own = parts.slice(this.#shared.length);
  }

  /** What the record has in common with others: one object for all of them. The cursor is then at what is its own. */
  origin(cursor: Cursor): SourceBlock {
    const start = cursor.position;
    const { buffer } = cursor;
    const { length } = this.#bytes;
    if (
      length > 0 &&
      start + length <= cursor.end &&
      buffer.compare(this.#bytes, 0, length, start, start + length) === 0
    ) {
      cursor.position = start + length;
      return this.#head;
    }
    const head: DraftSource = { ...NO_SOURCE };
    for (const part of this.#shared) part(cursor, head);
    cursor.check();
    this.#head = head;
    this.#bytes = Buffer.from(buffer.subarray(start, cursor.position));
    return head;
  }

  /** The whole block, from what is the record's own on. */
  whole(cursor: Cursor, origin: SourceBlock): SourceBlock {
    const { name, db, table, ts_ms, gtid, file, pos, row, snapshot } = origin;
    const source: DraftSource = { name, db, table, ts_ms, gtid, file, pos, row, snapshot };
    for (const part of this.#own) part(cursor, source);
    return source;
  }

  /** Moves on over what is the record's own, and looks through it. */
  skip(cursor: Cursor): void {
    for (const part of this.#own) part(cursor, SKIPPED);
  }
}

/** What nobody asked for is written here. */
const SKIPPED: DraftSource = { ...NO_SOURCE };

type ReadPart = (cursor: Cursor, source: DraftSource) => void;

function sourcePart(field: AvroField, names: NamedTypes): ReadPart {
  if (!(field.name in NO_SOURCE)) {
    const skip = skipper(field.type, names);
    return (cursor) => skip(cursor);
  }
  const read = sourceValue(field.type, names);
  if (field.name === 'pos' || field.name === 'row') {
    const name = field.name;
    return (cursor, source) => {
      source[name] = read(cursor) as number;
    };
  }
  const name = field.name;
  return (cursor, source) => {
    (source as Record<string, unknown>)[name] = read(cursor);
  };
}

type ReadSource = (cursor: Cursor) => string | number | null;

function sourceValue(type: AvroType, names: NamedTypes): ReadSource {
  const resolved = resolve(type, names);
  if (Array.isArray(resolved)) {
    const branches = (resolved as readonly AvroType[]).map((branch) => sourceValue(branch, names));
    return (cursor) => {
      const branch = branches[cursor.int()];
      if (branch === undefined) throw unreadable('A union of the source block has no such branch.');
      return branch(cursor);
    };
  }
  const name = typeof resolved === 'string' ? resolved : (resolved as AvroObject).type;
  if (name === 'string') return (cursor) => cursor.string();
  if (name === 'null') return () => null;
  return (cursor) => cursor.longNumber();
}
