import { type AvroField, type AvroObject, nullable, schemaText } from './avro-schema.ts';
import { LONG_BYTES, putSafeLong, writeString } from './avro-write.ts';
import { GrowingSink } from './byte-sink.ts';
import { connectSchema } from './json/connect-schema.ts';
import { Cursor, unreadable } from './reader/avro-read.ts';

/** What a record of the transaction topic says of its transaction. */
export interface TransactionNote {
  /** BEGIN in front of its first change, END behind its last one. SKIPPED: alone; its changes are not published. */
  readonly status: 'BEGIN' | 'END' | 'SKIPPED';
  /** As in its changes' `transaction.id`. */
  readonly id: string;
  /** Commit time, milliseconds since the epoch. */
  readonly commitMs: number;
  /** Changes of each table (`db.table`), in the order in which the tables first come; undefined: not known (yet). */
  readonly tables?: readonly (readonly [table: string, changes: number])[];
}

/** How the records of the transaction topic are written. */
export interface TransactionRecords {
  /** Valid until the next call. */
  key(id: string): Buffer;
  /** Valid until the next call. */
  value(note: TransactionNote): Buffer;
}

const metadata = (name: string, fields: readonly AvroField[]): AvroObject => ({
  type: 'record',
  name,
  namespace: 'io.debezium.connector.common',
  fields,
  'connect.version': 1,
  'connect.name': `io.debezium.connector.common.${name}`,
});

const COLLECTION: AvroObject = {
  type: 'record',
  name: 'collection',
  namespace: 'event',
  fields: [
    { name: 'data_collection', type: 'string' },
    { name: 'event_count', type: 'long' },
  ],
  'connect.version': 1,
  'connect.name': 'event.collection',
};

/** As Debezium's connectors write transaction metadata (`provide.transaction.metadata`), in Avro as Connect's converter maps it. */
const KEY: AvroObject = metadata('TransactionMetadataKey', [{ name: 'id', type: 'string' }]);
const VALUE: AvroObject = metadata('TransactionMetadataValue', [
  { name: 'status', type: 'string' },
  { name: 'id', type: 'string' },
  { name: 'event_count', type: nullable('long'), default: null },
  {
    name: 'data_collections',
    type: nullable({ type: 'array', items: nullable(COLLECTION) }),
    default: null,
  },
  { name: 'ts_ms', type: 'long' },
]);

/** Avro in Confluent's framing. `register` gives the ids of its schemas. */
export async function avroTransactionRecords(
  register: (part: 'key' | 'value', schema: string) => Promise<number>,
): Promise<TransactionRecords> {
  const [keyId, valueId] = await Promise.all([register('key', schemaText(KEY)), register('value', schemaText(VALUE))]);
  const key = new GrowingSink(256);
  const value = new GrowingSink(1024);
  return {
    key(id) {
      start(key, keyId);
      writeString(key, id);
      return key.written();
    },
    value({ status, id, commitMs, tables }) {
      start(value, valueId);
      writeString(value, status);
      writeString(value, id);
      writeLong(value, tables === undefined ? 0 : 1);
      if (tables !== undefined) writeLong(value, sum(tables));
      writeLong(value, tables === undefined ? 0 : 1);
      if (tables !== undefined) writeTables(value, tables);
      writeLong(value, commitMs);
      return value.written();
    },
  };
}

function start(sink: GrowingSink, id: number): void {
  sink.position = 0;
  sink.ensure(5);
  sink.buffer[0] = 0;
  sink.buffer.writeInt32BE(id, 1);
  sink.position = 5;
}

/** array: a block of so many items, none when it is empty, and a block of none behind it. */
function writeTables(sink: GrowingSink, tables: NonNullable<TransactionNote['tables']>): void {
  if (tables.length > 0) writeLong(sink, tables.length);
  for (const [table, changes] of tables) {
    writeLong(sink, 1);
    writeString(sink, table);
    writeLong(sink, changes);
  }
  writeLong(sink, 0);
}

function writeLong(sink: GrowingSink, value: number): void {
  sink.ensure(LONG_BYTES);
  putSafeLong(sink, value);
}

/** JSON as Connect's JsonConverter writes it. */
export function jsonTransactionRecords({ schemas }: { readonly schemas: boolean }): TransactionRecords {
  const writer = (schema: AvroObject): ((payload: unknown) => Buffer) => {
    const front = schemas ? `{"schema":${JSON.stringify(connectSchema(schema))},"payload":` : '';
    const back = schemas ? '}' : '';
    return (payload) => Buffer.from(front + JSON.stringify(payload) + back);
  };
  const [key, value] = [writer(KEY), writer(VALUE)];
  return {
    key: (id) => key({ id }),
    value: ({ status, id, commitMs, tables }) =>
      value({
        status,
        id,
        event_count: tables === undefined ? null : sum(tables),
        data_collections: tables?.map(([table, changes]) => ({ data_collection: table, event_count: changes })) ?? null,
        ts_ms: commitMs,
      }),
  };
}

function sum(tables: NonNullable<TransactionNote['tables']>): number {
  return tables.reduce((total, [, changes]) => total + changes, 0);
}

/** The id that a record's value names, in either format. @throws TaplineError ENVELOPE_UNREADABLE. */
export function transactionIdOf(value: Buffer): string {
  return readTransactionNote(value).id;
}

/** What a record's value says, in either format. @throws TaplineError ENVELOPE_UNREADABLE. */
export function readTransactionNote(value: Buffer): TransactionNote {
  return value[0] === 0 ? readAvro(value) : readJson(value);
}

const FRAME_BYTES = 5;

function readAvro(value: Buffer): TransactionNote {
  const cursor = new Cursor();
  cursor.open(value, FRAME_BYTES);
  const status = cursor.string();
  const id = cursor.string();
  if (cursor.int() !== 0) cursor.long();
  const tables = cursor.int() === 0 ? undefined : readTables(cursor);
  const commitMs = cursor.longNumber();
  cursor.check();
  return noteOf(status, id, commitMs, tables);
}

function readTables(cursor: Cursor): [string, number][] {
  const tables: [string, number][] = [];
  for (let items = cursor.int(); items !== 0; items = cursor.int()) {
    for (let item = 0; item < items; item++) {
      cursor.check();
      if (cursor.int() !== 0) tables.push([cursor.string(), cursor.longNumber()]);
    }
  }
  return tables;
}

interface JsonNote {
  readonly status?: string;
  readonly id?: string;
  readonly ts_ms?: number;
  readonly data_collections?: readonly { readonly data_collection: string; readonly event_count: number }[] | null;
}

function readJson(value: Buffer): TransactionNote {
  let parsed: JsonNote & { readonly payload?: JsonNote };
  try {
    parsed = JSON.parse(value.toString()) as typeof parsed;
  } catch (cause) {
    throw unreadable('A record of the transaction topic is neither Avro nor JSON.', cause);
  }
  const { status = '', id = '', ts_ms = 0, data_collections } = parsed.payload ?? parsed;
  const tables = data_collections?.map(({ data_collection, event_count }) => [data_collection, event_count] as const);
  return noteOf(status, id, ts_ms, tables);
}

function noteOf(status: string, id: string, commitMs: number, tables: TransactionNote['tables']): TransactionNote {
  if (status !== 'BEGIN' && status !== 'END' && status !== 'SKIPPED') {
    throw unreadable(`A record of the transaction topic has the status ${JSON.stringify(status.slice(0, 40))}.`);
  }
  return { status, id, commitMs, ...(tables === undefined ? {} : { tables }) };
}
