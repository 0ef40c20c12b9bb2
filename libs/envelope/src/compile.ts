import type { RowImage } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Table } from '@tapline/schema';
import type { AbsentColumns } from './absent-columns.ts';
import { LONG_BYTES, putInt, putRaw, putSafeLong, putWords, writeString } from './avro-write.ts';
import { type ByteSink, GrowingSink } from './byte-sink.ts';
import { printKey } from './print-key.ts';
import { avroReducer, type Reducer } from './reduce.ts';
import type { KeyWriter, RowWriter } from './row-writer.ts';
import { type EnvelopeOptions, planTable, SOURCE_VERSION, type TablePlan } from './table-plan.ts';
import type { ChangeMeta } from './transaction.ts';

/** One row as the text protocol gives it: `selectList`'s expressions in order, NULL as null; undefined is absent (`rowImage: partial` only). */
export type TextRow = readonly (Buffer | null | undefined)[];

export interface SchemaIds {
  /** Absent for tables without a key. */
  readonly key?: number;
  readonly value: number;
}

/**
 * Encodes the changes of one table in one layout, in one format.
 * Throws, with table and column: SOURCE_ROW_IMAGE when an image lacks a column, SCHEMA_MISMATCH when a value does not fit its column. After an error
 * the sink is as it was before.
 */
export interface TableEnvelope {
  readonly table: Table;
  /** Expressions for SELECT, joined with commas, without aliases: exactly one a column, in column order. Text columns need a session in utf8mb4. */
  readonly selectList: string;
  /** INTERNAL for a table without a key. */
  writeKey(sink: ByteSink, image: RowImage): void;
  writeKeyFromText(sink: ByteSink, row: TextRow): void;
  /**
   * Whether an update changed the key: then it is a delete and a tombstone on the old key, and a create on the new one. False without a key.
   * Throws SOURCE_ROW_IMAGE when the event does not say, or does not carry the whole row that a create must have.
   */
  keyChanged(before: RowImage, after: RowImage): boolean;
  writeValue(
    sink: ByteSink,
    op: 'c' | 'u' | 'd',
    before: RowImage | undefined,
    after: RowImage | undefined,
    meta: ChangeMeta,
  ): void;
  /** op `r`. */
  writeSnapshotValue(sink: ByteSink, row: TextRow, meta: ChangeMeta): void;
  /**
   * A written value once more, for a record that cannot carry it: texts and bytes of the images that are longer than `longestBytes` are replaced
   * by UNAVAILABLE_VALUE.
   */
  writeReduced(sink: ByteSink, value: Buffer, longestBytes: number): void;
  /** A written key for people: `{"id":7}`. */
  printKey(key: Buffer): string;
}

/** Avro in Confluent's framing: 0x00, the schema id (int32 big endian), Avro. */
export interface AvroEnvelope extends TableEnvelope {
  /** Canonical JSON; undefined when the table has no key. */
  readonly keySchema: string | undefined;
  readonly valueSchema: string;
  /** Gives the ids that the registry has for the schemas. Must come before anything is written; may come again. */
  bind(ids: SchemaIds): void;
}

/** Compiles the writers of a table. Throws SCHEMA_UNSUPPORTED (type or character set), SCHEMA_MISMATCH (wire ≠ table), SCHEMA_NO_KEY. */
export function compileEnvelope(options: EnvelopeOptions): AvroEnvelope {
  return new CompiledEnvelope(planTable(options));
}

const NULL_BRANCH = 0;
const VALUE_BRANCH = 2;
/** In front of every key and value. */
export const FRAME_BYTES = 5;

/**
 * What is the same for the rows of one table in a transaction that are read in the same millisecond: of whichever table has written last. Records are
 * written in one synchronous go, and thousands of tables would have as many of them.
 */
const rest: {
  /** `source` up to the row's part: the table's bytes, and behind them those of the transaction. */
  readonly source: GrowingSink;
  /** `ts_ms` and `transaction` up to the row's part. */
  readonly tail: GrowingSink;
  of: CompiledEnvelope | undefined;
  generation: number;
  readMs: number;
} = { source: new GrowingSink(512), tail: new GrowingSink(128), of: undefined, generation: -1, readMs: -1 };

class CompiledEnvelope implements AvroEnvelope {
  readonly table: Table;
  readonly #plan: TablePlan;
  readonly #key: KeyWriter | undefined;
  readonly #row: RowWriter;
  readonly #absent: AbsentColumns | undefined;
  /** `source.version` … `source.sequence`. */
  readonly #tableSource: Buffer;
  #reduce: Reducer | undefined;
  #keyId = -1;
  #valueId = -1;

  constructor(compiled: TablePlan) {
    this.table = compiled.table;
    this.#plan = compiled;
    this.#key = compiled.key;
    this.#row = compiled.row;
    this.#absent = compiled.absent;
    this.#tableSource = tableSource(compiled);
  }

  get selectList(): string {
    return this.#plan.selectList;
  }

  get keySchema(): string | undefined {
    return this.#plan.keySchema;
  }

  get valueSchema(): string {
    return this.#plan.valueSchema;
  }

  bind(ids: SchemaIds): void {
    this.#keyId = ids.key ?? -1;
    this.#valueId = ids.value;
  }

  writeKey(sink: ByteSink, image: RowImage): void {
    const start = this.#startKey(sink);
    this.#keyWriter().writeImage(sink, image, start);
  }

  writeKeyFromText(sink: ByteSink, row: TextRow): void {
    const start = this.#startKey(sink);
    this.#keyWriter().writeText(sink, row, start);
  }

  keyChanged(before: RowImage, after: RowImage): boolean {
    const changed = this.#key?.differs(before, after) ?? false;
    if (changed) this.#absent?.checkMoved(after);
    return changed;
  }

  writeValue(...[sink, op, before, after, meta]: Parameters<TableEnvelope['writeValue']>): void {
    const start = sink.position;
    this.#absent?.find(before, after);
    frame(sink, this.#valueId, this.table);
    this.#writeImage(sink, before, start);
    this.#writeImage(sink, after, start);
    this.#absent?.write(sink);
    this.#writeRest(sink, op.charCodeAt(0), meta);
  }

  writeSnapshotValue(sink: ByteSink, row: TextRow, meta: ChangeMeta): void {
    const start = sink.position;
    this.#absent?.findInText(row);
    frame(sink, this.#valueId, this.table);
    sink.ensure(2);
    sink.buffer[sink.position++] = NULL_BRANCH;
    sink.buffer[sink.position++] = VALUE_BRANCH;
    this.#row.writeText(sink, row, start);
    this.#absent?.write(sink);
    this.#writeRest(sink, OP_READ, meta);
  }

  writeReduced(sink: ByteSink, value: Buffer, longestBytes: number): void {
    this.#reduce ??= avroReducer(this.valueSchema);
    this.#reduce(sink, value, longestBytes);
  }

  printKey(key: Buffer): string {
    return printKey(this.keySchema ?? '', key);
  }

  #startKey(sink: ByteSink): number {
    const start = sink.position;
    frame(sink, this.#keyId, this.table);
    return start;
  }

  #keyWriter(): KeyWriter {
    if (this.#key !== undefined) return this.#key;
    throw new TaplineError('INTERNAL', {
      message: 'A key was asked of a table without a key.',
      place: place(this.table),
    });
  }

  #writeImage(sink: ByteSink, image: RowImage | undefined, start: number): void {
    sink.ensure(1);
    sink.buffer[sink.position++] = image === undefined ? NULL_BRANCH : VALUE_BRANCH;
    if (image !== undefined) this.#row.writeImage(sink, image, start);
  }

  /** source, op, ts_ms, transaction */
  #writeRest(sink: ByteSink, op: number, meta: ChangeMeta): void {
    const { transaction } = meta;
    if (rest.of !== this || transaction.generation !== rest.generation || meta.readMs !== rest.readMs) {
      this.#startRest(meta);
    }
    const { source, tail } = rest;
    sink.ensure(source.position + tail.position + 5 * LONG_BYTES);
    putWords(sink, source.buffer, source.view, 0, source.position);
    putSafeLong(sink, meta.position);
    putInt(sink, meta.row);
    const { buffer } = sink;
    let position = sink.position;
    buffer[position++] = NULL_BRANCH; // thread
    buffer[position++] = NULL_BRANCH; // query
    buffer[position++] = 2; // the length of op: 1
    buffer[position++] = op;
    sink.position = position;
    putWords(sink, tail.buffer, tail.view, 0, tail.position);
    if (!transaction.hasBlock) return;
    putSafeLong(sink, meta.totalOrder);
    putSafeLong(sink, meta.tableOrder);
  }

  #startRest({ transaction, readMs }: ChangeMeta): void {
    const { source, tail } = rest;
    source.position = 0;
    source.ensure(this.#tableSource.length);
    putRaw(source, this.#tableSource, 0, this.#tableSource.length);
    append(source, transaction.source);
    tail.position = 0;
    tail.buffer[tail.position++] = VALUE_BRANCH;
    putSafeLong(tail, readMs);
    append(tail, transaction.block);
    rest.of = this;
    rest.generation = transaction.generation;
    rest.readMs = readMs;
  }
}

function append(sink: GrowingSink, { buffer, view, position }: GrowingSink): void {
  sink.ensure(position);
  putWords(sink, buffer, view, 0, position);
}

const OP_READ = 0x72;

/** `source.version` … `source.sequence`. */
function tableSource({ sourceName, connector, table }: TablePlan): Buffer {
  const sink = new GrowingSink(512);
  writeString(sink, SOURCE_VERSION);
  writeString(sink, connector);
  writeString(sink, sourceName);
  writeString(sink, table.database);
  sink.ensure(2);
  sink.buffer[sink.position++] = VALUE_BRANCH;
  writeString(sink, table.name);
  sink.ensure(1);
  sink.buffer[sink.position++] = NULL_BRANCH;
  return Buffer.from(sink.written());
}

function frame(sink: ByteSink, id: number, table: Table): void {
  if (id < 0) throw new TaplineError('INTERNAL', { message: 'Written before bind().', place: place(table) });
  sink.ensure(FRAME_BYTES);
  const { buffer } = sink;
  const { position } = sink;
  buffer[position] = 0;
  buffer[position + 1] = id >>> 24;
  buffer[position + 2] = id >>> 16;
  buffer[position + 3] = id >>> 8;
  buffer[position + 4] = id;
  sink.position = position + FRAME_BYTES;
}

function place(table: Table): { table: string } {
  return { table: `${table.database}.${table.name}` };
}
