import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type Cursor, unreadable } from './avro-read.ts';
import { EncodedImage } from './encoded-image.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve, valueReader } from './read-types.ts';
import { skipper } from './skip.ts';
import { NO_SOURCE, type SourceBlock, SourceReader } from './source-block.ts';
import type { ReadValue, Value } from './values.ts';

/** Column name → value, in the table's column order. SQL NULL is `null`. */
export type Row = Readonly<Record<string, Value>>;

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
type ReadField = (cursor: Cursor, draft: Pick<Draft, 'op' | 'absent'>) => void;
type ReadImage = (cursor: Cursor, draft: Draft) => void;

/** Compiles the reader of a value schema: before, after, source and op; all else is skipped. */
export function envelopeReader(schema: string): EnvelopeReader {
  const { fields, names } = envelopeFields(schema);
  const readers = fields.map((field): ReadImage => {
    const { name, type } = field;
    if (name === 'before' || name === 'after') return imageField(name, type, names);
    return name === 'source' ? sourceField(type, names) : envelopeField(field, names);
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

/** What reads the parts of an envelope that were only looked through. */
export interface EnvelopeLayout {
  readonly before: EncodedImage;
  readonly after: EncodedImage;
  readonly source: SourceReader;
}

/** What of an envelope is read at once, and where the rest is. It is the scanner's own: the next scan writes over it. */
export interface ScannedEnvelope extends Omit<EnvelopeParts, 'before' | 'after' | 'source'> {
  readonly layout: EnvelopeLayout;
  /** What the record's source has in common with others'. */
  readonly origin: SourceBlock;
  /** Where the rest of the source is. */
  readonly sourceAt: number;
  readonly beforeAt: number;
  readonly afterAt: number;
}

/** Compiles a reader that only notes where the rows are. It looks through all bytes, so that it finds what is damaged as the other does. */
export function envelopeScanner(schema: string): (cursor: Cursor) => ScannedEnvelope {
  const { fields, names } = envelopeFields(schema);
  const typeOf = (name: string): AvroType => (fields.find((field) => field.name === name) as AvroField).type;
  const layout: EnvelopeLayout = {
    before: new EncodedImage(typeOf('before'), names),
    after: new EncodedImage(typeOf('after'), names),
    source: new SourceReader(typeOf('source'), names),
  };
  const readers = fields.map((field) => scanField(field, names, layout));
  const draft: ScanDraft = { op: 'c', absent: null, layout, origin: NO_SOURCE, sourceAt: 0, beforeAt: 0, afterAt: 0 };
  return (cursor) => {
    draft.absent = null;
    for (const read of readers) read(cursor, draft);
    return draft;
  };
}

type ScanDraft = { -readonly [K in keyof ScannedEnvelope]: ScannedEnvelope[K] };

function scanField(
  field: AvroField,
  names: NamedTypes,
  { before, after, source }: EnvelopeLayout,
): (cursor: Cursor, draft: ScanDraft) => void {
  switch (field.name) {
    case 'before':
      return (cursor, draft) => {
        draft.beforeAt = cursor.position;
        before.skip(cursor);
      };
    case 'after':
      return (cursor, draft) => {
        draft.afterAt = cursor.position;
        after.skip(cursor);
      };
    case 'source':
      return (cursor, draft) => {
        draft.origin = source.origin(cursor);
        draft.sourceAt = cursor.position;
        source.skip(cursor);
      };
    default:
      return envelopeField(field, names);
  }
}

function envelopeField(field: AvroField, names: NamedTypes): ReadField {
  switch (field.name) {
    case 'absent':
      return absentField(field.type, names);
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

function sourceField(type: AvroType, names: NamedTypes): ReadImage {
  const reader = new SourceReader(type, names);
  return (cursor, draft) => {
    draft.source = reader.whole(cursor, reader.origin(cursor));
  };
}
