import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import { connect, type MysqlConnection } from '@tapline/mysql';
import { contractCases, NO_TABLES, neverAborted } from '@tapline/sink';
import { MovingAddress, openStack, type Stack } from '@tapline/test-stack';
import { mysqlSink } from './index.ts';
import { MysqlBench, mysqlConfig } from './testing/bench.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await openStack({});
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

describe.each(['mysql', 'mariadb'] as const)('%s as the target', (kind) => {
  let root: MysqlConnection;
  let link: { address: MovingAddress; target: number };
  let places = 0;

  // A server of its own: a case makes it refuse writes, which an account without further rights feels.
  beforeAll(async () => {
    const server = await stack.add(kind, true);
    root = await connect(server.address);
    await root.execute("CREATE USER 'writer'@'%' IDENTIFIED BY 'w'");
    await root.execute("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER ON *.* TO 'writer'@'%'");
    link = { address: await MovingAddress.open(server.port), target: server.port };
  });

  afterAll(async () => {
    await root?.[Symbol.asyncDispose]();
    await link?.address[Symbol.asyncDispose]();
  });

  test.each(contractCases())('$name', async (one) => {
    const config = mysqlConfig({ user: 'writer', password: 'w' });
    await one.run(new MysqlBench({ root, config, link, table: one.table, place: `contract${++places}` }));
  });

  test('a server that takes writes from nobody is waited for, whatever the account may', async () => {
    const readOnly = kind === 'mysql' ? 'super_read_only' : 'read_only';
    const config = { ...mysqlConfig({ user: 'writer', password: 'w' }), port: link.target };
    const opened = mysqlSink.open(config, { name: 'w', log: silentLogger, signal: neverAborted(), tables: NO_TABLES });
    await using sink = await opened;
    await root.execute(`SET GLOBAL ${readOnly} = 1`);
    await using _ = { [Symbol.asyncDispose]: () => root.execute('SET GLOBAL read_only = 0') };
    const refused = { code: 'SINK_MYSQL_READ_ONLY', disposition: 'retryable' };
    await expect(sink.check?.(neverAborted())).rejects.toMatchObject(refused);
    await expect(
      mysqlSink.open(config, { name: 'w', log: silentLogger, signal: neverAborted(), tables: NO_TABLES }),
    ).rejects.toMatchObject(refused);
  });
});
