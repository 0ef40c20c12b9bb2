import { expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, openTopology, testServers } from '@tapline/test-stack';
import { uniqueName } from './scene.ts';
import { Service } from './service.ts';
import { TopicReader } from './topic.ts';

/** MySQL 5.7: no commit times and no metadata in the binlog. The chaos tests have the newest server, and the oracle. */
test('5.7 without GTIDs: the source dies, a replica with other file names takes over: each change once, in order', async () => {
  const { kafka } = await testServers('kafka');
  await using stack = await openStack({});
  await using topology = await openTopology(stack, { kind: 'mysql57', by: 'file', servers: 2, ownBinlogNames: true });
  const account = uniqueName('a').slice(0, 30);
  await topology.source.execute(
    `CREATE USER '${account}'@'%' IDENTIFIED BY 'small'; GRANT ALL ON \`__db_mysync\`.* TO '${account}'@'%'`,
  );
  const database = uniqueName('it');
  await topology.source.execute(
    `CREATE DATABASE ${database}; CREATE TABLE ${database}.t (id INT PRIMARY KEY, v INT NOT NULL)`,
  );
  const topics = new TopicReader(kafka.brokers);
  const name = uniqueName('src');
  const config = {
    name,
    source: {
      ...topology.source.readerAddress,
      hosts: topology.servers.map(({ host, port }) => `${host}:${port}`),
      include: [`${database}.*`],
      anchors: { user: account, password: 'small', intervalMs: 500 },
    },
    kafka: { brokers: kafka.brokers },
    topics: { partitions: 2, replicationFactor: 1, config: { 'min.compaction.lag.ms': '86400000' } },
    snapshot: { mode: 'never' },
    progress: { intervalMs: 1000 },
    admin: { port: 0 },
  };
  const reader = await Service.start(stack, 'reader', config);
  let round = 0;
  /** Ten keys get a new value each, in transactions of two. */
  const write = async (rounds: number): Promise<void> => {
    const connection = await topology.source.connect({ database });
    try {
      for (let i = 0; i < rounds; i++) {
        round++;
        for (let id = 0; id < 10; id += 2) {
          const rows = `(${id}, ${round}), (${id + 1}, ${round})`;
          await connection.query(`INSERT INTO t VALUES ${rows} ON DUPLICATE KEY UPDATE v = VALUES(v)`);
        }
      }
    } finally {
      await connection.end();
    }
  };
  const values = async (): Promise<Map<string, number[]>> => {
    const byKey = new Map<string, number[]>();
    for (const { key, after } of await topics.read(`${name}.${database}.t`)) {
      const id = String(key?.['id']);
      byKey.set(id, [...(byKey.get(id) ?? []), Number(after?.['v'])]);
    }
    return byKey;
  };
  const until = async (service: Service): Promise<void> => {
    await service.until(`round ${round}`, async () => {
      if ((await topics.count(`${name}.${database}.t`)) === 0) return false;
      return (await values()).get('9')?.at(-1) === round;
    });
  };
  await reader.until('streaming', async () => (await reader.output()).includes('"streaming"'));
  await write(20);
  await until(reader);
  // From one that is noted, the next reader can count.
  await reader.until('an anchor is noted', async () => {
    const record = (await topics.texts(`${name}.progress`)).at(-1) ?? '{}';
    return ((JSON.parse(record) as { anchors?: readonly unknown[] }).anchors ?? []).length > 0;
  });
  // Some seconds of changes behind the newest anchor, and some of them behind the newest progress record.
  for (let i = 0; i < 10; i++) {
    await write(3);
    await sleep(100);
  }
  await reader.kill();
  await topology.caughtUp();
  await topology.source.kill();
  await topology.promote(topology.replica());
  await write(5);
  const again = await Service.start(stack, 'reader', config);
  await until(again);
  await write(5);
  await until(again);
  expect(await again.stop()).toBe(0);
  const expected = Array.from({ length: round }, (_, i) => i + 1);
  for (const [key, found] of await values()) expect([key, found]).toEqual([key, expected]);
  expect(await again.output()).toContain('goes on at an anchor');
});
