import { expect, test } from '@jest/globals';
import avsc from 'avsc';
import {
  avroTransactionRecords,
  jsonTransactionRecords,
  readTransactionNote,
  transactionIdOf,
} from './transaction-records.ts';

const ID = '04e31c79-e4f3-11f1-85ee-02fc00000001:3653';
const END = { status: 'END', id: ID, commitMs: 1_795_191_781_589, tables: [['inventory.customers', 2]] } as const;
const BEGIN = { status: 'BEGIN', id: ID, commitMs: 1_795_191_781_589 } as const;

/** What Debezium 3.6.1 published (provide.transaction.metadata=true, JsonConverter with schemas). */
const DEBEZIUM = {
  key: {
    type: 'struct',
    fields: [{ type: 'string', optional: false, field: 'id' }],
    optional: false,
    name: 'io.debezium.connector.common.TransactionMetadataKey',
    version: 1,
  },
  value: {
    type: 'struct',
    fields: [
      { type: 'string', optional: false, field: 'status' },
      { type: 'string', optional: false, field: 'id' },
      { type: 'int64', optional: true, field: 'event_count' },
      {
        type: 'array',
        items: {
          type: 'struct',
          fields: [
            { type: 'string', optional: false, field: 'data_collection' },
            { type: 'int64', optional: false, field: 'event_count' },
          ],
          optional: true,
          name: 'event.collection',
          version: 1,
        },
        optional: true,
        field: 'data_collections',
      },
      { type: 'int64', optional: false, field: 'ts_ms' },
    ],
    optional: false,
    name: 'io.debezium.connector.common.TransactionMetadataValue',
    version: 1,
  },
  begin: { status: 'BEGIN', id: ID, event_count: null, data_collections: null, ts_ms: 1_795_191_781_589 },
  end: {
    status: 'END',
    id: ID,
    event_count: 2,
    data_collections: [{ data_collection: 'inventory.customers', event_count: 2 }],
    ts_ms: 1_795_191_781_589,
  },
};

const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString());

test('JSON with schemas is what Debezium publishes', () => {
  const records = jsonTransactionRecords({ schemas: true });
  expect(json(records.key(ID))).toEqual({ schema: DEBEZIUM.key, payload: { id: ID } });
  expect(json(records.value(BEGIN))).toEqual({ schema: DEBEZIUM.value, payload: DEBEZIUM.begin });
  expect(json(records.value(END))).toEqual({ schema: DEBEZIUM.value, payload: DEBEZIUM.end });
  expect(json(jsonTransactionRecords({ schemas: false }).value(END))).toEqual(DEBEZIUM.end);
});

test('Avro says the same', async () => {
  const schemas = new Map<string, avsc.Type>();
  const records = await avroTransactionRecords((part, schema) => {
    schemas.set(part, avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { wrapUnions: false }));
    return Promise.resolve(part === 'key' ? 7 : 8);
  });
  const read = (part: string, bytes: Buffer): unknown => {
    expect([bytes[0], bytes.readInt32BE(1)]).toEqual([0, part === 'key' ? 7 : 8]);
    return json(Buffer.from(JSON.stringify(schemas.get(part)?.fromBuffer(bytes.subarray(5)))));
  };
  expect(read('key', records.key(ID))).toEqual({ id: ID });
  expect(read('value', records.value(BEGIN))).toEqual(DEBEZIUM.begin);
  expect(read('value', records.value(END))).toEqual(DEBEZIUM.end);
  expect(read('value', records.value({ ...END, tables: [] }))).toMatchObject({ event_count: 0, data_collections: [] });
});

test('what was written is read again in every form, and what is damaged is refused', async () => {
  const long = 'x'.repeat(200);
  const avro = await avroTransactionRecords(() => Promise.resolve(1));
  for (const records of [avro, jsonTransactionRecords({ schemas: true }), jsonTransactionRecords({ schemas: false })])
    for (const id of [ID, long, '0-1-42']) {
      const { tables } = END;
      for (const note of [
        { ...BEGIN, id },
        { ...END, id },
        { ...END, id, tables: [...tables, ['a.b', 70_000]] as const },
        { ...END, id, tables: [] },
      ]) {
        expect(readTransactionNote(Buffer.from(records.value(note)))).toEqual(note);
      }
      const whole = Buffer.from(records.value({ ...END, id }));
      expect(transactionIdOf(whole)).toBe(id);
      const cuts = Array.from({ length: 12 }, (_, at) => whole.subarray(0, whole.length - 1 - 2 * at));
      expect(new Set(cuts.map(codeOf))).toEqual(new Set(['ENVELOPE_UNREADABLE']));
    }
});

function codeOf(value: Buffer): string {
  try {
    return readTransactionNote(value).status;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
