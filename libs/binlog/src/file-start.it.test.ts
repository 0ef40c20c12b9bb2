import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TaplineError } from '@tapline/kernel';
import { connect, type MysqlConnection, readBinlogEnd } from '@tapline/mysql';
import { type MysqlServer, openStack, type Stack } from '@tapline/test-stack';
import { openBinlogStream } from './stream.ts';
import type { BinlogPosition, BinlogStream } from './types.ts';

/** A server without GTIDs, followed by the places in its files. */
describe.each(['mysql', 'mysql57'] as const)('a stream by file on %s with gtid_mode=OFF', (kind) => {
  let stack: Stack;
  let server: MysqlServer;
  let root: MysqlConnection;
  let id = 0;

  beforeAll(async () => {
    stack = await openStack({});
    const settings = { 'gtid-mode': 'OFF', 'enforce-gtid-consistency': 'OFF', 'innodb-buffer-pool-size': '64M' };
    server = (await stack.add(kind, { settings })) as MysqlServer;
    root = await connect(server.address);
    await root.execute('CREATE DATABASE d');
    await root.execute('CREATE TABLE d.t (id INT PRIMARY KEY)');
  });

  afterAll(async () => {
    await root[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  const insert = async (): Promise<number> => {
    await root.execute(`INSERT INTO d.t VALUES (${++id})`);
    return id;
  };
  const open = (start: BinlogPosition): Promise<BinlogStream> => {
    const options = { address: server.readerAddress, serverId: randomInt(100_000, 2 ** 32), flavor: 'mysql' } as const;
    const more = { start, wants: () => true, bufferBytes: 1 << 20, heartbeatMs: 200 };
    return openBinlogStream({ ...options, ...more }, AbortSignal.timeout(300_000));
  };
  /** The ids up to this one that the stream gives, and where the last transaction ends. */
  const until = async (start: BinlogPosition, last: number): Promise<{ ids: number[]; place: BinlogPosition }> => {
    await using stream = await open(start);
    const ids: number[] = [];
    for (;;) {
      for (const event of await stream.pull()) {
        if (event.kind === 'begin') expect(event.gtid).toBe('');
        if (event.kind === 'rows') {
          while (event.next()) ids.push(event.after.buffer.readInt32LE(event.after.offsets[0]));
        }
        if (event.kind === 'commit' && ids.at(-1) === last) return { ids, place: event.position };
      }
    }
  };
  const failure = async (start: BinlogPosition): Promise<TaplineError> => {
    try {
      await using stream = await open(start);
      for (;;) await stream.pull();
    } catch (error) {
      return error as TaplineError;
    }
  };

  test('goes on exactly behind a transaction that it knows again by its last event', async () => {
    const start = await readBinlogEnd(root);
    const first = await insert();
    const { ids, place } = await until(start, first);
    expect(ids).toEqual([first]);
    expect(place.last).toMatchObject({ position: expect.any(Number), checksum: expect.any(Number) });
    const second = await insert();
    expect((await until(place, second)).ids).toEqual([second]);
  });

  test('a new file is a place that is known again too, and what was purged is said', async () => {
    const { place } = await until(await readBinlogEnd(root), await insert());
    await root.execute('FLUSH BINARY LOGS');
    await using stream = await open(place);
    let inNewFile = place;
    while (inNewFile.file === place.file) {
      for (const event of await stream.pull()) if (event.kind === 'heartbeat') inNewFile = event.position;
    }
    const next = await insert();
    expect((await until(inNewFile, next)).ids).toEqual([next]);
    // A file that a dump is in, also one whose reader has gone, is kept.
    while ((await root.query('SHOW BINARY LOGS'))[0]?.[0] !== inNewFile.file)
      await root.execute(`PURGE BINARY LOGS TO '${inNewFile.file}'`);
    expect(await failure(place)).toMatchObject({ code: 'SOURCE_PURGED' });
    expect((await until(inNewFile, next)).ids).toEqual([next]);
  });

  test('a binlog that was begun anew is noticed, even where a file of this name has this many bytes', async () => {
    const reset = kind === 'mysql' ? 'RESET BINARY LOGS AND GTIDS' : 'RESET MASTER';
    await root.execute(reset);
    const start = await readBinlogEnd(root);
    const { place } = await until(start, await insert());
    await root.execute(reset);
    expect(await failure(place)).toMatchObject({ code: 'SOURCE_BINLOG_RESET' });
    await insert();
    expect(await readBinlogEnd(root)).toEqual({ file: place.file, position: place.position });
    expect(await failure(place)).toMatchObject({ code: 'SOURCE_BINLOG_RESET' });
    expect(await failure({ ...place, file: place.file.replace(/\d+$/, '000099') })).toMatchObject({
      code: 'SOURCE_BINLOG_RESET',
    });
  });
});
