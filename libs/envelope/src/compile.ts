import type { RowImage, TableMap } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Column, Table } from '@tapline/schema';
import { LONG_BYTES, putInt, putSafeLong, putWords, writeString } from './avro-write.ts';
import { type ByteSink, GrowingSink } from './byte-sink.ts';
import { decodeText } from './charsets/decode-text.ts';
import type { ColumnCodec } from './codec.ts';
import { columnCodec } from './columns.ts';
import { type Connector, keySchemaText, valueSchemaText } from './envelope-schema.ts';
import { printKey } from './print-key.ts';
import { avroReducer, type Reducer } from './reduce.ts';
import { RowWriter } from './row-writer.ts';
import type { ChangeMeta, TransactionContext } from './transaction.ts';
import { checkWire } from './wire-check.ts';

/** `source.version`: the version of Tapline that wrote the change. */
export const SOURCE_VERSION = '0.1.0';

/** One row as the text protocol gives it: `selectList`'s expressions in order, NULL as null. */
export type TextRow = readonly (Buffer | null)[];

export interface EnvelopeOptions {
  /** Source name = topic prefix. */
  readonly source: string;
  /** Default `mysql`. */
  readonly connector?: Connector;
  readonly table: Table;
  /** The columns that identify a row, in key order; undefined: the table is appended to, keys are null. */
  readonly keyColumns: readonly string[] | undefined;
  /** The table as the binlog has it: checked against `table` (SCHEMA_MISMATCH). Without it today's formats are assumed. */
  readonly wire?: TableMap;
}

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
  /** Whether an update changed the key: then it is a delete and a tombstone on the old key, and a create on the new one. False without a key. */
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
  const { table, wire } = options;
  const name = `${table.database}.${table.name}`;
  if (wire !== undefined) checkWire(table, wire);
  const codecs = table.columns.map((column, i) => codecOf(name, column, wire?.columns[i]));
  const keyIndexes = options.keyColumns?.map((key) => columnIndex(table, key));
  const rowOf = (indexes: readonly number[]): RowWriter =>
    new RowWriter(
      name,
      indexes.map((index) => ({ index, column: table.columns[index] as Column, codec: codecs[index] as ColumnCodec })),
    );
  const parts = { source: options.source, connector: options.connector ?? 'mysql', table, codecs } as const;
  return new CompiledEnvelope({
    table,
    keySchema:
      keyIndexes &&
      keySchemaText(
        parts,
        keyIndexes.map((index) => table.columns[index] as Column),
      ),
    valueSchema: valueSchemaText(parts),
    selectList: table.columns.map((column, i) => (codecs[i] as ColumnCodec).select(quoted(column.name))).join(', '),
    key: keyIndexes && rowOf(keyIndexes),
    row: rowOf(table.columns.map((_, i) => i)),
    sourceName: options.source,
    connector: parts.connector,
  });
}

function codecOf(table: string, column: Column, wire: TableMap['columns'][number] | undefined): ColumnCodec {
  try {
    return columnCodec(withExactMembers(column, wire), wire);
  } catch (error) {
    if (!(error instanceof TaplineError)) throw error;
    const message = `Column ${column.name} (${column.columnType}): ${error.message}`;
    throw new TaplineError(error.code, { message, place: { table }, cause: error });
  }
}

/** The binlog has members as they are, where information_schema shows `?` for characters beyond the basic plane. */
function withExactMembers(column: Column, wire: TableMap['columns'][number] | undefined): Column {
  if (column.members === undefined || wire?.memberBytes === undefined) return column;
  return { ...column, members: wire.memberBytes.map((bytes) => decodeText(column.charset ?? 'utf8mb4', bytes)) };
}

function columnIndex(table: Table, name: string): number {
  const index = table.columns.findIndex((column) => column.name === name);
  if (index >= 0) return index;
  const known = table.columns.map((column) => column.name).join(', ');
  throw new TaplineError('SCHEMA_NO_KEY', {
    message: `The key column ${name} is not a column of the table (${known}).`,
    place: { table: `${table.database}.${table.name}` },
  });
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

interface Compiled {
  readonly table: Table;
  readonly keySchema: string | undefined;
  readonly valueSchema: string;
  readonly selectList: string;
  readonly key: RowWriter | undefined;
  readonly row: RowWriter;
  readonly sourceName: string;
  readonly connector: Connector;
}

const NULL_BRANCH = 0;
const VALUE_BRANCH = 2;
/** In front of every key and value. */
export const FRAME_BYTES = 5;

class CompiledEnvelope implements AvroEnvelope {
  readonly table: Table;
  readonly keySchema: string | undefined;
  readonly valueSchema: string;
  readonly selectList: string;
  readonly #key: RowWriter | undefined;
  readonly #row: RowWriter;
  /** `source` up to the row's part: the table's bytes, and behind them those of the transaction of `#generation`. */
  readonly #source: GrowingSink;
  readonly #tableBytes: number;
  #reduce: Reducer | undefined;
  #generation = -1;
  #keyId = -1;
  #valueId = -1;

  constructor(compiled: Compiled) {
    this.table = compiled.table;
    this.keySchema = compiled.keySchema;
    this.valueSchema = compiled.valueSchema;
    this.selectList = compiled.selectList;
    this.#key = compiled.key;
    this.#row = compiled.row;
    this.#source = tableSource(compiled);
    this.#tableBytes = this.#source.position;
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
    return this.#key?.differs(before, after) ?? false;
  }

  writeValue(...[sink, op, before, after, meta]: Parameters<TableEnvelope['writeValue']>): void {
    const start = sink.position;
    frame(sink, this.#valueId, this.table);
    this.#writeImage(sink, before, start);
    this.#writeImage(sink, after, start);
    this.#writeRest(sink, op.charCodeAt(0), meta);
  }

  writeSnapshotValue(sink: ByteSink, row: TextRow, meta: ChangeMeta): void {
    const start = sink.position;
    frame(sink, this.#valueId, this.table);
    sink.ensure(2);
    sink.buffer[sink.position++] = NULL_BRANCH;
    sink.buffer[sink.position++] = VALUE_BRANCH;
    this.#row.writeText(sink, row, start);
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

  #keyWriter(): RowWriter {
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
    const source = this.#source;
    if (transaction.generation !== this.#generation) this.#startTransaction(transaction);
    const { block } = transaction;
    sink.ensure(source.position + block.position + 6 * LONG_BYTES);
    putWords(sink, source.buffer, source.view, 0, source.position);
    putSafeLong(sink, meta.position);
    putInt(sink, meta.row);
    const { buffer } = sink;
    let position = sink.position;
    buffer[position++] = NULL_BRANCH; // thread
    buffer[position++] = NULL_BRANCH; // query
    buffer[position++] = 2; // the length of op: 1
    buffer[position++] = op;
    buffer[position++] = VALUE_BRANCH;
    sink.position = position;
    putSafeLong(sink, meta.readMs);
    putWords(sink, block.buffer, block.view, 0, block.position);
    if (!transaction.hasBlock) return;
    putSafeLong(sink, meta.totalOrder);
    putSafeLong(sink, meta.tableOrder);
  }

  #startTransaction(transaction: TransactionContext): void {
    const source = this.#source;
    source.position = this.#tableBytes;
    source.ensure(transaction.source.position);
    const { buffer, view, position } = transaction.source;
    putWords(source, buffer, view, 0, position);
    this.#generation = transaction.generation;
  }
}

const OP_READ = 0x72;

/** `source.version` … `source.sequence`. */
function tableSource({ sourceName, connector, table }: Compiled): GrowingSink {
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
  return sink;
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
