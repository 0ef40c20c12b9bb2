import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type MysqlServer, openStack, type Stack, testServers } from '@tapline/test-stack';
import { Scene, uniqueName } from './scene.ts';
import type { Service } from './service.ts';

const WITHOUT_GTID = { 'gtid-mode': 'OFF', 'enforce-gtid-consistency': 'OFF', 'innodb-buffer-pool-size': '64M' };

async function anchorsOf(service: Service): Promise<{ state?: string; trouble?: string; roundTripSeconds?: number }> {
  return (await service.state())['anchors'] ?? {};
}

/** The newest and the oldest; the one between in the long form. */
const KINDS = ['mysql', 'mysql57', ...(process.env['TAPLINE_CHAOS'] === 'long' ? ['mysql80' as const] : [])] as const;

describe.each(KINDS)('%s with gtid_mode=OFF', (kind) => {
  let stack: Stack;
  let server: MysqlServer;
  let brokers: readonly string[];
  const account = uniqueName('a').slice(0, 30);
  const anchors = { user: account, password: 'small', intervalMs: 200 };

  beforeAll(async () => {
    stack = await openStack({});
    brokers = (await testServers('kafka')).kafka.brokers;
    server = (await stack.add(kind, { settings: WITHOUT_GTID })) as MysqlServer;
    await server.execute(`CREATE USER '${account}'@'%' IDENTIFIED BY 'small'`);
  });

  afterAll(async () => {
    await stack[Symbol.asyncDispose]();
  });

  const open = (): Promise<Scene> => Scene.open({ mysql: server.address, brokers });

  test('is loaded and followed; without rights for anchors it is said, and nothing else is different', async () => {
    await using scene = await open();
    await scene.sql.run('CREATE TABLE t (id INT PRIMARY KEY, v INT)', 'INSERT INTO t VALUES (1, 1), (2, 2)');
    const reader = await scene.reader({ source: { anchors } });
    await scene.records(reader, 't', 2);
    const trouble = await reader.errorOf('SOURCE_MISSING_GRANT');
    expect(trouble.remedy).toContain('GRANT CREATE, SELECT, INSERT, DELETE ON `__db_mysync`.*');
    await reader.until('anchors are refused', async () => (await anchorsOf(reader)).state === 'refused');

    await scene.sql.run('UPDATE t SET v = 3 WHERE id = 2', 'FLUSH LOGS');
    await scene.records(reader, 't', 3);
    expect(await reader.stop()).toBe(0);
    await scene.sql.run('INSERT INTO t VALUES (4, 4)');
    const again = await scene.reader({ source: { anchors } });
    const changes = async (): Promise<string[]> => {
      const records = await scene.topics.read(scene.topic('t'));
      return records.map(({ op, after }) => `${op} ${String(after?.['id'])}`).toSorted();
    };
    await again.until('the insert is there', async () => (await changes()).includes('c 4'));
    expect(await changes()).toEqual(['c 4', 'r 1', 'r 2', 'u 2']);
    expect(await again.stop()).toBe(0);
  });

  test('what is gone of its binlog is told: purged files, and a binlog that was begun anew', async () => {
    await using scene = await open();
    await scene.sql.run('CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
    const reader = await scene.reader();
    await scene.records(reader, 't', 1);
    expect(await reader.stop()).toBe(0);
    await scene.sql.run('INSERT INTO t VALUES (2)', 'FLUSH LOGS', 'INSERT INTO t VALUES (3)', 'FLUSH LOGS');
    await scene.sql.purge();
    const purged = await scene.reader();
    await purged.errorOf('SOURCE_PURGED');
    expect(await purged.ended()).toBe(1);

    await scene.sql.run(kind === 'mysql' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER');
    const reset = await scene.reader();
    await reset.errorOf('SOURCE_BINLOG_RESET');
    expect(await reset.ended()).toBe(1);
    expect(await scene.topics.read(scene.topic('t'))).toHaveLength(1);
  });

  test('writes anchors with an account of their own, and keeps a number of them', async () => {
    await server.execute(`GRANT CREATE, SELECT, INSERT, DELETE ON \`__db_mysync\`.* TO '${account}'@'%'`);
    await using scene = await open();
    await scene.sql.run('CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
    // Every table is captured, and the anchors are not.
    const reader = await scene.reader({ source: { anchors: { ...anchors, enabled: 'on' } } });
    await reader.until('an anchor is back', async () => {
      const { state, roundTripSeconds } = await anchorsOf(reader);
      return state === 'writing' && Number(roundTripSeconds ?? 0) > 0;
    });
    const newest = async (): Promise<number> =>
      Number(await scene.sql.value(`SELECT MAX(id) FROM __db_mysync.t_binlog_record WHERE source = '${scene.source}'`));
    expect(await reader.stop()).toBe(0);
    const before = await newest();
    const again = await scene.reader({ source: { anchors } });
    await again.until('the numbers go on', async () => (await newest()) > before + 2);
    expect(await again.stop()).toBe(0);
  });
});

describe('anchors on a source with GTIDs', () => {
  test('are written where they are on, never on a read-only server, and what is in the way is told', async () => {
    const { kafka } = await testServers('kafka');
    await using stack = await openStack({ mysql: { settings: { 'innodb-buffer-pool-size': '64M' } } });
    const { mysql } = stack;
    await using scene = await Scene.open({ mysql: mysql.address, brokers: kafka.brokers });
    await scene.sql.run('CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
    const root = { user: 'root', password: '' };
    const off = await scene.reader();
    await scene.records(off, 't', 1);
    expect(await anchorsOf(off)).toEqual({ state: 'off' });
    expect(await off.stop()).toBe(0);
    expect(await scene.sql.rows("SHOW DATABASES LIKE '\\\\_\\\\_db%'")).toEqual([]);

    const denied = await scene.reader({ source: { anchors: { enabled: 'on' } } });
    expect((await denied.errorOf('SOURCE_MISSING_GRANT')).message).toContain('Anchors cannot be written');
    expect(await denied.ended()).toBe(1);

    await scene.sql.run('SET GLOBAL read_only = ON');
    const waits = await scene.reader({ source: { anchors: { enabled: 'on', ...root, intervalMs: 100 } } });
    expect((await waits.errorOf('SOURCE_READ_ONLY_ANCHORS')).remedy).toContain('promoted');
    expect(await scene.sql.rows("SHOW DATABASES LIKE '\\\\_\\\\_db%'")).toEqual([]);
    await scene.sql.run('SET GLOBAL read_only = OFF');
    await waits.until('an anchor is back', async () => Number((await anchorsOf(waits)).roundTripSeconds ?? 0) > 0);

    const rows = (): Promise<string> => scene.sql.value('SELECT COUNT(*) FROM __db_mysync.t_binlog_record');
    await scene.sql.run('SET GLOBAL read_only = ON');
    await waits.until('it says that it cannot', async () => (await anchorsOf(waits)).state === 'failing');
    const written = await rows();
    await scene.sql.run('SET GLOBAL read_only = OFF', 'INSERT INTO t VALUES (2)');
    await scene.records(waits, 't', 2);
    await waits.until('anchors are written again', async () => (await anchorsOf(waits)).state === 'writing');
    expect(Number(await rows())).toBeGreaterThan(Number(written));
    expect(await waits.stop()).toBe(0);
  });
});
