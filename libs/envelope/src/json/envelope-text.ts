import type { AvroField } from '../avro-schema.ts';
import { type ByteSink, GrowingSink } from '../byte-sink.ts';
import { Cursor } from '../reader/avro-read.ts';
import type { NamedTypes } from '../reader/read-types.ts';
import { SOURCE_VERSION, type TablePlan } from '../table-plan.ts';
import type { ChangeMeta } from '../transaction.ts';
import { INTEGER_BYTES, putInteger, writeText } from './json-write.ts';
import { RowText } from './row-text.ts';
import { putPadded, putText, Text } from './texts.ts';

const ROW = new Text(',"row":');
const TABLE_ORDER = new Text(',"data_collection_order":');
const cursor = new Cursor();

/** Fields of the source block that TransactionContext has encoded. */
const TRANSACTION_FIELDS = ['ts_ms', 'ts_us', 'snapshot', 'server_id', 'gtid', 'file'];

/**
 * The envelope behind its images: `source`, `op`, `ts_ms` and `transaction`. As in Avro, what is constant for the table or for a transaction is
 * made once, and only numbers are written for each change.
 */
export class EnvelopeText {
  readonly #table: Text;
  readonly #transaction: RowText;
  /** By the operation's letter. */
  readonly #ops: readonly (Text | undefined)[];
  readonly #end: Text;
  readonly #blockEnd: Text;
  /** `source` up to the number behind `pos`. */
  readonly #source = new ChangingText();
  /** `ts_ms` up to the number behind `total_order`, or to the end where there is no transaction. */
  readonly #middle = new ChangingText();
  #generation = -1;
  #readMs = -1;

  /** @param end the text behind the envelope. */
  constructor(plan: TablePlan, sourceFields: readonly AvroField[], names: NamedTypes, end: string) {
    const { connector, sourceName, table } = plan;
    const head = { version: SOURCE_VERSION, connector, name: sourceName, db: table.database, table: table.name };
    this.#table = new Text(`,"source":${JSON.stringify({ ...head, sequence: null }).slice(0, -1)},`);
    const fields = sourceFields.filter((field) => TRANSACTION_FIELDS.includes(field.name));
    this.#transaction = new RowText(fields, names);
    const ops: Text[] = [];
    for (const op of ['c', 'u', 'd', 'r']) {
      ops[op.charCodeAt(0)] = new Text(`,"thread":null,"query":null},"op":"${op}","ts_ms":`);
    }
    this.#ops = ops;
    this.#end = new Text(`}${end}`);
    this.#blockEnd = new Text(`}}${end}`);
  }

  write(sink: ByteSink, op: string, meta: ChangeMeta): void {
    const { transaction, readMs } = meta;
    if (transaction.generation !== this.#generation) this.#start(meta);
    if (readMs !== this.#readMs) this.#tick(meta);
    putText(sink, this.#source);
    sink.ensure(INTEGER_BYTES);
    putInteger(sink, meta.position);
    putPadded(sink, ROW.view, 0, ROW.length, INTEGER_BYTES);
    putInteger(sink, meta.row);
    putText(sink, this.#ops[op.charCodeAt(0)] as Text);
    putText(sink, this.#middle);
    if (!transaction.hasBlock) {
      putText(sink, this.#end);
      return;
    }
    sink.ensure(INTEGER_BYTES);
    putInteger(sink, meta.totalOrder);
    putPadded(sink, TABLE_ORDER.view, 0, TABLE_ORDER.length, INTEGER_BYTES);
    putInteger(sink, meta.tableOrder);
    putText(sink, this.#blockEnd);
  }

  #start({ transaction }: ChangeMeta): void {
    const sink = this.#source.clear();
    putText(sink, this.#table);
    cursor.open(transaction.source.buffer, 0);
    this.#transaction.write(cursor, sink);
    this.#source.append(',"pos":');
    this.#generation = transaction.generation;
    this.#readMs = -1;
  }

  #tick({ transaction, readMs }: ChangeMeta): void {
    const sink = this.#middle.clear();
    sink.ensure(INTEGER_BYTES);
    putInteger(sink, readMs);
    this.#readMs = readMs;
    if (!transaction.hasBlock) {
      this.#middle.append(',"transaction":null');
      return;
    }
    this.#middle.append(',"transaction":{"id":');
    cursor.open(transaction.block.buffer, 1);
    const length = cursor.length();
    writeText(sink, cursor.buffer, cursor.position, length);
    this.#middle.append(',"total_order":');
  }
}

/** A text that is made anew from time to time. */
class ChangingText {
  readonly #sink = new GrowingSink(512);

  get buffer(): Buffer {
    return this.#sink.buffer;
  }

  get view(): DataView {
    return this.#sink.view;
  }

  get length(): number {
    return this.#sink.position;
  }

  clear(): GrowingSink {
    this.#sink.position = 0;
    return this.#sink;
  }

  /** ASCII; leaves room behind for reading in words. */
  append(text: string): void {
    const sink = this.#sink;
    sink.ensure(text.length + 8);
    sink.position += sink.buffer.write(text, sink.position, 'latin1');
  }
}
