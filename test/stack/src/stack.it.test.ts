import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { Kafka, logLevel } from 'kafkajs';
import type { RowDataPacket } from 'mysql2';
import { probeTcp } from './probe.ts';
import { identityOf, isAlive } from './process-identity.ts';
import { promote } from './servers/replication.ts';
import { openStack } from './stack.ts';

async function until(condition: () => boolean | Promise<boolean>, deadlineMs = 300_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition did not come true in time');
    await delay(50);
  }
}

test('a server keeps its port through stop, kill -9 and start, and answers nothing while paused', async () => {
  await using stack = await openStack({ redis: true });
  const { redis } = stack;
  const { port } = redis;
  await redis.kill();
  expect(await probeTcp(port)).toBe(false);
  await redis.start();
  await until(() => probeTcp(port, 'PING\r\n', '+PONG'));
  redis.pause();
  expect(await probeTcp(port, 'PING\r\n', '+PONG')).toBe(false);
  redis.resume();
  await until(() => probeTcp(port, 'PING\r\n', '+PONG'));
  await redis.restart();
  expect(redis.port).toBe(port);
  expect(await redis.logs()).toContain('Ready to accept connections');
});

test('what was committed in MySQL is there after kill -9, and a replica follows and can be promoted', async () => {
  await using stack = await openStack({ mysql: true, replica: true });
  const { mysql, replica } = stack;
  await mysql.execute(
    'create database kept; create table kept.t (id int primary key); insert into kept.t values (1),(2)',
  );
  await mysql.kill();
  await mysql.start();
  const count = async (server: typeof mysql): Promise<number> => {
    const connection = await server.connect();
    try {
      const [rows] = await connection.query('select count(*) as n from kept.t');
      return Number((rows as { n: string }[])[0]?.n);
    } finally {
      await connection.end();
    }
  };
  expect(await count(mysql)).toBe(2);
  await until(async () => (await count(replica).catch(() => 0)) === 2);
  await mysql.kill();
  await promote(replica);
  await replica.execute('insert into kept.t values (3)');
  expect(await count(replica)).toBe(3);
});

test('three brokers keep serving when one is killed, and it joins again', async () => {
  await using stack = await openStack({ kafka: 3 });
  const client = new Kafka({ brokers: [...stack.kafka.address.brokers], logLevel: logLevel.NOTHING });
  const admin = client.admin();
  // The client may be talking to the very broker that is killed; it asks another one the next time.
  const alive = (): Promise<number> =>
    admin.describeCluster().then(
      ({ brokers }) => brokers.length,
      () => 0,
    );
  await admin.connect();
  try {
    await until(async () => (await alive()) === 3);
    const before = await admin.describeCluster();
    const victim = stack.kafka.broker(before.controller === 2 ? 3 : 2);
    await victim.kill();
    await until(async () => (await alive()) === 2);
    await victim.start();
    await until(async () => (await alive()) === 3);
  } finally {
    await admin.disconnect();
  }
});

test('a cluster and a sentinel group form; the sentinels promote the replica of a killed master', async () => {
  await using stack = await openStack({ redisCluster: true, redisSentinel: true });
  expect(stack.redisCluster.address.nodes).toHaveLength(3);
  const first = await stack.redisSentinel.master();
  await first.kill();
  await until(async () => (await stack.redisSentinel.master()).port !== first.port);
});

test.each([
  ['mysql80', /^8\.0\./],
  ['mysql57', /^5\.7\./],
  ['mariadb', /^10\.11\..*MariaDB/],
  ['mariadb105', /^10\.5\..*MariaDB/],
  ['mariadb118', /^11\.8\..*MariaDB/],
] as const)('%s is of its release and takes statements', async (kind, release) => {
  await using stack = await openStack({});
  const server = await stack.add(kind);
  await server.execute('create database d; create table d.t (id int primary key); insert into d.t values (1)');
  const connection = await server.connect();
  const [rows] = await connection.query<RowDataPacket[]>('select version() as version, @@binlog_format as format');
  await connection.end();
  expect(rows).toEqual([{ version: expect.stringMatching(release), format: 'ROW' }]);
});

test('a server that cannot start says so with the end of its log', async () => {
  await using stack = await openStack({});
  await expect(stack.add('mysql', { settings: { 'no-such-option': '1' } })).rejects.toThrow(/no-such-option/);
});

test('kill -9 of the process that opened a stack ends its servers and removes its folder', async () => {
  const script = `import { openStack } from ${JSON.stringify(fileURLToPath(new URL('index.ts', import.meta.url)))};
    const stack = await openStack({ redis: true });
    console.log(JSON.stringify({ folder: stack.folder, pid: stack.redis.process.pid }));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  owner.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  await until(() => printed.includes('\n'));
  const { folder, pid } = JSON.parse(printed) as { folder: string; pid: number };
  const server = identityOf(pid);
  expect(isAlive(server)).toBe(true);
  owner.kill('SIGKILL');
  await until(() => !isAlive(server) && !existsSync(folder));
});
