import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TaplineError } from '@tapline/kernel';
import { connect, type MysqlAddress, readOldestPosition } from '@tapline/mysql';
import { openStack } from '@tapline/test-stack';
import { openBinlogStream } from './stream.ts';
import { emptyCollection, keepEvent } from './testing/collect.ts';
import { TestSource } from './testing/source.ts';
import type { BinlogStart, BinlogStream, BinlogStreamOptions } from './types.ts';

const NOBODY = '11111111-2222-3333-4444-555555555555';

/** The error that opening, or the first pulls, ended with. */
async function failure(options: BinlogStreamOptions): Promise<TaplineError> {
  try {
    await using stream = await openBinlogStream(options, AbortSignal.timeout(300_000));
    for (;;) await stream.pull();
  } catch (error) {
    return error as TaplineError;
  }
}

function optionsFor(
  address: MysqlAddress,
  start: BinlogStart,
  flavor: 'mysql' | 'mariadb' = 'mysql',
): BinlogStreamOptions {
  const serverId = randomInt(100_000, 2 ** 32);
  return { address, serverId, flavor, start, wants: () => true, bufferBytes: 1 << 20, heartbeatMs: 15_000 };
}

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('failures on %s have a code and a remedy', (name) => {
  let source: TestSource;
  const user = `r${process.pid}${randomInt(2 ** 24).toString(36)}`;

  beforeAll(async () => {
    source = await TestSource.open(name);
    await source.root.execute(`CREATE USER '${user}'@'%' IDENTIFIED BY 'right'`);
  });

  afterAll(async () => {
    await source.root.execute(`DROP USER '${user}'@'%'`);
    await source[Symbol.asyncDispose]();
  });

  const start = async (): Promise<BinlogStart> => ({ gtidSet: await source.committed() });

  test('wrong password, missing grant, closed port', async () => {
    const from = await start();
    const as = (changes: Partial<MysqlAddress>): BinlogStreamOptions =>
      source.options(from, { address: { ...source.address, ...changes } });
    expect(await failure(as({ user, password: 'wrong' }))).toMatchObject({
      code: 'SOURCE_ACCESS_DENIED',
      disposition: 'fatal',
    });
    const grant = await failure(as({ user, password: 'right' }));
    expect(grant).toMatchObject({ code: 'SOURCE_MISSING_GRANT', disposition: 'fatal' });
    expect(grant.remedy).toContain('REPLICATION SLAVE');
    expect(await failure(as({ port: 1 }))).toMatchObject({ code: 'SOURCE_UNREACHABLE', disposition: 'retryable' });
  });

  test('a binlog file that is not there', async () => {
    const error = await failure(source.options({ file: 'binlog.999999', position: 4 }));
    expect(error).toMatchObject({ code: 'SOURCE_BINLOG_RESET', disposition: 'fatal' });
    expect(error.message).toContain('binlog.999999:4');
  });

  test('a server of the other kind', async () => {
    const flavor = source.flavor === 'mysql' ? 'mariadb' : 'mysql';
    expect(await failure(source.options({ gtidSet: '' }, { flavor }))).toMatchObject({ code: 'SOURCE_DUMP_REFUSED' });
  });

  test('a text that is no GTID set', async () => {
    expect(await failure(source.options({ gtidSet: "x'" }))).toMatchObject({ code: 'SOURCE_GTID_INVALID' });
  });

  test('the connection is killed while it waits: retryable', async () => {
    await source.root.execute(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${user}'@'%'`);
    const address = { ...source.address, user, password: 'right' };
    await using stream = await openBinlogStream(
      source.options(await start(), { address, heartbeatMs: 100 }),
      AbortSignal.timeout(300_000),
    );
    // Something has come: the server has begun to send, and whatever ends it now is no refusal.
    await stream.pull();
    const ended = drain(stream);
    for (let killed = false; !killed; ) {
      for (const [id, owner, , , command] of await source.root.query('SHOW PROCESSLIST')) {
        if (owner !== user || !command!.startsWith('Binlog Dump')) continue;
        await source.root.execute(`KILL ${id}`);
        killed = true;
      }
    }
    expect(await ended).toMatchObject({ code: 'SOURCE_UNREACHABLE', disposition: 'retryable' });
  });
});

test('purged transactions, a source that lost its tail, and a source that goes away', async () => {
  await using stack = await openStack({ mysql: true });
  const { mysql } = stack;
  const address = mysql.readerAddress;
  await mysql.execute(
    'CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1); FLUSH BINARY LOGS; INSERT INTO d.t VALUES (2)',
  );
  await using root = await connect(mysql.address);
  const [[executed]] = (await root.query('SELECT @@GLOBAL.gtid_executed')) as [[string]];
  await root.execute(`PURGE BINARY LOGS TO '${(await root.query('SHOW BINARY LOGS')).at(-1)![0]}'`);

  const purged = await failure(optionsFor(address, { gtidSet: '' }));
  expect(purged).toMatchObject({ code: 'SOURCE_PURGED', disposition: 'fatal' });
  expect(purged.message).toContain(executed.split(':')[0]!);
  expect(await failure(optionsFor(address, { gtidSet: `${NOBODY}:1-3,${executed}` }))).toMatchObject({
    code: 'SOURCE_BEHIND',
  });

  await using stream = await openBinlogStream(optionsFor(address, { gtidSet: executed }), AbortSignal.timeout(300_000));
  const ended = drain(stream);
  await mysql.stop();
  expect(await ended).toMatchObject({ code: 'SOURCE_UNREACHABLE', disposition: 'retryable' });
  expect(await failure(optionsFor(address, { gtidSet: executed }))).toMatchObject({ code: 'SOURCE_UNREACHABLE' });
});

test('MariaDB: purged transactions, also of one domain only, and the oldest position that is left', async () => {
  await using stack = await openStack({ mariadb: true });
  const { mariadb } = stack;
  await using root = await connect(mariadb.address);
  const files = async (): Promise<string[]> => (await root.query('SHOW BINARY LOGS')).map(([name]) => name ?? '');
  const position = async (): Promise<string> => (await root.query('SELECT @@GLOBAL.gtid_binlog_pos'))[0]?.[0] ?? '';
  expect(await readOldestPosition(root)).toBe('');
  await root.execute('CREATE DATABASE d');
  await root.execute('CREATE TABLE d.t (id INT PRIMARY KEY)');
  const first = await position();
  await root.execute('SET gtid_domain_id = 7');
  await root.execute('INSERT INTO d.t VALUES (1)');
  const second = await position();
  await root.execute('FLUSH BINARY LOGS');
  await root.execute('INSERT INTO d.t VALUES (2)');
  // Until the server has noted that no older file is needed for a recovery, it keeps it.
  while ((await files()).length > 1) await root.execute(`PURGE BINARY LOGS TO '${(await files()).at(-1)}'`);

  const start = (gtidSet: string): BinlogStreamOptions => optionsFor(mariadb.readerAddress, { gtidSet }, 'mariadb');
  for (const [at, named] of [
    ['', 'no position'],
    [first, first],
  ] as const) {
    const purged = await failure(start(at));
    expect(purged).toMatchObject({ code: 'SOURCE_PURGED', disposition: 'fatal' });
    expect(purged.message).toContain(named);
  }
  const oldest = await readOldestPosition(root);
  expect(oldest.split(',').toSorted()).toEqual(second.split(',').toSorted());
  await using stream = await openBinlogStream(start(oldest), AbortSignal.timeout(300_000));
  const seen = emptyCollection();
  while (seen.commits.length === 0) for (const event of await stream.pull()) keepEvent(event, seen);
  expect(seen.changes.map(({ after }) => after)).toEqual([['2']]);
});

test('without GTIDs and checksums, and with MINIMAL metadata: by file and position only', async () => {
  const settings = {
    'gtid-mode': 'OFF',
    'enforce-gtid-consistency': 'OFF',
    'binlog-checksum': 'NONE',
    'binlog-row-metadata': 'MINIMAL',
  };
  await using stack = await openStack({ mysql: { settings } });
  const { mysql } = stack;
  await mysql.execute(
    "CREATE DATABASE d; CREATE TABLE d.t (id INT UNSIGNED PRIMARY KEY, e ENUM('a','b')); INSERT INTO d.t VALUES (4294967295, 'b')",
  );
  const address = mysql.readerAddress;
  expect(await failure(optionsFor(address, { gtidSet: '' }))).toMatchObject({ code: 'SOURCE_GTID_OFF' });

  await using root = await connect(mysql.address);
  const file = (await root.query('SHOW BINARY LOGS')).at(-1)![0]!;
  await using stream = await openBinlogStream(optionsFor(address, { file, position: 4 }), AbortSignal.timeout(300_000));
  const seen = emptyCollection();
  while (seen.commits.length === 0) for (const event of await stream.pull()) keepEvent(event, seen);
  expect(seen.changes.map(({ after }) => after)).toEqual([['4294967295', '2']]);
  const [id, e] = seen.changes[0]!.table.columns;
  expect([id!.name, id!.unsigned, e!.memberBytes]).toEqual([undefined, true, undefined]);
  expect(seen.begins[0]!.gtid).toBe('');
  expect(seen.begins[0]!.commitMicros > 0n).toBe(true);
});

test('a source without binlog', async () => {
  await using stack = await openStack({
    mysql: { settings: { 'skip-log-bin': '', 'gtid-mode': 'OFF', 'log-replica-updates': 'OFF' } },
  });
  expect(await failure(optionsFor(stack.mysql.readerAddress, { gtidSet: '' }))).toMatchObject({
    code: 'SOURCE_BINLOG_OFF',
    disposition: 'fatal',
  });
});

/** Pulls until it fails and gives the error. */
async function drain(stream: BinlogStream): Promise<unknown> {
  try {
    for (;;) await stream.pull();
  } catch (error) {
    return error;
  }
}
