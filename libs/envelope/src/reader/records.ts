import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve, valueReader } from './read-types.ts';
import { type Skip, skipper } from './skip.ts';
import type { ReadValue, Value } from './values.ts';

/** Column name → value, in the table's column order. SQL NULL is `null`. */
export type Row = Readonly<Record<string, Value>>;

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

export interface EnvelopeParts {
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: SourceBlock;
}

export type EnvelopeReader = (cursor: Cursor) => EnvelopeParts;

/** Compiles the reader of a key schema. */
export function rowReader(schema: string): (cursor: Cursor) => Row {
  const type = parse(schema);
  return recordReader(type, collectNames(type, new Map()));
}

function parse(schema: string): AvroObject {
  const type = JSON.parse(schema) as AvroType;
  if (typeof type === 'object' && (type as AvroObject).type === 'record') return type as AvroObject;
  throw unreadable('The schema is not a record.');
}

function recordReader(type: AvroObject, names: NamedTypes): (cursor: Cursor) => Row {
  const fields = fieldsOf(type);
  const columns = fields.map((field) => field['mysql.name'] ?? field.name);
  const readers: readonly ReadValue[] = fields.map((field) => valueReader(field, names));
  return (cursor) => {
    const row: Record<string, Value> = {};
    for (let i = 0; i < readers.length; i++) row[columns[i] as string] = (readers[i] as ReadValue)(cursor);
    cursor.check();
    return row;
  };
}

type Draft = { -readonly [K in keyof EnvelopeParts]: EnvelopeParts[K] };
type ReadField = (cursor: Cursor, draft: Draft) => void;

/** Compiles the reader of a value schema: before, after, source and op; all else is skipped. */
export function envelopeReader(schema: string): EnvelopeReader {
  const type = parse(schema);
  const names = collectNames(type, new Map());
  const fields = fieldsOf(type);
  for (const name of ['before', 'after', 'source', 'op']) {
    if (!fields.some((field) => field.name === name)) throw unreadable(`The value schema has no field ${name}.`);
  }
  const readers = fields.map((field) => envelopeField(field, names));
  return (cursor) => {
    const draft: Draft = { op: 'c', before: null, after: null, source: NO_SOURCE };
    for (const read of readers) read(cursor, draft);
    return draft;
  };
}

function envelopeField(field: AvroField, names: NamedTypes): ReadField {
  switch (field.name) {
    case 'before':
    case 'after':
      return imageField(field.name, field.type, names);
    case 'source':
      return sourceField(field.type, names);
    case 'op':
      return (cursor, draft) => {
        draft.op = opOf(cursor.string());
      };
    default:
      return skipper(field.type, names);
  }
}

function opOf(op: string): EnvelopeParts['op'] {
  if (op === 'c' || op === 'u' || op === 'd' || op === 'r') return op;
  throw unreadable(`The operation is '${op}', not c, u, d or r.`);
}

function imageField(name: 'before' | 'after', type: AvroType, names: NamedTypes): ReadField {
  const branches = (Array.isArray(type) ? (type as readonly AvroType[]) : [type]).map((branch) =>
    resolve(branch, names),
  );
  const readers = branches.map((branch) => (branch === 'null' ? undefined : recordReader(branch as AvroObject, names)));
  return (cursor, draft) => {
    const branch = Array.isArray(type) ? cursor.int() : 0;
    if (branch < 0 || branch >= readers.length) throw unreadable(`The union of ${name} has no branch ${branch}.`);
    draft[name] = readers[branch]?.(cursor) ?? null;
  };
}

const NO_SOURCE: SourceBlock = {
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

function sourceField(type: AvroType, names: NamedTypes): ReadField {
  const record = resolve(type, names) as AvroObject;
  const fields: (readonly [keyof SourceBlock | undefined, Skip | ReadSource])[] = fieldsOf(record).map((field) =>
    field.name in NO_SOURCE
      ? [field.name as keyof SourceBlock, sourceValue(field.type, names)]
      : [undefined, skipper(field.type, names)],
  );
  return (cursor, draft) => {
    const source: Record<string, unknown> = { ...NO_SOURCE };
    for (const [name, read] of fields) {
      if (name === undefined) read(cursor);
      else source[name] = read(cursor);
    }
    draft.source = source as unknown as SourceBlock;
  };
}

type ReadSource = (cursor: Cursor) => string | number | null;

/** Strings of the source block repeat from record to record: the last one is kept and reused where its bytes come again. */
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
  if (name === 'string') return repeatedString();
  if (name === 'null') return () => null;
  return (cursor) => cursor.longNumber();
}

function repeatedString(): ReadSource {
  let bytes = Buffer.alloc(0);
  let text = '';
  return (cursor) => {
    const length = cursor.length();
    const start = cursor.position;
    cursor.position = start + length;
    if (length !== bytes.length || bytes.compare(cursor.buffer, start, start + length) !== 0) {
      bytes = Buffer.from(cursor.buffer.subarray(start, start + length));
      text = bytes.toString('utf8');
    }
    return text;
  };
}
