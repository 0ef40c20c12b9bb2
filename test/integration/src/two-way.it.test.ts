import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type SqlAddress, testServers } from '@tapline/test-stack';
import { Scene, type Sql, uniqueName } from './scene.ts';
import { Service } from './service.ts';

interface Side {
  readonly scene: Scene;
  readonly address: SqlAddress;
  reader: Service;
}

let brokers: readonly string[];
let left: Side;
let right: Side;
const services: Service[] = [];

/** From one side's topics into the other, under a name that the other's reader knows. */
async function copy(from: Side, to: Side, origin: string): Promise<void> {
  const { host, port, user, password } = to.address;
  const { database } = to.scene;
  services.push(
    await Service.start(from.scene.stack, 'writer', {
      name: uniqueName('writer'),
      source: { brokers, topics: [from.scene.topic('item')], commitMs: 100 },
      sink: { type: 'mysql', host, port, user, password, database, stateDatabase: `${database}_state`, origin },
      admin: { port: 0 },
    }),
  );
}

beforeAll(async () => {
  const servers = await testServers('mysql', 'mariadb', 'kafka');
  ({ brokers } = servers.kafka);
  const scenes = await Promise.all([
    Scene.open({ mysql: servers.mysql, brokers }),
    Scene.open({ mysql: servers.mariadb, brokers }),
  ]);
  const values = Array.from({ length: 10 }, (_, at) => `(${at}, 'row ${at}')`);
  await scenes[0].sql.run(
    'CREATE TABLE item (id INT PRIMARY KEY, a VARCHAR(40)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    `INSERT INTO item VALUES ${values.join(', ')}`,
  );
  const readers = await Promise.all([
    scenes[0].reader({ source: { skipOrigins: ['from-right'] } }),
    // What is in it by then comes from the other side.
    scenes[1].reader({
      source: { skipOrigins: ['from-left'] },
      snapshot: { mode: 'never' },
      start: { from: 'latest' },
    }),
  ]);
  left = { scene: scenes[0], address: servers.mysql, reader: readers[0] };
  right = { scene: scenes[1], address: servers.mariadb, reader: readers[1] };
  await right.reader.until('streaming', () => right.reader.saysStreaming());
  await left.scene.records(left.reader, 'item', 10);
  await copy(left, right, 'from-left');
});

afterAll(async () => {
  for (const { sql, database } of [left.scene, right.scene]) await sql.run(`DROP DATABASE IF EXISTS ${database}_state`);
  await left.scene[Symbol.asyncDispose]();
  await right.scene[Symbol.asyncDispose]();
});

async function all(sql: Sql): Promise<unknown> {
  return await sql.rows('SELECT * FROM item ORDER BY id').catch(() => undefined);
}

async function untilSame(): Promise<void> {
  await left.reader.until('both have the same', async () => {
    return JSON.stringify(await all(left.scene.sql)) === JSON.stringify(await all(right.scene.sql));
  });
}

test('two servers that are written to on both sides become the same, and no change comes back to where it was made', async () => {
  await untilSame();
  const a = left.scene;
  const b = right.scene;
  // Three changes there, of which it is the first that makes the table's topic.
  await b.sql.run("UPDATE item SET a = 'of b' WHERE id < 2", "INSERT INTO item VALUES (100, 'new in b')");
  await b.records(right.reader, 'item', 3);
  await copy(right, left, 'from-right');
  await untilSame();
  await a.sql.run(
    "UPDATE item SET a = 'of a' WHERE id IN (2, 100)",
    'ALTER TABLE item ADD COLUMN n INT NOT NULL DEFAULT 5',
    'UPDATE item SET n = 6 WHERE id = 3',
    'DELETE FROM item WHERE id = 4',
  );
  await untilSame();
  await b.sql.run('UPDATE item SET n = 7 WHERE id = 5', "INSERT INTO item VALUES (101, 'last of b', 8)");
  await untilSame();
  await a.sql.run("INSERT INTO item VALUES (102, 'last of a', 9)");
  await untilSame();
  expect(await all(a.sql)).toHaveLength(12);
  // Each is behind all that came back to its server, so what is there now is all there will be.
  await a.records(left.reader, 'item', 10 + 2 + 1 + 2 + 1);
  await b.records(right.reader, 'item', 3 + 2);
  await b.sql.run("INSERT INTO item VALUES (103, 'mark', 0)");
  await untilSame();
  await a.sql.run("INSERT INTO item VALUES (104, 'mark', 0)");
  await untilSame();
  expect(await a.topics.count(a.topic('item'))).toBe(16 + 1);
  expect(await b.topics.count(b.topic('item'))).toBe(5 + 1);
});

test('a row that both sides change before they hear of each other ends on each as the other had it, until somebody changes it again', async () => {
  const a = left.scene;
  const b = right.scene;
  for (const writer of services) writer.pause();
  await a.sql.run("UPDATE item SET a = 'by a' WHERE id = 6");
  await b.sql.run("UPDATE item SET a = 'by b' WHERE id = 6");
  await a.records(left.reader, 'item', 16 + 2);
  await b.records(right.reader, 'item', 5 + 2);
  for (const writer of services) writer.resume();
  const row = 'SELECT a FROM item WHERE id = 6';
  await left.reader.until('each has the change of the other', async () => {
    return (await a.sql.value(row)) === 'by b' && (await b.sql.value(row)) === 'by a';
  });
  await a.sql.run("UPDATE item SET a = 'settled' WHERE id = 6");
  await untilSame();
  expect(await b.sql.value(row)).toBe('settled');
});
