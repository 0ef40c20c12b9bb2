import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type KafkaRecord, NO_HEADERS } from '@tapline/kafka';
import type { WriterConfig } from '../config.ts';
import { command } from '../index.ts';
import { type PreviewedRecord, preview } from '../preview/preview.ts';
import { until, WriterFixture } from '../testing/fixture.ts';
import { WriterProcess } from '../testing/writer-process.ts';
import { WriterTools } from '../tools.ts';
import { topicsNow } from '../topics.ts';
import * as samples from './testing/samples.ts';

let fixture: WriterFixture;

beforeAll(async () => {
  fixture = await WriterFixture.open();
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

type Put = readonly [key: unknown, value: unknown];

const maxwellKey = { database: 'shop', table: 'orders', 'pk.id': 7 };
const plain = (op: string, after: object | null): object => ({
  op,
  before: null,
  after,
  source: { db: 'shop', table: 'orders' },
});

/** By the end of the topic's name. */
const RECORDS: Readonly<Record<string, readonly Put[]>> = {
  canal: [
    [null, samples.CANAL_INSERT],
    [null, samples.CANAL_UPDATE],
    [null, { ...samples.CANAL_UPDATE, data: [{ id: '3', status: 'moved' }], old: [{ id: '1' }] }],
  ],
  maxwell: [
    [maxwellKey, samples.MAXWELL_INSERT],
    [maxwellKey, samples.MAXWELL_UPDATE],
  ],
  plain: [
    [{ id: 1 }, plain('c', { id: 1, name: 'one' })],
    [{ id: 2 }, plain('c', { id: 2, name: 'two' })],
    [{ id: 1 }, plain('u', { id: 1, name: 'changed' })],
    [{ id: 2 }, null],
  ],
  debezium: [
    [samples.DEBEZIUM.key, samples.DEBEZIUM.value],
    [{ id: 8 }, { ...samples.DEBEZIUM.value.payload, after: { ...samples.DEBEZIUM.value.payload.after, id: 8 } }],
  ],
};

function bytes(json: unknown): Buffer | null {
  return json === null ? null : Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
}

test('topics of every format, found by a pattern while the writer runs, become the same rows as Tapline’s own; a dry run shows them', async () => {
  await using own = await fixture.topic(1);
  own.put({ id: 1, name: 'Avro', price: '1.50' });
  await own.sent();
  const flags = fixture.flags(own, {
    'source.topics': `${own.source}.*`,
    'source.format': 'auto',
    'source.refreshMs': '200',
    'source.foreign.types': JSON.stringify({ 'shop.orders': { total: 'decimal(10,2)' } }),
    'sink.key': `${own.source}:\${topic}:\${key.id}`,
    transform: JSON.stringify([{ constant: { seen: true } }, { filter: 'key.id != 2' }]),
  });
  const row = (topic: string, id: string | number): Promise<Record<string, string>> =>
    fixture.redis.hgetall(`${own.source}:${own.source}.${topic}:${id}`);
  await using writer = new WriterProcess(flags);
  await until('its own topic is applied', async () => (await row('shop.item', 1))['name'] === 'Avro', writer);

  await using producer = fixture.kafka.producer();
  const put = async (name: string, records: readonly (readonly [Buffer | null, Buffer | null])[]): Promise<void> => {
    const topic = `${own.source}.${name}`;
    // Records without a key cannot stand in a compacted topic.
    await fixture.kafka.topics.ensure([{ topic, partitions: 1, replicationFactor: 1, compacted: false }]);
    for (const [key, value] of records) producer.append(producer.lane(topic, 0), key, value, Date.now(), NO_HEADERS);
    await producer.mark();
  };
  for (const [name, records] of Object.entries(RECORDS)) {
    await put(
      name,
      records.map(([key, value]) => [bytes(key), bytes(value)] as const),
    );
  }
  // Debezium's Avro is Tapline's without the header that says the version.
  await put('avro', await keysAndValues(own.topic));

  for (const name of [...Object.keys(RECORDS), 'avro']) {
    const { source } = own;
    await until(`${name} is applied`, () => fixture.caughtUp({ source, topic: `${source}.${name}` }), writer);
  }
  expect(await row('avro', 1)).toMatchObject({ name: 'Avro' });
  expect(await row('canal', 3)).toMatchObject({ status: 'moved' });
  expect(await row('debezium', 8)).toMatchObject({ id: '8' });
  expect(await row('maxwell', 7)).toMatchObject({ note: 'new' });
  expect(await row('plain', 1)).toMatchObject({ name: 'changed' });
  expect(await row('canal', '9007199254740993')).toMatchObject({ total: '12.50', status: 'open', seen: '1' });
  expect(await row('canal', 1)).toEqual({});
  expect(await row('plain', 2)).toEqual({});
  expect(await row('debezium', 7)).toMatchObject({ total: '12.50', day: '2026-02-28', _v: '0000000000000000' });
  expect(await row('avro', 1)).toMatchObject({ price: '1.50', _v: '0000000000000000' });
  expect(await writer.stop()).toBe(0);

  const config = command.load({ env: {}, flags: new Map(Object.entries(flags)) }).value as WriterConfig;
  const { signal } = new AbortController();
  await using tools = await WriterTools.open(config, undefined, signal);
  const topics = await topicsNow(fixture.kafka, config.source.topics);
  expect(topics).toHaveLength(6);
  const previewed: PreviewedRecord[] = [];
  for await (const one of preview(tools, topics, { start: { at: 'offset', offset: 1n }, limit: 1, signal }))
    previewed.push(one);
  expect(previewed.map(({ topic, offset }) => [topic.slice(own.source.length + 1), offset])).toEqual([
    ['canal', '1'],
    ['debezium', '1'],
    ['maxwell', '1'],
    ['plain', '1'],
  ]);
  expect(previewed[3]?.changes).toMatchObject([{ change: { key: { id: 2 } }, written: null }]);
  expect(previewed[2]?.changes).toMatchObject([
    {
      change: { op: 'u', version: '1', before: { note: 'old' } },
      written: { after: { note: 'new', seen: true } },
      sends: `HSET ${own.source}:${own.source}.maxwell:7 _v 0000000000000001 id 7 note new seen 1`,
    },
  ]);
});

async function keysAndValues(topic: string): Promise<(readonly [Buffer | null, Buffer | null])[]> {
  const found: KafkaRecord[] = [];
  for await (const records of fixture.kafka.reader.read({ topic, partition: 0 })) found.push(...records);
  return found.map(({ key, value }) => [key && Buffer.from(key), value && Buffer.from(value)] as const);
}
