import type { RowImage } from '@tapline/binlog';
import { TaplineError } from '@tapline/kernel';
import type { Table } from '@tapline/schema';
import type { AvroObject } from '../avro-schema.ts';
import { putWords } from '../avro-write.ts';
import { type ByteSink, GrowingSink } from '../byte-sink.ts';
import { EventFrame } from '../cloud-events/event-frame.ts';
import { type AvroEnvelope, compileEnvelope, FRAME_BYTES, type TableEnvelope, type TextRow } from '../compile.ts';
import { Cursor } from '../reader/avro-read.ts';
import type { EnvelopeOptions } from '../table-plan.ts';
import type { ChangeMeta } from '../transaction.ts';
import { connectSchema } from './connect-schema.ts';
import { recordText } from './envelope-text.ts';
import { keyPayload } from './key-text.ts';
import type { Transcoder } from './transcode.ts';

export interface JsonOptions extends EnvelopeOptions {
  /** Each key and value carries its Connect schema: `{"schema":…,"payload":…}`. Without, it is the payload alone. */
  readonly schemas: boolean;
  /** Values are CloudEvents in structured mode, with the value as `data`. */
  readonly cloudEvents: boolean;
}

/**
 * Compiles the writers of a table in JSON. Throws as `compileEnvelope` does.
 *
 * A record is first written in Avro, into a buffer that stays, and then said in JSON, from bytes to bytes: so there is one place that
 * knows MySQL's bytes, and both formats hold the same values. Rejected: writers of JSON for each column type beside those of Avro, which
 * save a fifth of the time, and are a second chance for every mistake.
 */
export function compileJsonEnvelope(options: JsonOptions): TableEnvelope {
  const avro = compileEnvelope(options);
  avro.bind({ key: 0, value: 0 });
  return new JsonEnvelope(avro, options);
}

/** Shared by all tables, as a record is written and read in one synchronous go. A giant's memory is given back before the next one. */
const keys = new GrowingSink(1024);
const values = new GrowingSink();
const KEPT_BYTES = 4 * 1024 * 1024;
const cursor = new Cursor();
/** Whose value was written last. */
let owner: JsonEnvelope | undefined;

/** Constant text before and behind what is transcoded. */
interface Wrapper {
  readonly head: GrowingSink;
  readonly tail: GrowingSink;
}

class JsonEnvelope implements TableEnvelope {
  readonly table: Table;
  readonly selectList: string;
  readonly #avro: AvroEnvelope;
  readonly #key: Transcoder | undefined;
  readonly #value: Transcoder;
  readonly #keyText: Wrapper | undefined;
  readonly #valueText: Wrapper;
  readonly #event: EventFrame | undefined;

  constructor(avro: AvroEnvelope, { source, connector = 'mysql', schemas, cloudEvents }: JsonOptions) {
    this.table = avro.table;
    this.selectList = avro.selectList;
    this.#avro = avro;
    this.#event = cloudEvents ? EventFrame.structured({ source, connector, table: avro.table }) : undefined;
    const end = cloudEvents ? '}' : '';
    const value = JSON.parse(avro.valueSchema) as AvroObject;
    this.#value = recordText(value);
    this.#valueText = wrapper(schemas ? value : undefined, end);
    if (avro.keySchema === undefined) return;
    const key = JSON.parse(avro.keySchema) as AvroObject;
    this.#key = recordText(key);
    this.#keyText = wrapper(schemas ? key : undefined, '');
  }

  writeKey(sink: ByteSink, image: RowImage): void {
    keys.position = 0;
    this.#avro.writeKey(keys, image);
    this.#put(sink, keys, this.#key as Transcoder, this.#keyText as Wrapper);
  }

  writeKeyFromText(sink: ByteSink, row: TextRow): void {
    keys.position = 0;
    this.#avro.writeKeyFromText(keys, row);
    this.#put(sink, keys, this.#key as Transcoder, this.#keyText as Wrapper);
  }

  keyChanged(before: RowImage, after: RowImage): boolean {
    return this.#avro.keyChanged(before, after);
  }

  writeValue(...[sink, op, before, after, meta]: Parameters<TableEnvelope['writeValue']>): void {
    this.#startValue();
    this.#avro.writeValue(values, op, before, after, meta);
    this.#event?.stamp(op, meta);
    this.#putValue(sink, values);
  }

  writeSnapshotValue(sink: ByteSink, row: TextRow, meta: ChangeMeta): void {
    this.#startValue();
    this.#avro.writeSnapshotValue(values, row, meta);
    this.#event?.stamp('r', meta);
    this.#putValue(sink, values);
  }

  /** `value` must be the one written last: what it was in Avro is still there. */
  writeReduced(sink: ByteSink, _value: Buffer, longestBytes: number): void {
    if (owner !== this) throw new TaplineError('INTERNAL', { message: 'Only the value written last can be reduced.' });
    const reduced = new GrowingSink(1024);
    this.#avro.writeReduced(reduced, values.written(), longestBytes);
    this.#putValue(sink, reduced);
  }

  printKey(key: Buffer): string {
    const text = key.toString('utf8', keyPayload(key));
    return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
  }

  #startValue(): void {
    owner = this;
    values.shrink(KEPT_BYTES);
  }

  #putValue(sink: ByteSink, avro: GrowingSink): void {
    this.#event?.write(sink);
    this.#put(sink, avro, this.#value, this.#valueText);
  }

  #put(sink: ByteSink, avro: GrowingSink, transcode: Transcoder, { head, tail }: Wrapper): void {
    sink.ensure(head.position);
    putWords(sink, head.buffer, head.view, 0, head.position);
    cursor.open(avro.buffer, FRAME_BYTES);
    transcode(cursor, sink);
    sink.ensure(tail.position);
    putWords(sink, tail.buffer, tail.view, 0, tail.position);
  }
}

function wrapper(schema: AvroObject | undefined, end: string): Wrapper {
  if (schema === undefined) return { head: sinkOf(''), tail: sinkOf(end) };
  return { head: sinkOf(`{"schema":${JSON.stringify(connectSchema(schema))},"payload":`), tail: sinkOf(`}${end}`) };
}

function sinkOf(text: string): GrowingSink {
  const sink = new GrowingSink(Buffer.byteLength(text));
  sink.position = sink.buffer.write(text);
  return sink;
}
