import { describe, expect, test } from '@jest/globals';
import { openStack, testServers } from '@tapline/test-stack';
import { Scene, type Sql } from './scene.ts';
import type { Service } from './service.ts';

const prepare = async (session: Sql, xid: string, ...statements: string[]): Promise<void> => {
  await session.run(`XA START '${xid}'`, ...statements, `XA END '${xid}'`, `XA PREPARE '${xid}'`);
};

/** `op id v` of each record, in the order of its partition; there is one partition. */
async function published(scene: Scene): Promise<string[]> {
  const records = await scene.topics.read(scene.topic('t'));
  return records.map(({ op, key, after }) => `${op} ${String(key?.['id'])} ${String(after?.['v'])}`);
}

/** Waits until the reader's progress record claims everything that is committed, but so many transactions. */
async function durable(scene: Scene, reader: Service, without: number): Promise<void> {
  await reader.until(`a progress record of all but ${without} transactions`, async () => {
    const record = (await scene.topics.texts(`${scene.source}.progress`)).at(-1) ?? '{}';
    const { gtidSet = '' } = JSON.parse(record) as { readonly gtidSet?: string };
    const missing = await scene.sql.value(`SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '${gtidSet}')`);
    const transactions = missing.split(':').slice(1).map(intervalSize);
    return transactions.reduce((sum, size) => sum + size, 0) === without;
  });
}

function intervalSize(interval: string): number {
  const [first, last = first] = interval.split('-').map(Number);
  return Number(last) - Number(first) + 1;
}

const ONE_PARTITION = { topics: { partitions: 1 } };

// Servers of their own: whatever is prepared on one makes every reader's first start wait.
describe.each(['mysql', 'mariadb'] as const)('XA transactions of %s', (name) => {
  test('are published when they are committed, once, also by a reader killed between PREPARE and COMMIT', async () => {
    const { kafka } = await testServers('kafka');
    await using stack = await openStack({});
    const server = await stack.add(name);
    await using scene = await Scene.open({ mysql: server.address, brokers: kafka.brokers });
    const { sql } = scene;
    const isMysql = name !== 'mariadb';
    await sql.run(
      // A failed test may leave a table locked by what is prepared; dropping it must not wait for ever.
      'SET SESSION lock_wait_timeout = 5',
      'CREATE TABLE t (id int PRIMARY KEY, v varchar(20))',
      'CREATE TABLE uncaptured (id int PRIMARY KEY)',
      "INSERT INTO t VALUES (1, 'loaded')",
    );
    await using early = await scene.session();
    await prepare(early, 'early', "INSERT INTO t VALUES (2, 'early')");
    const config = { ...ONE_PARTITION, source: { exclude: [`${scene.database}.uncaptured`] } };

    // What is prepared now, neither the first load nor the stream would have.
    let reader = await scene.reader(config);
    const waits = await reader.errorOf('SOURCE_XA_PREPARED');
    expect(waits.message).toContain(isMysql ? "X'6561726c79',X''" : 'early');
    await early.run("XA COMMIT 'early'");
    await scene.records(reader, 't', 2);

    await using other = await scene.session();
    await using third = await scene.session();
    await prepare(early, 'kept', "INSERT INTO t VALUES (3, 'kept')", "UPDATE t SET v = 'changed' WHERE id = 1");
    await prepare(other, 'undone', "INSERT INTO t VALUES (4, 'undone')");
    await prepare(third, 'elsewhere', 'INSERT INTO uncaptured VALUES (1)');
    await sql.run("INSERT INTO t VALUES (5, 'between')");
    await scene.records(reader, 't', 3);
    if (isMysql) await durable(scene, reader, 2);
    await reader.kill();

    await sql.run("INSERT INTO t VALUES (6, 'while nobody reads')");
    await other.run("XA ROLLBACK 'undone'");
    reader = await scene.reader(config);
    await scene.records(reader, 't', 4);
    await third.run("XA COMMIT 'elsewhere'");
    await early.run("XA COMMIT 'kept'");
    await scene.records(reader, 't', 6);
    // Between the commit and the next progress record: what was published must be recognised.
    await reader.kill();
    await sql.run("INSERT INTO t VALUES (7, 'last')");
    reader = await scene.reader(config);
    await scene.records(reader, 't', 7);
    if (isMysql) await durable(scene, reader, 0);
    expect(await reader.stop()).toBe(0);
    expect((await published(scene)).slice(0, 2).toSorted()).toEqual(['r 1 loaded', 'r 2 early']);
    expect((await published(scene)).slice(2)).toEqual([
      'c 5 between',
      'c 6 while nobody reads',
      'c 3 kept',
      'u 1 changed',
      'c 7 last',
    ]);
  });
});

test('the commit of an XA transaction from before the start is refused, when nobody could look', async () => {
  const { kafka } = await testServers('kafka');
  await using stack = await openStack({});
  const mysql = await stack.add('mysql');
  await using scene = await Scene.open({ mysql: mysql.address, brokers: kafka.brokers });
  const { sql } = scene;
  await sql.run(
    'SET SESSION lock_wait_timeout = 5',
    'CREATE TABLE t (id int PRIMARY KEY, v varchar(20))',
    "INSERT INTO t VALUES (1, 'loaded')",
    "CREATE USER blind IDENTIFIED BY 'p'",
    'GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO blind',
  );
  await using session = await scene.session();
  await prepare(session, 'old', "INSERT INTO t VALUES (2, 'unseen')");
  const reader = await scene.reader({ ...ONE_PARTITION, source: { user: 'blind', password: 'p' } });
  await scene.records(reader, 't', 1);
  expect(await reader.output()).toContain('grant-xa-recover-admin');
  await prepare(sql, 'seen', "INSERT INTO t VALUES (3, 'seen')");
  await sql.run("XA COMMIT 'seen'");
  await scene.records(reader, 't', 2);
  await session.run("XA COMMIT 'old'");
  const { remedy } = await reader.errorOf('SOURCE_XA_UNKNOWN');
  expect(remedy).toContain('progress topic');
  expect(await reader.ended()).not.toBe(0);
  expect(await published(scene)).toEqual(['r 1 loaded', 'c 3 seen']);
});
