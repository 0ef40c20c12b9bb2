import { expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, openTopology } from '@tapline/test-stack';
import { openBinlogStream } from './stream.ts';
import { collectUntil } from './testing/collect.ts';

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

async function timesOf(server: Awaited<ReturnType<typeof openTopology>>['source']): Promise<unknown[]> {
  const flavor = (server.dialect as string) === 'mariadb' ? 'mariadb' : 'mysql';
  const variable = flavor === 'mysql' ? 'gtid_executed' : 'gtid_binlog_pos';
  const [row] = await server.rows(`SELECT @@GLOBAL.${variable} AS gtids`);
  const options = { address: server.address, flavor, serverId: 99, wants: () => true, bufferBytes: 1 << 20 } as const;
  await using stream = await openBinlogStream(
    { ...options, start: { gtidSet: '' }, heartbeatMs: 500 },
    AbortSignal.timeout(60_000),
  );
  const { begins, statements } = await collectUntil(stream, String(row?.['gtids']), flavor);
  return [...begins, ...statements].map(({ gtid, commitMicros }) => [gtid, commitMicros]);
}
