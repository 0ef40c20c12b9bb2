import type { RowImage } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Table } from '@tapline/schema';
import type { AvroField, AvroObject, AvroType } from '../avro-schema.ts';
import { type ByteSink, GrowingSink } from '../byte-sink.ts';
import { EventFrame } from '../cloud-events/event-frame.ts';
import { FRAME_BYTES, type TableEnvelope, type TextRow } from '../compile.ts';
import { Cursor } from '../reader/avro-read.ts';
import { collectNames, fieldsOf, type NamedTypes, resolve } from '../reader/read-types.ts';
import { avroReducer, type Reducer } from '../reduce.ts';
import { type EnvelopeOptions, planTable, type TablePlan } from '../table-plan.ts';
import type { ChangeMeta } from '../transaction.ts';
import { connectSchema } from './connect-schema.ts';
import { EnvelopeText } from './envelope-text.ts';
import { INTEGER_BYTES, putNull } from './json-write.ts';
import { keyPayload } from './key-text.ts';
import { RowText } from './row-text.ts';
import { putText, Text } from './texts.ts';
import { type Transcoder, transcoder } from './transcode.ts';

export interface JsonOptions extends EnvelopeOptions {
  /** Each key and value carries its Connect schema: `{"schema":…,"payload":…}`. Without, it is the payload alone. */
  readonly schemas: boolean;
  /** Values are CloudEvents in structured mode, with the value as `data`. */
  readonly cloudEvents: boolean;
}

/**
 * Compiles the writers of a table in JSON. Throws as `compileEnvelope` does.
 *
 * A row is first written in Avro, into a buffer that stays, and then said in JSON, from bytes to bytes: so there is one place that knows
 * MySQL's bytes, and both formats hold the same values. Rejected: writers of JSON for each column type beside those of Avro, which would save
 * some time and be a second chance for every mistake.
 */
export function compileJsonEnvelope(options: JsonOptions): TableEnvelope {
  return new JsonEnvelope(planTable(options), options);
}

/** Shared by all tables, as a record is written and read in one synchronous go. A giant's memory is given back before the next one. */
const keys = new GrowingSink(1024);
const images = new GrowingSink();
const KEPT_BYTES = 16 * 1024 * 1024;
const cursor = new Cursor();
/** Whose value was written last, and with what. */
const last: { of?: JsonEnvelope; op: string; meta?: ChangeMeta } = { op: '' };

class JsonEnvelope implements TableEnvelope {
  readonly table: Table;
  readonly #plan: TablePlan;
  readonly #row: RowText;
  readonly #rest: EnvelopeText;
  readonly #absent: Transcoder | undefined;
  readonly #head: Text;
  readonly #event: EventFrame | undefined;
  readonly #key: RowText | undefined;
  readonly #keyHead: Text;
  readonly #keyEnd: Text;
  #reduce: Reducer | undefined;

  constructor(plan: TablePlan, { schemas, cloudEvents }: JsonOptions) {
    this.table = plan.table;
    this.#plan = plan;
    const value = JSON.parse(plan.valueSchema) as AvroObject;
    const names = collectNames(value, new Map());
    const end = `${schemas ? '}' : ''}${cloudEvents ? '}' : ''}`;
    this.#row = new RowText(recordFields(value, 'after', names), names);
    this.#rest = new EnvelopeText(plan, recordFields(value, 'source', names), names, end);
    const absent = fieldsOf(value).find((field) => field.name === 'absent');
    this.#absent = absent && transcoder(absent.type, names);
    this.#head = new Text(`${schemas ? schemaText(value) : ''}{"before":`);
    this.#event = cloudEvents ? EventFrame.structured(plan) : undefined;
    const key = plan.keySchema === undefined ? undefined : (JSON.parse(plan.keySchema) as AvroObject);
    this.#key = key && new RowText(fieldsOf(key), collectNames(key, new Map()));
    this.#keyHead = new Text(`${schemas && key !== undefined ? schemaText(key) : ''}{`);
    this.#keyEnd = new Text(schemas ? '}}' : '}');
  }

  get selectList(): string {
    return this.#plan.selectList;
  }

  writeKey(sink: ByteSink, image: RowImage): void {
    const { key } = this.#plan;
    if (key === undefined) throw noKey(this.table);
    keys.position = 0;
    key.writeImage(keys, image, 0);
    this.#putKey(sink);
  }

  writeKeyFromText(sink: ByteSink, row: TextRow): void {
    const { key } = this.#plan;
    if (key === undefined) throw noKey(this.table);
    keys.position = 0;
    key.writeText(keys, row, 0);
    this.#putKey(sink);
  }

  keyChanged(before: RowImage, after: RowImage): boolean {
    const changed = this.#plan.key?.differs(before, after) ?? false;
    if (changed) this.#plan.absent?.checkMoved(after);
    return changed;
  }

  writeValue(...[sink, op, before, after, meta]: Parameters<TableEnvelope['writeValue']>): void {
    this.#plan.absent?.find(before, after);
    this.#startImages();
    this.#writeImage(before);
    this.#writeImage(after);
    this.#plan.absent?.write(images);
    this.#putValue(sink, images, op, meta);
  }

  writeSnapshotValue(sink: ByteSink, row: TextRow, meta: ChangeMeta): void {
    this.#plan.absent?.findInText(row);
    this.#startImages();
    images.buffer[images.position++] = NULL_BRANCH;
    images.buffer[images.position++] = VALUE_BRANCH;
    this.#plan.row.writeText(images, row, images.position);
    this.#plan.absent?.write(images);
    this.#putValue(sink, images, 'r', meta);
  }

  /** `value` must be the one written last: its images are still there in Avro. */
  writeReduced(sink: ByteSink, _value: Buffer, longestBytes: number): void {
    const { op, meta } = last;
    if (last.of !== this || meta === undefined) {
      throw new TaplineError('INTERNAL', { message: 'Only the value written last can be reduced.' });
    }
    this.#reduce ??= avroReducer(imagesSchema(this.#plan.valueSchema));
    const reduced = new GrowingSink(1024);
    this.#reduce(reduced, images.written(), longestBytes);
    this.#putValue(sink, reduced, op, meta);
  }

  printKey(key: Buffer): string {
    const text = key.toString('utf8', keyPayload(key), key.length - this.#keyEnd.length + 1);
    return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`;
  }

  #startImages(): void {
    images.shrink(KEPT_BYTES);
    // The reducer expects the framing of a value in front.
    images.position = FRAME_BYTES;
  }

  #writeImage(image: RowImage | undefined): void {
    images.ensure(1);
    images.buffer[images.position++] = image === undefined ? NULL_BRANCH : VALUE_BRANCH;
    if (image !== undefined) this.#plan.row.writeImage(images, image, images.position);
  }

  #putKey(sink: ByteSink): void {
    cursor.open(keys.buffer, 0);
    putText(sink, this.#keyHead);
    (this.#key as RowText).write(cursor, sink);
    putText(sink, this.#keyEnd);
  }

  #putValue(sink: ByteSink, avro: GrowingSink, op: string, meta: ChangeMeta): void {
    last.of = this;
    last.op = op;
    last.meta = meta;
    this.#event?.write(sink, op, meta);
    cursor.open(avro.buffer, FRAME_BYTES);
    putText(sink, this.#head);
    this.#putImage(sink);
    putText(sink, AFTER);
    this.#putImage(sink);
    if (this.#absent !== undefined) {
      putText(sink, ABSENT);
      this.#absent(cursor, sink);
    }
    this.#rest.write(sink, op, meta);
  }

  #putImage(sink: ByteSink): void {
    sink.ensure(INTEGER_BYTES);
    if (cursor.byte() === NULL_BRANCH) {
      putNull(sink);
      return;
    }
    sink.buffer[sink.position++] = 0x7b;
    this.#row.write(cursor, sink);
    sink.ensure(1);
    sink.buffer[sink.position++] = 0x7d;
  }
}

const AFTER = new Text(',"after":');
const ABSENT = new Text(',"absent":');
const NULL_BRANCH = 0;
const VALUE_BRANCH = 2;
const MAX_CHARACTERS = 200;

function schemaText(schema: AvroObject): string {
  return `{"schema":${JSON.stringify(connectSchema(schema))},"payload":`;
}

/** The fields of the record that a field of the envelope holds. */
function recordFields(value: AvroObject, name: string, names: NamedTypes): readonly AvroField[] {
  const type = fieldsOf(value).find((field) => field.name === name)?.type;
  const branches = Array.isArray(type) ? (type as readonly AvroType[]) : [type as AvroType];
  const records = branches.map((branch) => resolve(branch, names)).filter((branch) => typeof branch === 'object');
  return fieldsOf(records[0] as AvroObject);
}

const IMAGES: ReadonlySet<string> = new Set(['before', 'after', 'absent']);

/** The value schema with nothing behind `before`, `after` and `absent`. */
function imagesSchema(valueSchema: string): string {
  const value = JSON.parse(valueSchema) as AvroObject;
  return JSON.stringify({ ...value, fields: fieldsOf(value).filter(({ name }) => IMAGES.has(name)) });
}

function noKey(table: Table): TaplineError {
  const place = { table: `${table.database}.${table.name}` };
  return new TaplineError('INTERNAL', { message: 'A key was asked of a table without a key.', place });
}
