import { expect, test } from '@jest/globals';
import { openKafka } from '@tapline/kafka';
import { sleep } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import { Scene, type Sql } from './scene.ts';
import type { LogEntry, Service } from './service.ts';

const PARTITIONS = 2;

/** Rows that count their own changes, changed all the time until it is stopped. */
class CountingLoad implements AsyncDisposable {
  readonly #sql: Sql;
  readonly #done: Promise<void>;
  #on = true;
  rows = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#on = false;
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#sql[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    while (this.#on) {
      const id = ++this.rows;
      await this.#sql.run(
        'BEGIN',
        `INSERT INTO t VALUES (${id}, 0)`,
        `UPDATE t SET n = n + 1 WHERE id BETWEEN ${id - 20} AND ${id} OR id = ${1 + (id % 7)}`,
        'COMMIT',
      );
      await sleep(5);
    }
  }
}

async function openScene(): Promise<{ scene: Scene; brokers: readonly string[] }> {
  const { mysql, kafka } = await testServers('mysql', 'kafka');
  const scene = await Scene.open({ mysql, brokers: kafka.brokers });
  await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY, n int)');
  return { scene, brokers: kafka.brokers };
}

async function standby(scene: Scene, sessionTimeoutMs: number): Promise<Service> {
  return await scene.reader({ leadership: { enabled: true, sessionTimeoutMs } });
}

const has =
  (service: Service, wanted: Readonly<Record<string, unknown>>): (() => Promise<boolean>) =>
  async () => {
    const state = await service.state();
    return Object.entries(wanted).every(([name, value]) => state[name] === value);
  };

async function until(service: Service, wanted: Readonly<Record<string, unknown>>): Promise<void> {
  await service.until(JSON.stringify(wanted), has(service, wanted));
}

async function says(service: Service, message: string): Promise<boolean> {
  return (await service.entries()).some((entry) => entry.message === message);
}

/** By its log: on a busy machine a leader may miss its short session, and then the standby of a moment ago leads. */
async function standsBy(service: Service): Promise<void> {
  await service.until('it stands by', () => says(service, 'standing by'));
}

/** Everything that was changed, in the order in which it was changed, once. */
async function expectExact(scene: Scene, leader: Service): Promise<void> {
  const counts = (await scene.sql.rows('SELECT id, n FROM t ORDER BY id')).map(
    ([id, n]) => [Number(id), Number(n)] as const,
  );
  const changes = counts.reduce((sum, [, n]) => sum + n + 1, 0);
  await scene.records(leader, 't', changes);
  const seen = new Map<number, number[]>();
  for (const { key, after } of await scene.topics.read(scene.topic('t'))) {
    const id = Number(key?.id);
    seen.set(id, [...(seen.get(id) ?? []), Number(after?.n)]);
  }
  const expected = counts.map(([id, n]) => [id, Array.from({ length: n + 1 }, (_, i) => i)] as const);
  expect([...seen].toSorted(([a], [b]) => a - b)).toEqual(expected);
}

/** No batch of an earlier life stands behind a later life's marker or batch. */
async function expectEpochsInOrder(scene: Scene, brokers: readonly string[]): Promise<number> {
  await using kafka = openKafka({ brokers });
  const found = new Set<number>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    let newest = -1;
    for await (const { producerEpoch } of kafka.reader.batches(scene.topic('t'), partition)) {
      expect(producerEpoch).toBeGreaterThanOrEqual(newest);
      newest = producerEpoch;
      found.add(producerEpoch);
    }
  }
  return found.size;
}

async function timeOf(service: Service, message: string): Promise<number> {
  const entry = (await service.entries()).findLast((line: LogEntry) => line.message === message);
  return entry === undefined ? Number.NaN : Date.parse(entry.time);
}

test('the leader killed under load, then the next one stopped, then all of them one after the other: a standby goes on each time, every change once and in order', async () => {
  const { scene, brokers } = await openScene();
  await using _ = scene;
  const first = await standby(scene, 3000);
  await until(first, { role: 'leader' });
  await first.until('streaming', () => first.saysReady());
  await using load = new CountingLoad(await scene.session());
  const second = await standby(scene, 3000);
  await standsBy(second);
  await second.until('ready', () => second.saysReady());
  await scene.records(first, 't', 200);

  const killedMs = Date.now();
  await first.kill();
  await second.until('it streams', async () => !Number.isNaN(await timeOf(second, 'streaming')));
  console.log(`kill -9 to streaming: ${(await timeOf(second, 'streaming')) - killedMs} ms (session timeout 3000)`);

  const third = await standby(scene, 3000);
  await standsBy(third);
  const stoppedMs = Date.now();
  expect(await second.stop()).toBe(0);
  await third.until('it streams', async () => !Number.isNaN(await timeOf(third, 'streaming')));
  console.log(`SIGTERM to streaming: ${(await timeOf(third, 'streaming')) - stoppedMs} ms`);

  // The rest of a rolling restart.
  const leader = await standby(scene, 3000);
  await standsBy(leader);
  expect(await third.stop()).toBe(0);
  await until(leader, { role: 'leader' });
  await leader.until('streaming', () => leader.saysReady());
  await load.stop();
  await expectExact(scene, leader);
  expect(await leader.stop()).toBe(0);
  expect(await expectEpochsInOrder(scene, brokers)).toBeGreaterThan(2);
});

test('a leader stopped in the middle of a large transaction does not keep the next one waiting for its end: every row once and in order', async () => {
  const { scene, brokers } = await openScene();
  await using _ = scene;
  const leadership = { enabled: true, sessionTimeoutMs: 6000, handOverMs: 0 };
  const first = await scene.reader({ leadership });
  await first.until('streaming', () => first.saysReady());
  const second = await scene.reader({ leadership });
  await standsBy(second);
  const rows = 100_000;
  await scene.sql.run(
    'SET SESSION cte_max_recursion_depth = 1000000',
    `INSERT INTO t WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${rows}) SELECT i, i FROM s`,
  );
  await scene.records(first, 't', 1);
  const stoppedMs = Date.now();
  expect(await first.stop()).toBe(0);
  await second.until('it streams', async () => !Number.isNaN(await timeOf(second, 'streaming')));
  console.log(`SIGTERM in a large transaction to streaming: ${(await timeOf(second, 'streaming')) - stoppedMs} ms`);
  await scene.records(second, 't', rows);
  expect(await second.stop()).toBe(0);
  const ids: number[][] = Array.from({ length: PARTITIONS }, () => []);
  for (const { partition, key } of await scene.topics.read(scene.topic('t'))) ids[partition]?.push(Number(key?.id));
  expect(ids.flat()).toHaveLength(rows);
  for (const inOrder of ids) expect(inOrder).toEqual([...new Set(inOrder)].toSorted((a, b) => a - b));
  await expectEpochsInOrder(scene, brokers);
});

test('a leader that stands still past its session, and wakes up when another one leads, writes nothing late, stands by, and can lead again', async () => {
  const { scene, brokers } = await openScene();
  await using _ = scene;
  const first = await standby(scene, 2000);
  await until(first, { role: 'leader' });
  await first.until('streaming', () => first.saysReady());
  const second = await standby(scene, 2000);
  await standsBy(second);
  await using load = new CountingLoad(await scene.session());
  await scene.records(first, 't', 200);

  first.pause();
  await until(second, { role: 'leader' });
  await second.until('streaming', () => second.saysReady());
  await sleep(500);
  first.resume();
  await first.until('it stands by again', () => says(first, 'another reader leads, this one stands by'));
  expect((await first.errorOf('KAFKA_FENCED')).remedy).toContain('leadership');
  expect(first.running).toBe(true);

  expect(await second.stop()).toBe(0);
  await until(first, { role: 'leader' });
  await first.until('streaming', () => first.saysReady());
  await load.stop();
  await expectExact(scene, first);
  expect(await first.stop()).toBe(0);
  await expectEpochsInOrder(scene, brokers);
});

test('without standbys a second reader of the same name takes over at once: the first one ends with a code, and nothing is lost or doubled', async () => {
  const { scene, brokers } = await openScene();
  await using _ = scene;
  const first = await scene.reader();
  await first.until('streaming', () => first.saysReady());
  await using load = new CountingLoad(await scene.session());
  await scene.records(first, 't', 100);
  const second = await scene.reader();
  await second.until('streaming', () => second.saysReady());
  expect((await first.errorOf('KAFKA_FENCED')).remedy).toContain('same `name`');
  expect(await first.ended()).not.toBe(0);
  await load.stop();
  await expectExact(scene, second);
  expect(await second.stop()).toBe(0);
  // More when a session was opened anew for another reason.
  expect(await expectEpochsInOrder(scene, brokers)).toBeGreaterThanOrEqual(2);
});
