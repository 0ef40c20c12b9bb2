import { connect, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { MovingAddress } from './proxy.ts';
import { openStack } from './stack.ts';
import { openTopology } from './topology.ts';

test.each([
  ['mysql', 'gtid'],
  ['mysql', 'file'],
  ['mysql57', 'file'],
  ['mysql80', 'gtid'],
  ['mariadb', 'gtid'],
  ['mariadb', 'file'],
] as const)(
  '%s by %s: replicas follow, a planned swap loses nothing, a promoted one may lack what was committed last',
  async (kind, by) => {
    await using stack = await openStack({});
    await using topology = await openTopology(stack, { kind, by, servers: 2, ownBinlogNames: by === 'file' });
    const [first, second] = topology.servers as [(typeof topology.servers)[0], (typeof topology.servers)[0]];
    await first.execute('CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1)');
    const ids = async (server = topology.source): Promise<unknown[]> =>
      (await server.rows('SELECT id FROM d.t ORDER BY id')).map((row) => Number(row['id']));
    await topology.caughtUp();
    expect(await ids(second)).toEqual([1]);
    expect(await filesOf(second)).not.toEqual(by === 'file' ? await filesOf(first) : []);

    await topology.swap();
    expect(topology.source).toBe(second);
    await second.execute('INSERT INTO d.t VALUES (2)');
    expect(await ids()).toEqual([1, 2]);
    if (by === 'file') return;
    await topology.caughtUp();
    await topology.stopReplication(first);
    await second.execute('INSERT INTO d.t VALUES (3)');
    await second.kill();
    await topology.promote(first);
    await first.execute('INSERT INTO d.t VALUES (4)');
    expect(await ids()).toEqual([1, 2, 4]);
  },
);

async function filesOf(server: { rows(sql: string): Promise<readonly object[]> }): Promise<unknown[]> {
  return (await server.rows('SHOW BINARY LOGS')).map((row) => (row as { Log_name: string }).Log_name);
}

test('an address moves: open connections are reset, new ones reach the other server; without one they are refused', async () => {
  await using stack = await openStack({});
  const one = await stack.add('redis');
  await using address = await MovingAddress.open(one.port);
  const first = await ping(address.port);
  expect(first.answer).toBe('+PONG\r\n');
  address.moveTo(undefined);
  await first.closed;
  expect((await ping(address.port)).answer).toBe('');
  address.moveTo(one.port);
  expect((await ping(address.port)).answer).toBe('+PONG\r\n');
});

async function ping(port: number): Promise<{ answer: string; closed: Promise<void> }> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const answered = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
  socket.write('PING\r\n');
  const answer = await Promise.race([answered, closed.then(() => '')]);
  return { answer, closed };
}
