import { expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, openTopology } from '@tapline/test-stack';
import { openBinlogStream } from './stream.ts';
import { type Collected, collectUntil } from './testing/collect.ts';
import type { BinlogStream } from './types.ts';

const SQL = [
  'CREATE DATABASE d',
  'CREATE TABLE d.t (id INT PRIMARY KEY, at DATETIME(6))',
  'INSERT INTO d.t VALUES (1, NOW(6))',
  'INSERT INTO d.t VALUES (2, NOW(6)), (3, NOW(6))',
  'UPDATE d.t SET id = 10 WHERE id = 1',
  'ALTER TABLE d.t ADD c INT',
  'DELETE FROM d.t WHERE id = 2',
];
const TAGGED = ["SET SESSION gtid_next = 'AUTOMATIC:tag'; INSERT INTO d.t VALUES (4, NOW(6), 1)"];
const COMPRESSED = ['SET SESSION binlog_transaction_compression = ON; INSERT INTO d.t VALUES (5, NOW(6), 1)'];
const XA = ["XA START 'x'; INSERT INTO d.t VALUES (6, NOW(6), 1); XA END 'x'; XA PREPARE 'x'; XA COMMIT 'x'"];

test.each([
  ['mysql', [...SQL, ...TAGGED, ...COMPRESSED, ...XA]],
  ['mysql80', [...SQL, ...COMPRESSED, ...XA]],
  ['mysql57', SQL],
  ['mariadb', [...SQL, ...XA]],
] as const)(
  '%s: a replica that executes transactions later has their commit times in its binlog',
  async (kind, statements) => {
    await using stack = await openStack({});
    await using topology = await openTopology(stack, { kind });
    const replica = topology.replica();
    await topology.stopReplication(replica, 'applier');
    for (const sql of statements) await topology.source.execute(sql);
    // MariaDB and 5.7 have seconds only.
    await sleep(1200);
    await topology.startReplication(replica, 'applier');
    await topology.caughtUp();
    const [atSource, atReplica] = await Promise.all([timesOf(topology.source), timesOf(replica)]);
    expect(atReplica).toEqual(atSource);
    expect(atSource.length).toBeGreaterThanOrEqual(statements.length);
  },
);

test('mariadb: a transaction that takes seconds has other times on a replica, and its rows have theirs', async () => {
  await using stack = await openStack({});
  await using topology = await openTopology(stack, { kind: 'mariadb' });
  for (const sql of [...SQL.slice(0, 3), 'BEGIN; INSERT INTO d.t VALUES (2, NOW(6)); DO SLEEP(1.1); COMMIT'])
    await topology.source.execute(sql);
  await topology.caughtUp();
  const [atSource, atReplica] = await Promise.all([rowTimesOf(topology.source), rowTimesOf(topology.replica())]);
  expect(atReplica).toEqual(atSource);
  expect(atSource).toHaveLength(2);
  expect(await timesOf(topology.replica())).not.toEqual(await timesOf(topology.source));
});

type Server = Awaited<ReturnType<typeof openTopology>>['source'];

async function timesOf(server: Server): Promise<unknown[]> {
  const { begins, statements } = await readAll(server);
  return [...begins, ...statements].map(({ gtid, commitMicros }) => [gtid, commitMicros]);
}

/** Seconds since the epoch. */
async function rowTimesOf(server: Server): Promise<number[]> {
  return (await readAll(server)).rowTimes;
}

async function readAll(server: Server): Promise<Collected & { readonly rowTimes: number[] }> {
  const flavor = (server.dialect as string) === 'mariadb' ? 'mariadb' : 'mysql';
  const variable = flavor === 'mysql' ? 'gtid_executed' : 'gtid_binlog_pos';
  const [row] = await server.rows(`SELECT @@GLOBAL.${variable} AS gtids`);
  const options = { address: server.address, flavor, serverId: 99, wants: () => true, bufferBytes: 1 << 20 } as const;
  await using stream = await openBinlogStream(
    { ...options, start: { gtidSet: '' }, heartbeatMs: 15_000 },
    AbortSignal.timeout(300_000),
  );
  const rowTimes: number[] = [];
  const noting: Pick<BinlogStream, 'pull'> = {
    pull: async () => {
      const events = await stream.pull();
      for (const event of events) if (event.kind === 'rows') rowTimes.push(event.timestampSeconds);
      return events;
    },
  };
  return { ...(await collectUntil(noting as BinlogStream, String(row?.['gtids']), flavor)), rowTimes };
}
