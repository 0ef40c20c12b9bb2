import { expect, test } from '@jest/globals';
import { type MysqlServer, openStack, testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';

const AS_MUCH_AGAIN = 60;

test.each([
  { kind: 'mysql', reset: 'RESET BINARY LOGS AND GTIDS' },
  { kind: 'mariadb', reset: 'RESET MASTER' },
] as const)(
  '$kind: the binlog is begun anew while the reader is down, and has as much in it again: never silent',
  async ({ kind, reset }) => {
    const { kafka } = await testServers('kafka');
    await using stack = await openStack({});
    const settings = { 'innodb-buffer-pool-size': '64M', 'performance-schema': 'OFF' };
    const server = (await stack.add(kind, { settings })) as MysqlServer;
    await using scene = await Scene.open({ mysql: server.address, brokers: kafka.brokers });
    const { sql } = scene;
    await sql.run('CREATE TABLE t (id INT PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
    const reader = await scene.reader();
    await scene.records(reader, 't', 1);
    // What it has seen committed itself, a day ago: whole seconds are all that some servers tell.
    await sql.run('SET timestamp = UNIX_TIMESTAMP() - 86400', 'INSERT INTO t VALUES (2)', 'INSERT INTO t VALUES (3)');
    await scene.records(reader, 't', 3);
    expect(await reader.stop()).toBe(0);
    const goesOn = await scene.reader();
    await goesOn.until('streaming', () => goesOn.saysStreaming());
    expect(await goesOn.stop()).toBe(0);

    await sql.run('SET timestamp = DEFAULT', reset);
    for (let i = 0; i < AS_MUCH_AGAIN; i++) {
      await sql.run(`INSERT INTO t VALUES (${100 + i})`);
      if (i % 10 === 0) await sql.run('FLUSH BINARY LOGS');
    }
    const again = await scene.reader();
    const error = await again.errorOf('SOURCE_BINLOG_RESET');
    expect(error.message).toContain('is another one than was read under that number');
    expect(await again.ended()).toBe(1);
  },
);
