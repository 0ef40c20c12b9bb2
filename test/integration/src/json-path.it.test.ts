import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { type JsonObject, jsonRecords } from './json-records.ts';
import { Scene, uniqueName } from './scene.ts';
import type { Config } from './service.ts';

const CREATE = `CREATE TABLE t (
  id bigint PRIMARY KEY, name varchar(40), price decimal(12,2), big bigint unsigned, at datetime(6), kind enum('a','b,c'), doc json, raw varbinary(20))`;
const COLUMNS = ['id', 'name', 'price', 'big', 'at', 'kind', 'doc', 'raw'];
const SELECT = `SELECT id, name, price, big, DATE_FORMAT(at, '%Y-%m-%dT%H:%i:%s.%f'), kind, doc, TO_BASE64(raw) FROM t`;
const rowOf = (id: number): string =>
  `(${id}, 'n"${id}\\\\\\n\\'ü', ${id}.25, 18446744073709551615 - ${Math.abs(id)}, '9999-12-31 23:59:59.999999', 'b,c', '{"n": [${id}, 1.10]}', x'00FF${Math.abs(id) % 9}0')`;

async function openScene(): Promise<{ scene: Scene; brokers: readonly string[]; redisAddress: string }> {
  const servers = await testServers('mysql', 'kafka', 'redis');
  const scene = await Scene.open({ mysql: servers.mysql, brokers: servers.kafka.brokers });
  return { scene, brokers: servers.kafka.brokers, redisAddress: servers.redis.address };
}

test('reader → JSON with schemas → writer → Redis, both killed between: every row is the same, and there is no registry', async () => {
  const { scene, redisAddress } = await openScene();
  await using _ = scene;
  const { sql, database } = scene;
  const registry = { type: 'topic', topic: uniqueName('schemas') };
  const config: Config = { format: { type: 'json', schemas: true }, registry };
  const toRedis: Config = {
    name: uniqueName('writer'),
    source: { registry, sessionTimeoutMs: 6000 },
    sink: { key: `${database}:\${key.id}`, versionPrefix: `${database}.v:` },
  };
  const first = 9_007_199_254_740_993n;
  await sql.run(CREATE, `INSERT INTO t VALUES ${Array.from({ length: 300 }, (_row, i) => rowOf(i)).join(', ')}`);
  await sql.run(`UPDATE t SET id = id + ${first} WHERE id < 100`);

  let reader = await scene.reader({ ...config, snapshot: { chunkRows: 50 } });
  await scene.records(reader, 't', 120);
  await reader.kill();
  await sql.run(`UPDATE t SET name = NULL, price = -price WHERE id % 3 = 0`, `DELETE FROM t WHERE id % 7 = 0`);
  reader = await scene.reader(config);
  let writer = await scene.writer('t', redisAddress, toRedis);
  await using clients = new AsyncDisposableStack();
  const redis = clients.adopt(new Redis(redisAddress), (client) => client.disconnect());
  const keys = async (): Promise<string[]> => await redis.keys(`${database}:*`);
  await writer.until('rows in Redis', async () => (await keys()).length >= 50);
  await writer.kill();
  await sql.run(`UPDATE t SET id = id + 1000 WHERE id BETWEEN 200 AND 220`, `INSERT INTO t VALUES ${rowOf(-5)}`);
  writer = await scene.writer('t', redisAddress, toRedis);

  const inMysql = new Map(
    (await sql.rows(SELECT)).map((row) => [
      `${database}:${row[0]}`,
      Object.fromEntries(COLUMNS.map((column, at) => [column, row[at]]).filter(([, value]) => value !== null)),
    ]),
  );
  const inRedis = async (): Promise<Map<string, unknown>> => {
    const rows = new Map<string, unknown>();
    for (const key of (await keys()).toSorted()) {
      const { _v, raw, ...row } = await redis.hgetall(key);
      const bytes = (await redis.hgetBuffer(key, 'raw'))?.toString('base64');
      rows.set(key, { ...row, ...(raw === undefined ? {} : { raw: bytes }) });
    }
    return rows;
  };
  const differences = async (): Promise<string[]> => {
    const seen = await inRedis();
    const text = (value: unknown): string => JSON.stringify(value, COLUMNS) ?? 'nothing';
    return [...new Set([...inMysql.keys(), ...seen.keys()])]
      .filter((key) => text(inMysql.get(key)) !== text(seen.get(key)))
      .map((key) => `${key}: MySQL ${text(inMysql.get(key))}, Redis ${text(seen.get(key))}`);
  };
  const same = async (): Promise<boolean> => (await differences()).length === 0;
  await writer.until('the same rows in Redis', same).catch(async (error: unknown) => {
    throw new Error(`${(await differences()).slice(0, 5).join('\n')}\n${String(error)}`);
  });
  expect(inMysql.size).toBeGreaterThan(200);
  expect(await reader.stop()).toBe(0);
  expect(await writer.stop()).toBe(0);
  expect(await scene.topics.exists(registry.topic)).toBe(false);

  // Nothing doubled by the restart: per key, each image is what the change before it left.
  const records = jsonRecords(await scene.topics.raw(scene.topic('t')));
  for (const changes of Map.groupBy(records, ({ key }) => String(key?.['id'])).values()) {
    const images = changes.filter(({ op }) => op !== 'tombstone').map(({ images: texts }) => texts);
    for (const [at, [before]] of images.entries()) {
      if (at > 0) expect(before).toBe(images[at - 1]?.[1]);
    }
  }
});

test('CloudEvents: in structured mode the value is the event, in binary mode the headers are, and tombstones stay tombstones', async () => {
  const { scene } = await openScene();
  await using _ = scene;
  const { sql, source, database } = scene;
  await sql.run(CREATE);
  const structured = await scene.reader({ format: { type: 'json', schemas: false, cloudEvents: true } });
  const binary = await scene.reader({ name: `${source}_b`, format: { type: 'avro', cloudEvents: true } });
  for (const [reader, name] of [
    [structured, source],
    [binary, `${source}_b`],
  ] as const) {
    await reader.until('ready', () => reader.saysReady());
    await reader.until('its topic', () => scene.topics.exists(scene.topic('t', name)));
  }
  await sql.run(`INSERT INTO t VALUES ${rowOf(1)}`, 'DELETE FROM t');
  await scene.records(structured, 't', 3);
  await scene.records(binary, 't', 3, `${source}_b`);
  expect(await structured.stop()).toBe(0);
  expect(await binary.stop()).toBe(0);

  const attributes = (name: string, op: string): JsonObject => ({
    specversion: '1.0',
    id: expect.stringMatching(/^[0-9]{19}$/),
    source: `/tapline/mysql/${name}`,
    type: 'io.debezium.connector.mysql.DataChangeEvent',
    time: expect.stringMatching(/^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}Z$/),
    iodebeziumop: op,
    subject: `${database}.t`,
    iodebeziumdb: database,
    iodebeziumtable: 't',
  });
  const messages = await scene.topics.raw(scene.topic('t'));
  const events = messages.map(({ message }) => message.value && (JSON.parse(String(message.value)) as JsonObject));
  const contentType = { 'content-type': 'application/cloudevents+json; charset=UTF-8', v: expect.any(String) };
  expect(jsonRecords(messages).map(({ headers }) => headers)).toEqual([
    contentType,
    contentType,
    { v: expect.any(String) },
  ]);
  expect(events).toEqual([
    { ...attributes(source, 'c'), datacontenttype: 'application/json', data: expect.objectContaining({ op: 'c' }) },
    { ...attributes(source, 'd'), datacontenttype: 'application/json', data: expect.objectContaining({ op: 'd' }) },
    null,
  ]);
  expect(events.slice(0, 2).map((event) => event?.['id'])).toEqual(
    messages.slice(0, 2).map(({ message }) => versionOf(message.headers?.['v'])),
  );

  const topic = scene.topic('t', `${source}_b`);
  const asHeaders = (op: string): JsonObject =>
    Object.fromEntries(Object.entries(attributes(`${source}_b`, op)).map(([name, value]) => [`ce_${name}`, value]));
  const other = { 'content-type': 'application/avro', v: expect.any(String) };
  expect(await scene.topics.headers(topic)).toEqual([
    { ...asHeaders('c'), ...other },
    { ...asHeaders('d'), ...other },
    { v: expect.any(String) },
  ]);
  expect((await scene.topics.read(topic)).map(({ op }) => op)).toEqual(['c', 'd', 't']);
});

function versionOf(header: unknown): string {
  return (header as Buffer).readBigInt64BE(0).toString().padStart(19, '0');
}

test('a writer refuses JSON without schemas; a reader refuses another format for topics that are there', async () => {
  const { scene, redisAddress } = await openScene();
  await using _ = scene;
  await scene.sql.run(CREATE, `INSERT INTO t VALUES ${rowOf(1)}`);
  const reader = await scene.reader({ format: { type: 'json', schemas: false } });
  await scene.records(reader, 't', 1);
  expect(await reader.stop()).toBe(0);
  const [record] = jsonRecords(await scene.topics.raw(scene.topic('t')));
  expect(record).toMatchObject({ keySchema: null, valueSchema: null, key: { id: 1 }, op: 'r' });

  const writer = await scene.writer('t', redisAddress, { onError: 'deadLetter' });
  const refused = await writer.errorOf('ENVELOPE_WITHOUT_SCHEMA');
  expect(refused.remedy).toContain('schemas: true');
  expect(await writer.ended()).toBe(1);

  const other = await scene.reader();
  const { message } = await other.errorOf('FORMAT_CHANGED');
  expect(message).toContain('json');
  expect(await other.ended()).toBe(1);
});
