import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';

async function open(server: 'mysql' | 'mariadb'): Promise<Scene> {
  const { kafka, ...servers } = await testServers(server, 'kafka');
  return await Scene.open({ mysql: servers[server], brokers: kafka.brokers });
}

const OUTBOX = `CREATE TABLE outbox (
  id char(36) PRIMARY KEY, aggregatetype varchar(40) NOT NULL, aggregateid varchar(40), type varchar(40), payload json)`;

interface Event {
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** A topic's events in the order of their ids, which is that of their inserts. */
async function eventsOf({ topics }: Scene, topic: string): Promise<Event[]> {
  const events = (await topics.raw(topic)).map(({ message }): Event => {
    const { v, gtid, ...headers } = message.headers ?? {};
    expect(Buffer.from(v as Buffer).length).toBe(8);
    expect(String(gtid)).toMatch(/[0-9]+[:-][0-9]+$/);
    return {
      key: message.key?.toString(),
      value: message.value?.toString(),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    };
  });
  return events.sort((a, b) => (a.headers['id'] ?? '').localeCompare(b.headers['id'] ?? ''));
}

test.each(['mysql', 'mariadb'] as const)(
  '%s: each inserted row is an event in the topic of its kind, byte for byte; updates and deletes are none',
  async (server) => {
    await using scene = await open(server);
    const { sql } = scene;
    const prefix = `${scene.source}.event`;
    await sql.run(OUTBOX, `INSERT INTO outbox VALUES ('0', 'order', '1', 'stood before', '{}')`);
    const reader = await scene.reader({
      shape: {
        rules: [
          {
            tables: [`${scene.database}.outbox`],
            outbox: { topic: `${prefix}.\${type}`, headers: { eventType: 'type' } },
            config: { 'retention.ms': '3600000' },
            partitions: 3,
          },
        ],
      },
    });
    await reader.until('readiness', async () => await reader.saysReady());
    await sql.run(
      `INSERT INTO outbox VALUES ('1', 'order', '7', 'placed', '{"total": 1.5, "name": "Ärger"}'), ('2', 'user name', NULL, NULL, '[1]')`,
      'BEGIN',
      `INSERT INTO outbox VALUES ('3', 'order', '7', 'paid', NULL)`,
      `DELETE FROM outbox WHERE id = '3'`,
      'COMMIT',
      `UPDATE outbox SET type = 'changed' WHERE id = '1'`,
      'DELETE FROM outbox',
      `INSERT INTO outbox VALUES ('4', 'order', '8', 'placed', 'null')`,
    );
    const counted = async (): Promise<boolean> =>
      (await scene.topics.count(`${prefix}.order`)) === 3 && (await scene.topics.count(`${prefix}.user_name`)) === 1;
    await reader.until('four events', counted);
    // MySQL keeps JSON as a tree, MariaDB as the text that was given.
    const json = server === 'mysql' ? '{"name": "Ärger", "total": 1.5}' : '{"total": 1.5, "name": "Ärger"}';
    expect(await eventsOf(scene, `${prefix}.order`)).toEqual([
      { key: '7', value: json, headers: { id: '1', eventType: 'placed' } },
      { key: '7', value: undefined, headers: { id: '3', eventType: 'paid' } },
      { key: '8', value: 'null', headers: { id: '4', eventType: 'placed' } },
    ]);
    expect(await eventsOf(scene, `${prefix}.user_name`)).toEqual([
      { key: undefined, value: '[1]', headers: { id: '2' } },
    ]);
    expect(await scene.topics.exists(scene.topic('outbox'))).toBe(false);
    expect(await reader.stop()).toBe(0);
  },
);

test('sharded tables in one topic: the table’s name is in the keys, one reload of a table leaves the others alone, and without a choice it is refused', async () => {
  await using scene = await open('mysql');
  const { sql, topics } = scene;
  for (const shard of ['00', '01']) {
    await sql.run(
      `CREATE TABLE orders_${shard} (id int PRIMARY KEY, note varchar(20))`,
      `INSERT INTO orders_${shard} VALUES (1, 'loaded ${shard}')`,
    );
  }
  const topic = `${scene.source}.orders`;
  const rule = { tables: [`${scene.database}.orders_*`], topic: '${source}.orders', partitions: 1 };
  const refused = await scene.reader({ shape: { rules: [rule] } });
  expect(await refused.ended()).toBe(1);
  expect((await refused.errorOf('CONFIG_INVALID')).remedy).toContain('sharedTopic');

  // Small chunks: the second table begins when the topic has rows of the first one.
  const reader = await scene.reader({
    shape: { rules: [{ ...rule, sharedTopic: 'tableInKey' }] },
    snapshot: { chunkRows: 1 },
  });
  await reader.until('two rows', async () => (await topics.count(topic)) === 2);
  await sql.run(
    "UPDATE orders_00 SET note = 'changed'",
    'UPDATE orders_01 SET id = 2',
    'CREATE TABLE orders_02 LIKE orders_00',
    "INSERT INTO orders_02 VALUES (1, 'new shard')",
  );
  await reader.until('all changes', async () => (await topics.count(topic)) === 2 + 1 + 3 + 1);
  const name = '__dbz__physicalTableIdentifier';
  const seen = (await topics.read(topic)).map(({ op, key, after }) => [op, key?.[name], key?.['id'], after?.['note']]);
  const [first, second, third] = ['00', '01', '02'].map((shard) => `${scene.database}.orders_${shard}`);
  expect(seen).toEqual([
    ['r', first, 1, 'loaded 00'],
    ['r', second, 1, 'loaded 01'],
    ['u', first, 1, 'changed'],
    ['d', second, 1, undefined],
    ['t', second, 1, undefined],
    ['c', second, 2, 'loaded 01'],
    ['c', third, 1, 'new shard'],
  ]);
  expect(await reader.stop()).toBe(0);
});

test('kill -9 with filters, hashed keys and an outbox: the topics are those of a reader that was never killed', async () => {
  await using scene = await open('mysql');
  const { sql, topics } = scene;
  await sql.run(OUTBOX, 'CREATE TABLE t (id int PRIMARY KEY, live int, secret varchar(20))');
  const gtidSet = await sql.value('SELECT @@gtid_executed');
  const config = (name: string): Record<string, unknown> => ({
    name,
    start: { gtidSet },
    snapshot: { mode: 'never' },
    progress: { intervalMs: 400 },
    shape: {
      salt: 'a salt that nobody guesses',
      rules: [
        { tables: [`${scene.database}.t`], where: 'live % 3 <> 0', hash: ['id'], exclude: ['secret'] },
        { tables: [`${scene.database}.outbox`], outbox: { topic: `${name}.event.\${type}` } },
      ],
    },
  });
  const [killed, calm] = [`${scene.source}.killed`, `${scene.source}.calm`];
  const write = async (round: number): Promise<void> => {
    for (let i = round * 40; i < (round + 1) * 40; i++) {
      await sql.run(
        `INSERT INTO t VALUES (${i}, ${i}, 'x'), (${i + 10_000}, 1, 'x')`,
        `UPDATE t SET live = live + 1, id = id + IF(id % 50 = 0, 100000, 0) WHERE id % 7 = ${i % 7}`,
        `INSERT INTO outbox VALUES ('${String(i).padStart(6, '0')}', 'kind ${i % 3}', '${i % 5}', 'e', '{"n": ${i}}')`,
        `DELETE FROM t WHERE id = ${i - 20}`,
      );
    }
  };
  for (let round = 0; round < 4; round++) {
    const reader = await scene.reader(config(killed));
    const before = await topics.count(scene.topic('t', killed));
    const writing = write(round);
    await reader.until('more records', async () => (await topics.count(scene.topic('t', killed))) > before + 20);
    await reader.kill();
    await writing;
  }
  const last = [await scene.reader(config(killed)), await scene.reader(config(calm))];
  await sql.run("INSERT INTO t VALUES (-1, 1, 'end')", "INSERT INTO outbox VALUES ('end', 'kind 0', 'end', 'e', NULL)");
  const read = async (name: string): Promise<unknown> => ({
    // Keys name their schema by its id, which is another one for each topic, and with it the partition: what must be the same is each key's own sequence.
    rows: (await topics.read(scene.topic('t', name)))
      .map(({ op, key, afterBytes, beforeBytes }) => [String(key?.['id']), op, beforeBytes, afterBytes])
      .sort(([a = ''], [b = '']) => a.localeCompare(b)),
    events: await Promise.all(['0', '1', '2'].map(async (kind) => await eventsOf(scene, `${name}.event.kind_${kind}`))),
  });
  const ended = async (name: string): Promise<boolean> =>
    (await topics.count(`${name}.event.kind_0`)) > 0 &&
    (await eventsOf(scene, `${name}.event.kind_0`)).some(({ headers }) => headers['id'] === 'end');
  for (const [i, name] of [killed, calm].entries()) await last[i]?.until('the end', async () => await ended(name));
  expect(await Promise.all(last.map(async (reader) => await reader.stop()))).toEqual([0, 0]);
  expect(await read(killed)).toEqual(await read(calm));
});
