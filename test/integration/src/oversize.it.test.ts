import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { Scene, uniqueName } from './scene.ts';
import type { Config, Service } from './service.ts';
import type { Row, TopicRecord } from './topic.ts';

const LIMIT_BYTES = 1_048_576;
/** What a topic takes beside the batch around one record. */
const RECORD_BYTES = LIMIT_BYTES - 93;
const PLACEHOLDER = '__debezium_unavailable_value';
const TOPIC_CONFIG = { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': '86400000' };

let scene: Scene;
let redis: Redis;
let redisAddress: string;

beforeAll(async () => {
  const servers = await testServers('mysql', 'kafka', 'redis');
  scene = await Scene.open({ mysql: servers.mysql, brokers: servers.kafka.brokers });
  redisAddress = servers.redis.address;
  redis = new Redis(redisAddress);
});
afterAll(async () => {
  redis?.disconnect();
  await scene?.[Symbol.asyncDispose]();
});

/** A reader of one table that has a topic of its own with this limit. */
function readerOf(table: string, policy: string, limitBytes = LIMIT_BYTES, partitions = 2): Config {
  return {
    name: `${scene.source}.${table}`,
    source: { include: [`${scene.database}.${table}`] },
    topics: { partitions, config: { 'max.message.bytes': String(limitBytes) }, oversize: { policy } },
  };
}

/** `id` and a text of that length. */
const row = (id: number, bytes: number, seed = id): string =>
  `(${id}, 'note ${id}', SUBSTRING(REPEAT(SHA2(${seed}, 256), ${Math.ceil(bytes / 64)}), 1, ${bytes}))`;
const createTable = (name: string): string =>
  `CREATE TABLE ${name} (id int PRIMARY KEY, note varchar(100), v longtext CHARACTER SET utf8mb4)`;

const ofId = (records: readonly TopicRecord[], id: number): TopicRecord[] =>
  records.filter((record) => record.key?.id === id);
const lengthOf = (image: Row | undefined): number => (typeof image?.v === 'string' ? image.v.length : 0);

describe('rows that are larger than their topic takes', () => {
  test('policy claimCheck: every change in its place, whole for who follows the claim, decodable for who does not', async () => {
    const { sql, topics } = scene;
    const source = `${scene.source}.large`;
    // Around the limit in steps that are smaller than what the envelope adds.
    const near = Array.from({ length: 16 }, (_, i) => RECORD_BYTES - 40 * i);
    await sql.run(createTable('large'), `INSERT INTO large VALUES ${row(1, 1000)}, ${row(2, 2_000_000)}`);
    const reader = await scene.reader(readerOf('large', 'claimCheck'));
    await scene.records(reader, 'large', 2, source);
    for (const [i, bytes] of near.entries()) await sql.run(`INSERT INTO large VALUES ${row(100 + i, bytes)}`);
    await sql.run(
      `INSERT INTO large VALUES ${row(3, 5_000_000)}`,
      `INSERT INTO large VALUES ${row(4, 30_000_000)}`,
      `UPDATE large SET v = REPEAT('z', 4000000) WHERE id = 3`,
      `UPDATE large SET id = 5 WHERE id = 2`,
      `UPDATE large SET note = 'small again', v = 'v' WHERE id = 5`,
      `DELETE FROM large WHERE id = 3`,
    );
    const count = 2 + near.length + 2 + 1 + 3 + 1 + 2;
    await scene.records(reader, 'large', count, source);

    const records = await topics.read(scene.topic('large', source));
    expect(records).toHaveLength(count);
    for (const { claimedBytes, bytes, reduced, before, after } of records) {
      expect(claimedBytes === undefined).toBe(bytes <= RECORD_BYTES);
      if (claimedBytes === undefined) continue;
      for (const [small, whole] of [
        [reduced?.before, before],
        [reduced?.after, after],
      ] as const) {
        expect(small?.id).toBe(whole?.id);
        expect(small?.note).toBe(whole?.note);
        if (lengthOf(whole) > 16_384) expect(small?.v).toBe(PLACEHOLDER);
        else expect(small?.v).toBe(whole?.v);
      }
    }
    const inline = near.map((_, i) => ofId(records, 100 + i)[0]?.claimedBytes === undefined);
    expect(new Set(inline)).toEqual(new Set([true, false]));
    const changes = (id: number): unknown[] =>
      ofId(records, id).map(({ op, before, after }) => [op, lengthOf(before), lengthOf(after)]);
    expect(changes(1)).toEqual([['r', 0, 1000]]);
    expect(changes(2)).toEqual([
      ['r', 0, 2_000_000],
      ['d', 2_000_000, 0],
      ['t', 0, 0],
    ]);
    expect(changes(3)).toEqual([
      ['c', 0, 5_000_000],
      ['u', 5_000_000, 4_000_000],
      ['d', 4_000_000, 0],
      ['t', 0, 0],
    ]);
    expect(changes(4)).toEqual([['c', 0, 30_000_000]]);
    expect(changes(5)).toEqual([
      ['c', 0, 2_000_000],
      ['u', 2_000_000, 1],
    ]);

    const writer = await scene.writer('large', redisAddress, { source: { topics: [scene.topic('large', source)] } });
    const wanted = await sql.rows('SELECT id, note, v FROM large ORDER BY id');
    const stored = async (id: string): Promise<unknown> => {
      const { note, v } = await redis.hgetall(`${scene.database}:${id}`);
      return [id, note, v];
    };
    await scene.settled(writer, records);
    for (const [id = '', note, v] of wanted) {
      // Not toEqual on the texts themselves: a difference would be printed.
      expect(JSON.stringify(await stored(id ?? '')) === JSON.stringify([id, note, v])).toBe(true);
    }
    expect(await redis.keys(`${scene.database}:*`)).toHaveLength(wanted.length);
    expect(await writer.stop()).toBe(0);
    expect(await reader.stop()).toBe(0);
  });

  test.each([true, false])('in JSON too (CloudEvents: %s)', async (cloudEvents) => {
    const { sql, topics, database } = scene;
    const table = `json_${cloudEvents}`;
    const source = `${scene.source}.${table}`;
    await sql.run(
      `CREATE TABLE ${table} (id int PRIMARY KEY, note varchar(100), v longtext CHARACTER SET utf8mb4, raw longblob)`,
      `INSERT INTO ${table} SELECT 1, 'ü"', REPEAT('a"ü', 700000), REPEAT(UNHEX('00FF'), 700000)`,
    );
    const format = { type: 'json', schemas: true, cloudEvents };
    const reader = await scene.reader({ ...readerOf(table, 'claimCheck'), format });
    await scene.records(reader, table, 1, source);
    await sql.run(`UPDATE ${table} SET note = 'changed'`);
    await scene.records(reader, table, 2, source);
    const topic = scene.topic(table, source);
    for (const text of await topics.texts(topic)) {
      expect(text.length).toBeLessThan(LIMIT_BYTES);
      type Payload = { readonly payload: { readonly after: Row } };
      const event = JSON.parse(text) as Payload & { readonly data: Payload };
      const { payload } = cloudEvents ? event.data : event;
      const raw = Buffer.from(PLACEHOLDER).toString('base64');
      expect(payload.after).toMatchObject({ id: 1, v: PLACEHOLDER, raw });
    }
    const writer = await scene.writer(table, redisAddress, {
      source: { topics: [topic] },
      sink: { key: `${database}:${table}:\${key.id}`, versionPrefix: `${database}:${table}.v:` },
    });
    const key = `${database}:${table}:1`;
    await writer.until('the row', async () => (await redis.hget(key, 'note')) === 'changed');
    expect((await redis.hget(key, 'v')) === 'a"ü'.repeat(700_000)).toBe(true);
    expect((await redis.hgetBuffer(key, 'raw'))?.equals(Buffer.alloc(1_400_000, '00ff', 'hex'))).toBe(true);
    expect(await writer.stop()).toBe(0);
    expect(await reader.stop()).toBe(0);
  });

  test('of a table that is gone when its rows are read', async () => {
    const { sql, topics, database } = scene;
    const base = readerOf('gone_too', 'claimCheck');
    const config = { ...base, source: { include: [`${database}.gone_too*`] } };
    const source = `${scene.source}.gone_too`;
    await sql.run(createTable('gone_too'), createTable('gone_too_not'), `INSERT INTO gone_too VALUES ${row(1, 10)}`);
    const first = await scene.reader(config);
    await scene.records(first, 'gone_too', 1, source);
    expect(await first.stop()).toBe(0);
    await sql.run(`INSERT INTO gone_too VALUES ${row(2, 2_000_000)}`, 'DROP TABLE gone_too');
    const second = await scene.reader(config);
    await scene.records(second, 'gone_too', 2, source);
    expect(await second.stop()).toBe(0);
    const [claimed] = ofId(await topics.read(scene.topic('gone_too', source)), 2);
    expect(claimed?.claimedBytes).toBeGreaterThan(2_000_000);
  });

  test('ended between a claim and its record, or killed anywhere: every change once, with a claim of its own', async () => {
    const { sql, topics } = scene;
    const source = `${scene.source}.killed`;
    const claims = `${source}.claims`;
    const topic = scene.topic('killed', source);
    const reader = (): Promise<Service> => scene.reader(readerOf('killed', 'claimCheck'));
    await sql.run(createTable('killed'), `INSERT INTO killed VALUES ${row(1, 2_000_000)}`);
    const first = await reader();
    await scene.records(first, 'killed', 1, source);
    const pieces = await topics.count(claims);
    // The data topic takes not even the record with the claim, the claims topic takes its pieces.
    await topics.limit(topic, 100, TOPIC_CONFIG);
    await sql.run(`INSERT INTO killed VALUES ${row(2, 2_000_000)}`);
    await first.errorOf('KAFKA_RECORD_TOO_LARGE');
    expect(await first.ended()).toBe(1);
    expect([await topics.count(claims), await topics.count(topic)]).toEqual([2 * pieces, 1]);
    await topics.limit(topic, LIMIT_BYTES, TOPIC_CONFIG);

    for (const id of [3, 4]) {
      const before = await topics.count(claims);
      const killed = await reader();
      for (let n = 0; n < 5; n++) await sql.run(`INSERT INTO killed VALUES ${row(10 * id + n, 2_000_000)}`);
      await killed.until('more claims', async () => (await topics.count(claims)) > before);
      await killed.kill();
    }
    const last = await reader();
    await sql.run(`UPDATE killed SET note = 'last' WHERE id = 2`, `DELETE FROM killed WHERE id = 1`);
    await scene.records(last, 'killed', 1 + 1 + 10 + 1 + 2, source);
    expect(await last.stop()).toBe(0);
    const claimed = await topics.count(claims);
    const again = await reader();
    await again.until('ready', () => again.saysReady());
    expect(await again.stop()).toBe(0);
    expect(await topics.count(claims)).toBe(claimed);

    const records = await topics.read(topic);
    const seen = records.map(({ op, key, after }) => `${Number(key?.id)} ${op} ${lengthOf(after)}`);
    expect(seen.toSorted()).toEqual(
      [1, 2, ...[3, 4].flatMap((id) => [0, 1, 2, 3, 4].map((n) => 10 * id + n))]
        .map((id) => `${id} ${id === 1 ? 'r' : 'c'} 2000000`)
        .concat('1 d 0', '1 t 0', '2 u 2000000')
        .toSorted(),
    );
  });

  test('policy stop: the row is named before anything of it is sent; with a larger limit the reader goes on at it', async () => {
    const { sql, topics } = scene;
    const source = `${scene.source}.refused`;
    const topic = scene.topic('refused', source);
    const reader = await scene.reader(readerOf('refused', 'stop'));
    await sql.run(createTable('refused'));
    for (const [id, bytes] of [
      [1, 10],
      [2, 2_000_000],
      [3, 10],
    ] as const)
      await sql.run(`INSERT INTO refused VALUES ${row(id, bytes)}`);
    const error = await reader.errorOf('KAFKA_RECORD_TOO_LARGE');
    expect(error.message).toContain('{"id":2}');
    expect(error.remedy).toContain(topic);
    expect(error.remedy).toContain('claimCheck');
    expect(await reader.ended()).toBe(1);
    expect((await topics.read(topic)).map(({ key }) => key?.id)).toEqual([1]);
    await topics.limit(topic, 4_000_000, TOPIC_CONFIG);
    const again = await scene.reader(readerOf('refused', 'stop'));
    await scene.records(again, 'refused', 3, source);
    expect(await again.stop()).toBe(0);
    const lengths = (await topics.read(topic)).map(({ key, after }) => `${Number(key?.id)} ${lengthOf(after)}`);
    expect(lengths.toSorted()).toEqual(['1 10', '2 2000000', '3 10']);
  });

  test('a key that is too large stays so without its value, and is refused whatever the policy', async () => {
    const { sql } = scene;
    await sql.run(
      'CREATE TABLE keyed (k varchar(3000) CHARACTER SET latin1 PRIMARY KEY)',
      `INSERT INTO keyed VALUES (REPEAT('k', 3000))`,
    );
    const reader = await scene.reader(readerOf('keyed', 'claimCheck', 3300));
    const error = await reader.errorOf('KAFKA_RECORD_TOO_LARGE');
    expect(error.message).toMatch(/3\d\d\d bytes of key/);
    expect(error.message.length).toBeLessThan(1000);
    expect(await reader.ended()).toBe(1);
  });

  test('a value that is gone stops a writer with its place, or is parked with its claim', async () => {
    const { sql, topics } = scene;
    const source = `${scene.source}.gone`;
    const topic = scene.topic('gone', source);
    await sql.run(createTable('gone'), `INSERT INTO gone VALUES ${row(1, 2_000_000)}, ${row(2, 10)}`);
    const reader = await scene.reader(readerOf('gone', 'claimCheck', LIMIT_BYTES, 1));
    await scene.records(reader, 'gone', 2, source);
    expect(await reader.stop()).toBe(0);
    await topics.empty(`${source}.claims`);
    const config = { source: { topics: [topic] }, sink: { key: `${scene.database}:gone:\${key.id}` } };
    const stopping = await scene.writer('gone', redisAddress, config);
    const error = await stopping.errorOf('CLAIM_MISSING');
    expect(error.message).toContain(`${source}.claims/0@0`);
    await stopping.until('it stands', async () => (await stopping.state())['writer'] === 'stopped');
    expect(await redis.keys(`${scene.database}:gone:*`)).toEqual([]);
    expect(await stopping.stop()).toBe(1);

    const name = uniqueName('writer');
    const parking = await scene.writer('gone', redisAddress, { ...config, name, onError: 'deadLetter' });
    await parking.until('the row behind it', async () => (await redis.exists(`${scene.database}:gone:2`)) === 1);
    await parking.until('the letter', async () => (await topics.count(`${name}.dead-letters`)) === 1);
    const [letter] = await topics.headers(`${name}.dead-letters`);
    expect(letter).toMatchObject({ 'dl.code': 'CLAIM_MISSING', 'dl.topic': topic });
    expect(JSON.parse(letter?.['claim'] ?? '{}')).toMatchObject({ topic: `${source}.claims`, first: '0' });
    expect(await parking.stop()).toBe(0);
  });
});
