import { expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';
import type { Service } from './service.ts';

const QUICK = { source: { watchMs: 300, heartbeatMs: 200 }, progress: { intervalMs: 50, idleMs: 300 } };

const AGE = 'tapline_reader_progress_age_seconds';
const LAG = 'tapline_reader_lag_seconds';

interface Trouble {
  readonly code: string;
  readonly remedy?: string;
}

/** What /state says is the matter. */
async function troubleOf(service: Service): Promise<Trouble | undefined> {
  return (await service.state())['trouble'] as Trouble | undefined;
}

/** Waits until the metric is as it must be, and stays so for a while. */
async function settles(service: Service, metric: string, holds: (value: number) => boolean): Promise<void> {
  let last = Number.NaN;
  const seen = async (): Promise<boolean> => {
    last = await service.metric(metric);
    return holds(last);
  };
  await service.until(`${metric} as it must be`, async () => {
    for (let times = 0; times < 3; times++) {
      if (!(await seen())) return false;
      await sleep(150);
    }
    return true;
  });
}

test('idle, a source that stands still, purged files, and grants taken away while it runs: each tells', async () => {
  const { kafka } = await testServers('kafka');
  await using stack = await openStack({});
  const mysql = await stack.add('mysql');
  await using scene = await Scene.open({ mysql: mysql.address, brokers: kafka.brokers });
  // However the test ends: nobody else could say goodbye to a server that stands still.
  using _resumed = { [Symbol.dispose]: () => mysql.resume() };
  await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
  const reader = await scene.reader({ ...QUICK, admin: { stalledMs: 1 } });
  await scene.records(reader, 't', 1);
  await reader.until('streaming', async () => (await reader.state())['doing'] === 'streaming');

  // Nothing happens: what is there is told all the same.
  await settles(reader, LAG, (seconds) => seconds === 0);
  await settles(reader, AGE, (seconds) => seconds < 3);
  await settles(reader, 'tapline_reader_binlog_behind_bytes', (bytes) => bytes === 0);
  await settles(reader, 'tapline_reader_binlog_headroom_seconds', (seconds) => seconds > 0);
  await settles(reader, 'tapline_reader_binlog_room_bytes', (bytes) => bytes === Number.POSITIVE_INFINITY);
  // No age is too old then.
  await scene.sql.run('SET GLOBAL binlog_expire_logs_auto_purge = OFF');
  await settles(reader, 'tapline_reader_binlog_headroom_seconds', (seconds) => seconds === Number.POSITIVE_INFINITY);
  await scene.sql.run('SET GLOBAL binlog_expire_logs_auto_purge = ON');
  await settles(reader, 'tapline_reader_trouble', (troubles) => troubles === 0);
  // With so short a limit it is live only when there has been a sign since the last look.
  await reader.saysLive();
  await reader.until('a sign of work', () => reader.saysLive());

  // Files that are needed no more.
  await settles(reader, 'tapline_reader_binlog_headroom_bytes', (bytes) => bytes === 0);
  await scene.sql.run('FLUSH BINARY LOGS', 'INSERT INTO t VALUES (2)');
  await settles(reader, 'tapline_reader_binlog_headroom_bytes', (bytes) => bytes > 0);

  // It keeps its sockets and says nothing: no value may look as on an idle source.
  mysql.pause();
  await settles(reader, LAG, (seconds) => seconds > 1.5);
  await settles(reader, AGE, (seconds) => seconds > 3);
  await reader.until('trouble', async () => (await troubleOf(reader)) !== undefined);
  await reader.until('not ready', async () => !(await reader.saysReady()));
  const failures = 'tapline_reader_session_failures_total';
  await reader.until('the session has ended', async () => (await reader.metric(failures)) > 0);
  mysql.resume();
  await settles(reader, LAG, (seconds) => seconds === 0);
  await settles(reader, AGE, (seconds) => seconds < 3);
  await reader.until('no trouble any more', async () => (await troubleOf(reader)) === undefined);

  // A stream that runs goes on without the grant; the next one needs it.
  await mysql.execute("REVOKE REPLICATION SLAVE ON *.* FROM 'cdc'@'%'");
  await mysql.kill();
  await mysql.start();
  const refused = await reader.errorOf('SOURCE_MISSING_GRANT');
  expect(refused.remedy).toContain('GRANT REPLICATION SLAVE');
  expect(await reader.ended()).toBe(1);
  await mysql.execute("GRANT REPLICATION SLAVE ON *.* TO 'cdc'@'%'");
  const again = await scene.reader(QUICK);
  await scene.sql.reopen();
  await scene.sql.run('INSERT INTO t VALUES (3)');
  await scene.records(again, 't', 3);
  expect(await again.stop()).toBe(0);
});

test('Kafka away: nothing becomes durable, and that shows with a code', async () => {
  const { mysql } = await testServers('mysql');
  await using stack = await openStack({ kafka: 1 });
  await using scene = await Scene.open({ mysql, brokers: stack.kafka.address.brokers });
  await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
  const reader = await scene.reader(QUICK);
  await scene.records(reader, 't', 1);
  await settles(reader, AGE, (seconds) => seconds < 3);
  await stack.kafka.brokers[0]?.kill();
  await settles(reader, AGE, (seconds) => seconds > 4);
  const trouble = await reader.seen(
    'trouble with Kafka',
    () => troubleOf(reader),
    (told) => told?.code === 'KAFKA_UNREACHABLE',
  );
  expect(trouble?.remedy).toContain('kafka.brokers');
  await stack.kafka.brokers[0]?.start();
  await settles(reader, AGE, (seconds) => seconds < 3);
  await reader.until('no trouble any more', async () => (await troubleOf(reader)) === undefined);
  expect(await reader.stop()).toBe(0);
});
