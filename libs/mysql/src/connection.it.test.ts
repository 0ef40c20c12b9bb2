import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sleep, TaplineError } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import type { MysqlAddress } from './address.ts';
import { connect, type MysqlConnection } from './connection.ts';
import { readGrants } from './grants.ts';
import { readBinlogEnd, readBinlogFiles, readServerInfo } from './server-info.ts';
import { uniqueName } from './testing/scratch.ts';

const refusal = async (work: Promise<unknown>): Promise<TaplineError> =>
  await work.then(
    () => {
      throw new Error('nothing was refused');
    },
    (error: unknown) => error as TaplineError,
  );

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('a session with %s', (server) => {
  let address: MysqlAddress;
  let root: MysqlConnection;
  const user = uniqueName('u').slice(0, 30);

  beforeAll(async () => {
    address = (await testServers(server))[server];
    root = await connect(address);
    await root.execute(`CREATE USER '${user}'@'%' IDENTIFIED BY 'right'`);
  });

  afterAll(async () => {
    await root.execute(`DROP USER IF EXISTS '${user}'@'%'`);
    await root[Symbol.asyncDispose]();
  });

  test('is in UTC, whatever the server’s time zone, and prints every character', async () => {
    const [row] = await root.query("SELECT @@time_zone, @@sql_mode, FROM_UNIXTIME(0), '😀ü', NULL, 1e0/3");
    expect(row?.slice(0, 5)).toEqual(['+00:00', '', '1970-01-01 00:00:00', '😀ü', null]);
  });

  test('a wrong password, an unknown user and a closed port are told apart', async () => {
    const denied = await refusal(connect({ ...address, user, password: 'wrong' }));
    expect(denied).toMatchObject({ code: 'SOURCE_ACCESS_DENIED', disposition: 'fatal' });
    expect(denied.message).not.toContain('wrong');
    const unknown = await refusal(connect({ ...address, user: `${user}x` }));
    expect(unknown.code).toBe('SOURCE_ACCESS_DENIED');
    const closed = await refusal(connect({ ...address, port: 1 }));
    expect(closed).toMatchObject({ code: 'SOURCE_UNREACHABLE', disposition: 'retryable' });
    const nowhere = await refusal(connect({ ...address, host: 'no-such-host.invalid' }));
    expect(nowhere.code).toBe('SOURCE_UNREACHABLE');
  });

  test('a missing grant names the statement that gives it', async () => {
    await using poor = await connect({ ...address, user, password: 'right' });
    const error = await refusal(readBinlogFiles(poor));
    expect(error.code).toBe('SOURCE_MISSING_GRANT');
    expect(error.remedy).toContain('GRANT REPLICATION SLAVE');
    expect((await readGrants(poor)).hasGlobally('REPLICATION SLAVE')).toBe(false);
    // A refused statement does not end the session.
    expect(await poor.query('SELECT 1')).toEqual([['1']]);
    await root.execute(`GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${user}'@'%'`);
    await using rich = await connect({ ...address, user, password: 'right' });
    const grants = await readGrants(rich);
    expect(grants.hasGlobally('REPLICATION SLAVE')).toBe(true);
    expect(grants.hasGlobally('REPLICATION CLIENT')).toBe(true);
    expect(grants.has('SELECT', 'shop', 'orders')).toBe(false);
    expect((await readBinlogFiles(rich)).length).toBeGreaterThan(0);
  });

  test('says what a reader must know of the server', async () => {
    const info = await readServerInfo(root);
    expect(info).toMatchObject({
      flavor: server === 'mariadb' ? 'mariadb' : 'mysql',
      logBin: true,
      binlogFormat: 'ROW',
      rowImage: 'FULL',
      rowMetadata: 'FULL',
      lowerCaseTableNames: 0,
    });
    expect(info.serverId).toBeGreaterThan(0);
    expect(info.maxAllowedPacketBytes).toBeGreaterThan(1_000_000);
    if (server !== 'mariadb') {
      expect(info.gtidMode).toBe('ON');
      expect(info.serverUuid).toMatch(/^[\da-f-]{36}$/);
    }
    const end = await readBinlogEnd(root);
    const files = await readBinlogFiles(root);
    expect(files.map((file) => file.name)).toContain(end.file);
    expect(end.position).toBeGreaterThan(0);
  });

  test('a script is one packet up to what is refused in it, and no session takes one by itself', async () => {
    await using session = await connect(address, undefined, { scripts: true });
    expect(await session.script(["SET @a = 'x;y'", 'DO 0', "SELECT @a, '?'"])).toEqual([['x;y', '?']]);
    expect(await session.script(['SELECT 2'])).toEqual([['2']]);
    expect(await session.script(['SELECT 3', 'SET @a = 4'])).toEqual([]);
    await expect(session.script(['SET @a = 5', 'SELECT nonsense', 'SET @a = 6'])).rejects.toBeInstanceOf(TaplineError);
    expect(await session.query('SELECT @a')).toEqual([['5']]);
    await expect(root.script(['DO 1', 'DO 2'])).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
  });

  test('a signal ends a connection attempt, a statement and a stream', async () => {
    const reason = new Error('enough');
    await expect(connect(address, AbortSignal.abort(reason))).rejects.toBe(reason);
    const hanging = await connect(address);
    const stop = new AbortController();
    const slow = hanging.query('SELECT SLEEP(600)', stop.signal);
    setTimeout(() => stop.abort(reason), 50);
    await expect(slow).rejects.toBe(reason);
    expect(hanging.usable).toBe(false);
    await expect(hanging.query('SELECT 1')).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE' });
    await hanging[Symbol.asyncDispose]();
    await hanging[Symbol.asyncDispose]();
  });

  test('a killed session is a lost connection, also in the middle of a result', async () => {
    const victim = await connect(address);
    const [row] = await victim.query('SELECT CONNECTION_ID()');
    const rows = victim.stream(MANY_ROWS, { bufferBytes: 1000 });
    expect((await rows.next()).done).toBe(false);
    await root.execute(`KILL ${row?.[0]}`);
    const drain = async (): Promise<void> => {
      for await (const batch of rows) expect(batch.length).toBeGreaterThan(0);
    };
    await expect(drain()).rejects.toMatchObject({ code: 'SOURCE_UNREACHABLE', disposition: 'retryable' });
    expect(victim.usable).toBe(false);
  });
});

/** 500,000 rows of 200 bytes: more than any socket buffer holds. */
const MANY_ROWS = `WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 800)
  SELECT a.i, REPEAT('x', 200) FROM n AS a CROSS JOIN n AS b WHERE b.i <= 625`;

describe('a long result', () => {
  test('is read only as fast as it is taken', async () => {
    const { mysql } = await testServers('mysql');
    await using root = await connect(mysql);
    let count = 0;
    let largest = 0;
    for await (const batch of root.stream(MANY_ROWS, { bufferBytes: 64 * 1024 })) {
      count += batch.length;
      largest = Math.max(largest, batch.length);
      // Time in which an unpaused socket would bring far more than one batch.
      if (count < 5000) await sleep(100);
    }
    expect(count).toBe(500_000);
    expect(largest).toBeLessThan(2000);
    expect(await root.query('SELECT 1')).toEqual([['1']]);
  });

  test('left early closes the session, as the rest is still on its way', async () => {
    const { mysql } = await testServers('mysql');
    await using root = await connect(mysql);
    for await (const batch of root.stream(MANY_ROWS, { bufferBytes: 1000 })) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    expect(root.usable).toBe(false);
  });

  test('that the server refuses leaves the session usable', async () => {
    const { mysql } = await testServers('mysql');
    await using root = await connect(mysql);
    await expect(root.stream('SELECT nonsense', { bufferBytes: 1000 }).next()).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
    });
    expect(await root.query('SELECT 1')).toEqual([['1']]);
  });
});

describe('encryption', () => {
  const cipherOf = async (address: MysqlAddress): Promise<string> => {
    await using connection = await connect(address);
    const [row] = await connection.query("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    return row?.[1] ?? '';
  };

  test('is used when asked for, and the certificate is checked as far as asked for', async () => {
    const { mysql } = await testServers('mysql');
    await using root = await connect(mysql);
    const [row] = await root.query('SELECT @@datadir, @@ssl_ca');
    const ca = join(row?.[0] ?? '', row?.[1] ?? '');
    expect(await cipherOf(mysql)).toBe('');
    expect(await cipherOf({ ...mysql, tls: { mode: 'required' } })).not.toBe('');
    expect(await cipherOf({ ...mysql, tls: { mode: 'verifyCa', ca } })).not.toBe('');
    // The server made its certificate itself, in a name of its own.
    for (const tls of [{ mode: 'verifyCa' }, { mode: 'verifyIdentity', ca }] as const) {
      expect(await refusal(connect({ ...mysql, tls }))).toMatchObject({ code: 'SOURCE_TLS', disposition: 'fatal' });
    }
    const unread = await refusal(connect({ ...mysql, tls: { mode: 'verifyCa', ca: `${ca}.none` } }));
    expect(unread).toMatchObject({ code: 'CONFIG_INVALID', place: { path: 'source.tls.ca' } });
  });

  test('that the server does not offer is refused', async () => {
    const { mariadb } = await testServers('mariadb');
    expect(await refusal(connect({ ...mariadb, tls: { mode: 'required' } }))).toMatchObject({ code: 'SOURCE_TLS' });
  });

  test('that an account requires is named', async () => {
    const { mysql } = await testServers('mysql');
    const name = uniqueName('tls').slice(0, 30);
    await using root = await connect(mysql);
    await root.execute(`CREATE USER '${name}'@'%' IDENTIFIED BY 'p' REQUIRE SSL`);
    try {
      // Without encryption such an account is simply not let in.
      expect(await refusal(connect({ ...mysql, user: name, password: 'p' }))).toMatchObject({
        code: 'SOURCE_ACCESS_DENIED',
      });
      expect(await cipherOf({ ...mysql, user: name, password: 'p', tls: { mode: 'required' } })).not.toBe('');
    } finally {
      await root.execute(`DROP USER '${name}'@'%'`);
    }
  });
});
