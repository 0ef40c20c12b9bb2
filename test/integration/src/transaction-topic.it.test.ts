import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { jsonRecords } from './json-records.ts';
import { Scene } from './scene.ts';
import type { Service } from './service.ts';

interface Note {
  readonly status: string;
  readonly id: string;
  readonly event_count: number | null;
  readonly data_collections: readonly { readonly data_collection: string; readonly event_count: number }[] | null;
  readonly ts_ms: number;
}

/** `BEGIN` or `END a 2, b 1`, without the database. */
function text({ status, event_count, data_collections }: Note): string {
  if (data_collections === null) return `${status}${event_count === null ? '' : ` ${event_count}`}`;
  const counts = data_collections.map((counted) => {
    const table = counted.data_collection.slice(counted.data_collection.indexOf('.') + 1);
    return `${table} ${counted.event_count}`;
  });
  return `${status} ${event_count}: ${counts.join(', ')}`;
}

const CHANGES = [
  'INSERT INTO a VALUES (1, 1), (2, 2)',
  'INSERT INTO passed_over VALUES (1)',
  // Nothing changes.
  'UPDATE a SET v = 5 WHERE id = 77',
  'BEGIN',
  'INSERT INTO b VALUES (1)',
  'UPDATE a SET v = 7 WHERE id = 1',
  'INSERT INTO passed_over VALUES (2)',
  'INSERT INTO b VALUES (2)',
  'COMMIT',
  'UPDATE a SET id = 9 WHERE id = 2',
  "XA START 'x'",
  'DELETE FROM a WHERE id = 9',
  "XA END 'x'",
  "XA PREPARE 'x'",
  "XA COMMIT 'x'",
];

const NOTES = [
  'BEGIN',
  'END 2: a 2',
  'BEGIN',
  'END 3: b 2, a 1',
  // Another key: a delete and a create.
  'BEGIN',
  'END 2: a 2',
  'BEGIN',
  'END 1: a 1',
];

async function scene(): Promise<Scene> {
  const { mysql, kafka } = await testServers('mysql', 'kafka');
  const opened = await Scene.open({ mysql, brokers: kafka.brokers });
  await opened.sql.run(
    'CREATE TABLE a (id int PRIMARY KEY, v int)',
    'CREATE TABLE b (id int PRIMARY KEY)',
    'CREATE TABLE passed_over (id int PRIMARY KEY)',
  );
  return opened;
}

const config = (at: Scene): Readonly<Record<string, unknown>> => ({
  source: { exclude: [`${at.database}.passed_over`] },
  transactions: { topic: true },
  snapshot: { mode: 'never' },
});

async function ready(reader: Service): Promise<void> {
  await reader.until('ready', () => reader.saysReady());
}

test('JSON: each transaction with published changes begins and ends, with the counts of its tables, also over restarts', async () => {
  await using at = await scene();
  const topic = `${at.source}.transactions`;
  const start = async (): Promise<Service> => {
    const reader = await at.reader({ ...config(at), format: { type: 'json', schemas: false } });
    await ready(reader);
    return reader;
  };
  let reader = await start();
  await at.sql.run(...CHANGES);
  await reader.until('all notes', async () => (await at.topics.count(topic)) >= NOTES.length);
  await reader.kill();
  reader = await start();
  await at.sql.run('INSERT INTO b VALUES (3)');
  const read = async (): Promise<Note[]> =>
    (await at.topics.raw(topic)).map(({ message }) => JSON.parse(String(message.value)) as Note);
  await reader.until('the notes behind the restart', async () => (await read()).length >= NOTES.length + 2);
  expect(await reader.stop()).toBe(0);

  const notes = await read();
  expect(notes.map(text)).toEqual([...NOTES, 'BEGIN', 'END 1: b 1']);
  const changes = [
    ...jsonRecords(await at.topics.raw(at.topic('a'))),
    ...jsonRecords(await at.topics.raw(at.topic('b'))),
  ];
  expect(changes.filter(({ transaction }) => transaction !== null)).toHaveLength(9);
  const raw = [...(await at.topics.raw(at.topic('a'))), ...(await at.topics.raw(at.topic('b')))];
  const orders = new Map<string, number[]>();
  for (const { message } of raw) {
    if (message.value === null) continue;
    const { transaction, source } = JSON.parse(String(message.value)) as {
      transaction: { id: string; total_order: number };
      source: { ts_ms: number };
    };
    orders.set(transaction.id, [...(orders.get(transaction.id) ?? []), transaction.total_order]);
    expect(notes.find(({ id }) => id === transaction.id)?.ts_ms).toBe(source.ts_ms);
  }
  // total_order runs from 1 to the END's count in each.
  for (const { id, event_count } of notes.filter(({ status }) => status === 'END')) {
    const all = Array.from({ length: Number(event_count) }, (_, i) => i + 1);
    expect(orders.get(id)?.toSorted((x, y) => x - y)).toEqual(all);
  }
  expect(orders.size).toBe(notes.length / 2);
});

test('Avro, named as Debezium names it; a topic that is switched off is left alone, and goes on when it is switched on again', async () => {
  await using at = await scene();
  const topic = `${at.source}.transactions`;
  const off = await at.reader({ ...config(at), transactions: { topic: false } });
  await ready(off);
  await at.sql.run('INSERT INTO b VALUES (1)');
  await at.records(off, 'b', 1);
  expect(await off.stop()).toBe(0);
  for (const id of [2, 3]) {
    const reader = await at.reader(config(at));
    await ready(reader);
    await at.sql.run(`INSERT INTO b VALUES (${id})`);
    await reader.until('two notes more', async () => (await at.topics.count(topic)) >= (id - 1) * 2);
    await at.records(reader, 'b', id);
    await reader.kill();
    // What the killed one left beyond its progress is nothing that this one waits for.
    const without = await at.reader({ ...config(at), transactions: { topic: false } });
    await ready(without);
    expect(await without.stop()).toBe(0);
  }
  const records = await at.topics.avro(topic);
  expect(records.map(({ value }) => text(value as Note))).toEqual(['BEGIN', 'END 1: b 1', 'BEGIN', 'END 1: b 1']);
  expect(records[1]).toEqual({
    key: { id: expect.stringMatching(/^[0-9a-f-]{36}:\d+$/) },
    value: {
      status: 'END',
      id: (records[1]?.key as { id: string } | undefined)?.id,
      event_count: 1n,
      data_collections: [{ data_collection: `${at.database}.b`, event_count: 1n }],
      ts_ms: expect.anything(),
    },
  });
});
