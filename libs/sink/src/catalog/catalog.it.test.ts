import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compileEnvelope } from '@tapline/envelope';
import { type Kafka, NO_HEADERS, openKafka } from '@tapline/kafka';
import { encodeHistoryRecord, type HistoryRecord, type Table, type TableState } from '@tapline/schema';
import { testServers } from '@tapline/test-stack';
import { suiteTable } from '../suite/tables.ts';
import { TopicTables } from './catalog.ts';

let kafka: Kafka;
let sources = 0;

beforeAll(async () => {
  kafka = openKafka({ brokers: (await testServers('kafka')).kafka.brokers });
});

afterAll(async () => {
  await kafka?.[Symbol.asyncDispose]();
});

const TEXT = { charset: 'utf8mb4', collation: 'utf8mb4_bin' };

function stateOf({ database, name, columns }: Table): TableState {
  const parts = [{ column: 'id', prefix: undefined }];
  return { database, name, text: TEXT, columns, keys: [{ kind: 'primary', name: 'PRIMARY', parts, visible: true }] };
}

function snapshot(table: Table): HistoryRecord[] {
  return [
    {
      kind: 'snapshot',
      version: 1,
      gtidSet: '',
      file: 'binlog.000001',
      position: 4,
      writtenMs: 0,
      lowerCaseTableNames: 0,
      databases: [{ name: 'shop', text: TEXT }],
    },
    { kind: 'table', version: 1, state: stateOf(table) },
    { kind: 'end', version: 1, records: 1 },
  ];
}

function ddl(version: number, table: Table): HistoryRecord {
  const { database, name } = table;
  return {
    kind: 'ddl',
    version,
    at: { gtid: '', file: 'binlog.000001', position: version * 100 },
    commitMicros: '0',
    database,
    session: {},
    sql: 'ALTER TABLE item …',
    sqlHash: '',
    databases: [],
    changes: [{ database, name, state: stateOf(table) }],
    later: [],
  };
}

/** A source with its history, and a way to add to it. */
async function source(): Promise<{ name: string; publish: (records: readonly HistoryRecord[]) => Promise<void> }> {
  const name = `catalog${process.pid}n${++sources}r${Math.random().toString(36).slice(2, 8)}`;
  const topic = `${name}.schema-history`;
  await kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 1, compacted: false }]);
  const producer = kafka.producer();
  const lane = producer.lane(topic, 0);
  return {
    name,
    async publish(records) {
      for (const record of records) producer.append(lane, null, encodeHistoryRecord(record), 0, NO_HEADERS);
      await producer.mark();
    },
  };
}

/** The registry of one table's schemas: 1 is the key's, 2 the value's. */
function registryOf(name: string, table: Table): { schema: (id: number) => Promise<string> } {
  const envelope = compileEnvelope({ source: name, table, keyColumns: ['id'] });
  return { schema: (id) => Promise.resolve(id === 1 ? (envelope.keySchema ?? '') : envelope.valueSchema) };
}

const FIRST = suiteTable({ id: 'int', name: 'varchar(100)', secret: 'varchar(20)' });
const SHOWN = suiteTable({ id: 'int', name: 'varchar(100)' });
const WIDER = suiteTable({ id: 'int', name: 'varchar(200)', price: 'decimal(20,4)' });

test('a table is what the history says it is now, and a version that came since is found by who asks for it fresh', async () => {
  const { name, publish } = await source();
  await publish(snapshot(FIRST));
  const tables = new TopicTables(kafka);
  const place = { topic: `${name}.shop.item`, source: null };
  const first = await tables.describe(place);
  expect(first).toMatchObject({ source: name, database: 'shop', name: 'item', primaryKey: ['id'], historyVersion: 1 });
  expect(first?.columns).toEqual(FIRST.columns);
  await publish([ddl(2, WIDER)]);
  expect((await tables.describe(place))?.historyVersion).toBe(1);
  const fresh = await tables.describe(place, { fresh: true });
  expect(fresh).toMatchObject({ historyVersion: 2 });
  expect(fresh?.columns).toEqual(WIDER.columns);
  expect((await tables.statements(name, 1))?.map(({ version }) => version)).toEqual([2]);
  expect((await tables.describe(place, { version: 1 }))?.columns).toEqual(FIRST.columns);
  expect(await tables.statements(name, 2)).toEqual([]);
  expect(await tables.describe({ ...place, topic: `${name}.shop.other` })).toBeUndefined();
});

test('columns that the records do not have are not in the shape', async () => {
  const { name, publish } = await source();
  await publish(snapshot(FIRST));
  const tables = new TopicTables(kafka);
  const registry = tables.watch(registryOf(name, SHOWN));
  await Promise.all([registry.schema(1), registry.schema(2)]);
  const shape = await tables.describe({ topic: 'any', source: { name, db: 'shop', table: 'item' } });
  expect(shape?.columns).toEqual(SHOWN.columns);
  expect(shape).toMatchObject({ messageKey: ['id'], historyVersion: 1 });
});

test('without a history the schema in the records tells names, types and the key', async () => {
  const name = `catalog${process.pid}none${Math.random().toString(36).slice(2, 8)}`;
  const tables = new TopicTables(kafka);
  const place = { topic: `${name}.shop.item`, source: null };
  expect(await tables.describe(place)).toBeUndefined();
  const registry = tables.watch(registryOf(name, WIDER));
  await Promise.all([registry.schema(1), registry.schema(2)]);
  const shape = await tables.describe(place);
  expect(shape?.columns.map(({ name: column, columnType, nullable }) => [column, columnType, nullable])).toEqual([
    ['id', 'int', false],
    ['name', 'varchar', true],
    ['price', 'decimal(20,4)', true],
  ]);
  expect(shape).toMatchObject({ source: name, primaryKey: ['id'], messageKey: ['id'] });
  expect(shape?.historyVersion).toBeUndefined();
  expect(await tables.statements(name, 0)).toBeUndefined();
});
