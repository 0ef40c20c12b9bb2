import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import { EncodedImage } from './encoded-image.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve, valueReader } from './read-types.ts';
import { skipper } from './skip.ts';
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

/** Names of columns. */
export interface AbsentNames {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface EnvelopeParts {
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: SourceBlock;
  /** The columns that the event did not carry, and that `before` and `after` therefore lack; null when they are whole. */
  readonly absent: AbsentNames | null;
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
/** Of what is read in both ways. */
type ReadField = (cursor: Cursor, draft: Pick<Draft, 'op' | 'source' | 'absent'>) => void;
type ReadImage = (cursor: Cursor, draft: Draft) => void;

/** Compiles the reader of a value schema: before, after, source and op; all else is skipped. */
export function envelopeReader(schema: string): EnvelopeReader {
  const { fields, names } = envelopeFields(schema);
  const readers = fields.map((field): ReadImage => {
    const { name } = field;
    return name === 'before' || name === 'after' ? imageField(name, field.type, names) : envelopeField(field, names);
  });
  return (cursor) => {
    const draft: Draft = { op: 'c', before: null, after: null, source: NO_SOURCE, absent: null };
    for (const read of readers) read(cursor, draft);
    if (draft.absent !== null) leaveOut(draft.absent, draft);
    return draft;
  };
}

function envelopeFields(schema: string): { fields: readonly AvroField[]; names: NamedTypes } {
  const type = parse(schema);
  const fields = fieldsOf(type);
  for (const name of ['before', 'after', 'source', 'op']) {
    if (!fields.some((field) => field.name === name)) throw unreadable(`The value schema has no field ${name}.`);
  }
  return { fields, names: collectNames(type, new Map()) };
}

export interface EncodedImages {
  readonly before: EncodedImage;
  readonly after: EncodedImage;
}

/** What of an envelope is read at once, and where in it the rows are. */
export interface ScannedEnvelope extends Omit<EnvelopeParts, 'before' | 'after'> {
  readonly images: EncodedImages;
  readonly beforeAt: number;
  readonly afterAt: number;
}

/** Compiles a reader that only notes where the rows are. It looks through all bytes, so that it finds what is damaged as the other does. */
export function envelopeScanner(schema: string): (cursor: Cursor) => ScannedEnvelope {
  const { fields, names } = envelopeFields(schema);
  const image = (name: string): EncodedImage => {
    const { type } = fields.find((field) => field.name === name) as AvroField;
    return new EncodedImage(type, names);
  };
  const images = { before: image('before'), after: image('after') };
  const readers = fields.map((field): ((cursor: Cursor, draft: ScanDraft) => void) => {
    if (field.name === 'before') {
      return (cursor, draft) => {
        draft.beforeAt = cursor.position;
        images.before.skip(cursor);
      };
    }
    if (field.name === 'after') {
      return (cursor, draft) => {
        draft.afterAt = cursor.position;
        images.after.skip(cursor);
      };
    }
    return envelopeField(field, names);
  });
  return (cursor) => {
    const draft: ScanDraft = { op: 'c', source: NO_SOURCE, absent: null, images, beforeAt: 0, afterAt: 0 };
    for (const read of readers) read(cursor, draft);
    return draft;
  };
}

type ScanDraft = { -readonly [K in keyof ScannedEnvelope]: ScannedEnvelope[K] };

function envelopeField(field: AvroField, names: NamedTypes): ReadField {
  switch (field.name) {
    case 'absent':
      return absentField(field.type, names);
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

/** Takes the columns that were written as null because they are absent out of the rows. */
export function leaveOut(absent: AbsentNames, { before, after }: Pick<EnvelopeParts, 'before' | 'after'>): void {
  for (const name of absent.before) delete (before as Record<string, Value> | null)?.[name];
  for (const name of absent.after) delete (after as Record<string, Value> | null)?.[name];
}

/** [null, {before: [string], after: [string]}] */
function absentField(type: AvroType, names: NamedTypes): ReadField {
  const [none, record] = Array.isArray(type) ? (type as readonly AvroType[]) : [];
  const fields = record === undefined ? [] : fieldsOf(resolve(record, names) as AvroObject);
  if (none !== 'null' || fields.map(({ name }) => name).join() !== 'before,after') {
    throw unreadable('The field absent is not as Tapline writes it.');
  }
  return (cursor, draft) => {
    const branch = cursor.int();
    if (branch === 1) draft.absent = { before: strings(cursor), after: strings(cursor) };
    else if (branch !== 0) throw unreadable(`The union of absent has no branch ${branch}.`);
  };
}

function strings(cursor: Cursor): string[] {
  const all: string[] = [];
  for (let count = cursor.int(); count !== 0; count = cursor.int()) {
    if (count < 0) cursor.long();
    for (let i = Math.abs(count); i > 0; i--) {
      all.push(cursor.string());
      cursor.check();
    }
  }
  return all;
}

function opOf(op: string): EnvelopeParts['op'] {
  if (op === 'c' || op === 'u' || op === 'd' || op === 'r') return op;
  throw unreadable(`The operation is '${op}', not c, u, d or r.`);
}

function imageField(name: 'before' | 'after', type: AvroType, names: NamedTypes): ReadImage {
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

/**
 * Most of the block is that of the record before: all up to `pos` changes with the transaction or the table only. Avro is read from left to right
 * without gaps, so where the same bytes stand the same values are, and one comparison stands for reading them.
 */
function sourceField(type: AvroType, names: NamedTypes): ReadField {
  const record = resolve(type, names) as AvroObject;
  const fields = fieldsOf(record).map((field) => sourcePart(field, names));
  const own = fieldsOf(record).findIndex((field) => field.name === 'pos' || field.name === 'row');
  const shared = fields.slice(0, own < 0 ? fields.length : own);
  const rest = fields.slice(shared.length);
  let head: SourceBlock = NO_SOURCE;
  let bytes: Buffer | undefined;
  return (cursor, draft) => {
    const start = cursor.position;
    const { buffer } = cursor;
    const length = bytes?.length ?? 0;
    if (
      bytes !== undefined &&
      start + length <= buffer.length &&
      buffer.compare(bytes, 0, length, start, start + length) === 0
    ) {
      cursor.position = start + length;
    } else {
      const read: DraftSource = { ...NO_SOURCE };
      for (const part of shared) part(cursor, read);
      cursor.check();
      head = read;
      bytes = Buffer.from(buffer.subarray(start, cursor.position));
    }
    const { name, db, table, ts_ms, gtid, file, pos, row, snapshot } = head;
    const source: DraftSource = { name, db, table, ts_ms, gtid, file, pos, row, snapshot };
    for (const part of rest) part(cursor, source);
    draft.source = source;
  };
}

type DraftSource = { -readonly [K in keyof SourceBlock]: SourceBlock[K] };
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
