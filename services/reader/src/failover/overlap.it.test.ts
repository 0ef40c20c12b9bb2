import { randomInt, randomUUID } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { GtidSet, MariadbPosition } from '@tapline/binlog';
import { connect, type MysqlConnection, readGtids } from '@tapline/mysql';
import { openStack, testServers } from '@tapline/test-stack';
import type { ReaderConfig } from '../config.ts';
import type { NewestTransaction, ProgressRecord } from '../progress/record.ts';
import { probe, type ServerFacts } from './candidate.ts';
import { type Overlap, readOverlap } from './overlap.ts';

const COMMIT_SECONDS = 1_700_000_000;
const COMMIT_MICROS = BigInt(COMMIT_SECONDS) * 1_000_000n;
const { signal } = new AbortController();

/** Runs a statement as a transaction of one server or the other, on one and the same server. @returns its GTID. */
type Write = (server: 'source' | 'replica', sql: string) => Promise<string>;

function writeMysql(root: MysqlConnection): Write {
  const uuids = { source: randomUUID(), replica: randomUUID() };
  const numbers = { source: 0, replica: 0 };
  return async (server, sql) => {
    const gtid = `${uuids[server]}:${++numbers[server]}`;
    await root.execute(`SET gtid_next = '${gtid}'`);
    await root.execute(`SET original_commit_timestamp = ${COMMIT_MICROS}`);
    await root.execute(sql);
    await root.execute("SET gtid_next = 'AUTOMATIC'");
    return gtid;
  };
}

function writeMariadb(root: MysqlConnection): Write {
  const ids = { source: 4711, replica: 4712 };
  const domain = randomInt(1, 2 ** 31);
  return async (server, sql) => {
    await root.execute(
      `SET SESSION gtid_domain_id = ${domain}, server_id = ${ids[server]}, timestamp = ${COMMIT_SECONDS}`,
    );
    await root.execute(sql);
    const [row] = await root.query('SELECT @@last_gtid');
    return row?.[0] ?? '';
  };
}

test.each(['mysql', 'mariadb'] as const)(
  '%s: what stands in front of the newest transaction, and whether it is the one that was read',
  async (kind) => {
    // A domain stays in a server's position for good: other tests' MariaDB must not get one.
    await using stack = await openStack({});
    const { host, port } = kind === 'mysql' ? (await testServers(kind))[kind] : (await stack.add(kind)).address;
    const address = { host, port, user: 'root' };
    await using root = await connect(address);
    const write = kind === 'mysql' ? writeMysql(root) : writeMariadb(root);
    const database = `overlap_${randomUUID().slice(0, 8)}`;
    await using _cleanup = {
      async [Symbol.asyncDispose]() {
        for (const name of [database, `${database}_out`]) await root.execute(`DROP DATABASE IF EXISTS ${name}`);
      },
    };
    for (const name of [database, `${database}_out`]) {
      await write('source', `CREATE DATABASE ${name}`);
      await write('source', `CREATE TABLE ${name}.t (id INT PRIMARY KEY)`);
    }
    const previous = await write('source', `INSERT INTO ${database}.t VALUES (1)`);
    const errant = await write('replica', `INSERT INTO ${database}.t VALUES (2)`);
    const harmless = await write('replica', `INSERT INTO ${database}_out.t VALUES (2)`);
    const gtid = await write('source', `INSERT INTO ${database}.t VALUES (3)`);
    await write('source', `INSERT INTO ${database}.t VALUES (4)`);

    const { server } = (await probe(address, signal)) as { server: ServerFacts };
    const config = {
      name: database,
      source: { include: [`${database}.*`], serverId: 0, bufferBytes: 1 << 20, spillFolder: '', heartbeatMs: 200 },
    } as unknown as ReaderConfig;
    const executed = (await readGtids(root)).executed;
    const overlap = (
      newest: NewestTransaction,
      unread: readonly string[],
      serverUuid = server.uuid,
    ): Promise<Overlap | undefined> => {
      const gtidSet = kind === 'mysql' ? without(executed, unread) : withLast(executed, newest.gtid);
      return readOverlap({ server, record: { gtidSet, newest, serverUuid } as ProgressRecord, config, signal });
    };
    const newest = { gtid, commitMicros: COMMIT_MICROS, previous };
    expect(await overlap(newest, [errant, harmless])).toEqual({
      errant: [errant],
      harmless: [harmless],
      isOther: false,
    });
    expect(await overlap({ ...newest, commitMicros: COMMIT_MICROS + 1_000_000n }, [])).toMatchObject({ isOther: true });
    // Replicas of MariaDB give transactions other times.
    const elsewhere = await overlap({ ...newest, commitMicros: COMMIT_MICROS + 1_000_000n }, [], 'another');
    expect(elsewhere?.isOther).toBe(kind === 'mysql');
    // The reader has read them where they stand.
    const passed = kind === 'mysql' ? newest : { ...newest, previous: harmless };
    expect(await overlap(passed, [])).toEqual({ errant: [], harmless: [], isOther: false });
    // A place that the server does not have, and none at all.
    if (kind === 'mariadb') expect(await overlap({ ...newest, previous: `${previous}000` }, [])).toBeUndefined();
    expect(await readOverlap({ server, record: { gtidSet: '' } as ProgressRecord, config, signal })).toBeUndefined();
  },
);

function without(gtidSet: string, gtids: readonly string[]): string {
  return gtids.reduce((set, gtid) => set.subtract(GtidSet.parse(gtid)), GtidSet.parse(gtidSet)).toString();
}

function withLast(position: string, gtid: string): string {
  const result = MariadbPosition.parse(position);
  result.add(gtid);
  return result.toString();
}
