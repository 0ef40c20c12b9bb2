import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';

async function open(server: 'mysql' | 'mariadb'): Promise<Scene> {
  const { kafka, ...servers } = await testServers(server, 'kafka');
  return await Scene.open({ mysql: servers[server], brokers: kafka.brokers });
}

const values = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `(${from + i}, REPEAT('x', 100))`).join();

test.each([
  { server: 'mysql', only: 'all' },
  { server: 'mariadb', only: 'all' },
  { server: 'mysql', only: 'deletes' },
  { server: 'mariadb', only: 'deletes' },
] as const)(
  '$server, only: $only: what is left out is told, what stays is in its order, and a kill counts the same',
  async ({ server, only }) => {
    await using scene = await open(server);
    const { sql, topics } = scene;
    await sql.run('CREATE TABLE t (id int PRIMARY KEY, v text)', 'CREATE TABLE other (id int PRIMARY KEY)');
    const config = {
      transactions: { topic: true, maxBytes: 50_000, oversize: 'announce', only },
      progress: { intervalMs: 3_600_000 },
      snapshot: { mode: 'never' },
      topics: { partitions: 1 },
    };
    const first = await scene.reader(config);
    await first.until('readiness', async () => await first.saysReady());
    await sql.run(
      `INSERT INTO t VALUES ${values(0, 10)}`,
      `INSERT INTO t VALUES ${values(100, 2000)}`,
      'DELETE FROM t WHERE id >= 100 AND id < 1100',
      'BEGIN',
      'DELETE FROM t WHERE id >= 1100',
      'INSERT INTO other VALUES (1)',
      'COMMIT',
      'UPDATE t SET id = -1 WHERE id = 9',
    );
    const isAll = only === 'all';
    const expected = isAll ? `${'c'.repeat(10)}dtc` : `${'c'.repeat(2010)}${'dt'.repeat(1000)}dtc`;
    const ops = async (): Promise<string> => (await topics.read(scene.topic('t'))).map(({ op }) => op).join('');
    await first.until('all changes', async () => (await topics.count(scene.topic('t'))) >= expected.length);
    await first.kill();
    const second = await scene.reader(config);
    await sql.run('INSERT INTO other VALUES (2)');
    const others = async (): Promise<number> => (await topics.read(scene.topic('other'))).length;
    await second.until('the last row', async () => (await others()) >= (isAll ? 1 : 2));
    expect(await ops()).toBe(expected);
    const told = (await topics.texts(`${scene.source}.transactions`)).filter((text) => text.includes('SKIPPED'));
    expect(told).toHaveLength(isAll ? 3 : 1);
    expect(await second.stop()).toBe(0);
  },
);
