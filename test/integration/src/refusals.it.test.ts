import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type MysqlServer, openStack, type Stack, testServers } from '@tapline/test-stack';
import { Scene, Sql, uniqueName } from './scene.ts';
import { type LogEntry, Service } from './service.ts';

/** The service ends by itself with exit code 1, and its last word is this error. */
async function refusedWith(service: Service, code: string): Promise<NonNullable<LogEntry['error']>> {
  const exit = await service.ended();
  const { error } = (await service.entries()).findLast((entry) => entry.error !== undefined) ?? {};
  if (error?.code !== code) throw new Error(`ended with ${exit}, not with ${code}:\n${await service.output()}`);
  expect(exit).toBe(1);
  expect(error.message).not.toBe('');
  expect(error.remedy ?? '').not.toBe('');
  return error;
}

describe('a configuration that cannot be used is refused before anything starts, with exit code 2', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await openStack({});
  });
  afterAll(async () => {
    await stack[Symbol.asyncDispose]();
  });

  const refused = async (service: Service): Promise<string> => {
    expect(await service.ended()).toBe(2);
    return await service.output();
  };

  test.each(['reader', 'writer'] as const)('%s: a misspelt key names the one that was meant', async (command) => {
    const service = await Service.start(stack, command, { name: 'x', sorce: {} });
    const output = await refused(service);
    expect(output).toContain('CONFIG_UNKNOWN_KEY');
    expect(output).toContain('did you mean source?');
    expect(output).toContain('remedy:');
  });

  test('a misspelt flag too', async () => {
    const output = await refused(await Service.run(stack, 'flag', ['reader', '--source.hots', 'db1']));
    expect(output).toContain('CONFIG_UNKNOWN_KEY');
    expect(output).toContain('source.host');
  });

  test('YAML that cannot be read names line and column', async () => {
    const output = await refused(await Service.start(stack, 'reader', 'name: x\nsource: {host: [\n'));
    expect(output).toContain('CONFIG_UNREADABLE');
    expect(output).toMatch(/\.yaml:\d+:\d+/);
  });

  test('a file that is not there', async () => {
    const args = ['reader', '--config', join(stack.folder, 'nowhere.yaml')];
    const output = await refused(await Service.run(stack, 'nowhere', args));
    expect(output).toContain('CONFIG_UNREADABLE');
    expect(output).toContain('nowhere.yaml');
  });

  test('a secret in a wrong place is not printed', async () => {
    const config = {
      name: 'x',
      source: { user: 'u', password: 'geheim', port: 'geheim' },
      kafka: { brokers: ['b:1'] },
    };
    const output = await refused(await Service.start(stack, 'reader', config));
    expect(output).toContain('source.port');
    expect(output).not.toMatch(/password.*geheim/);
  });
});

describe('a source that cannot be followed is refused', () => {
  let scene: Scene;

  beforeAll(async () => {
    const { mysql, kafka } = await testServers('mysql', 'kafka');
    scene = await Scene.open({ mysql, brokers: kafka.brokers });
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  test('a wrong password', async () => {
    const error = await refusedWith(await scene.reader({ source: { password: 'wr0ng' } }), 'SOURCE_ACCESS_DENIED');
    expect(JSON.stringify(error)).not.toContain('wr0ng');
  });

  test('a missing grant names the GRANT', async () => {
    const user = uniqueName('u').slice(0, 30);
    await scene.sql.run(`CREATE USER ${user} IDENTIFIED BY 'p'`, `GRANT SELECT ON *.* TO ${user}`);
    try {
      const error = await refusedWith(await scene.reader({ source: { user, password: 'p' } }), 'SOURCE_MISSING_GRANT');
      expect(error.remedy).toContain('GRANT REPLICATION SLAVE ON *.*');
    } finally {
      await scene.sql.run(`DROP USER ${user}`);
    }
  });

  test('a table without a key shows the lines to add; with one of them the reader runs', async () => {
    await scene.sql.run('CREATE TABLE nokey (a int NOT NULL, b int)', 'INSERT INTO nokey VALUES (1, 2)');
    try {
      const error = await refusedWith(await scene.reader(), 'SCHEMA_NO_KEY');
      const name = `${scene.database}.nokey`;
      expect(error.remedy).toContain(`"${name}": append`);
      const reader = await scene.reader({ keys: { [name]: 'append' } });
      await scene.records(reader, 't', 1);
      expect(await reader.stop()).toBe(0);
    } finally {
      await scene.sql.run('DROP TABLE nokey');
    }
  });

  test('a pattern that can match nothing', async () => {
    const error = await refusedWith(await scene.reader({ source: { include: ['orders'] } }), 'CONFIG_INVALID');
    expect(error.remedy).toContain('"*.orders"');
  });
});

describe('a topic that would lose data is refused', () => {
  let scene: Scene;

  beforeAll(async () => {
    const { mysql, kafka } = await testServers('mysql', 'kafka');
    scene = await Scene.open({ mysql, brokers: kafka.brokers });
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
  });
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  test('one that is not compacted, with the command that mends it', async () => {
    const name = uniqueName('plain');
    await scene.topics.createTopic(scene.topic('t', name), 2, { 'cleanup.policy': 'delete' });
    const error = await refusedWith(await scene.reader({ name }), 'TOPIC_NOT_COMPACTED');
    expect(error.remedy).toContain('cleanup.policy=compact');
    expect(await scene.topics.count(scene.topic('t', name))).toBe(0);
  });

  test('one with another number of partitions', async () => {
    const name = uniqueName('parts');
    await scene.topics.createTopic(scene.topic('t', name), 3, { 'cleanup.policy': 'compact' });
    const error = await refusedWith(await scene.reader({ name }), 'TOPIC_PARTITIONS');
    expect(error.message).toMatch(/3.*2|2.*3/s);
    expect(await scene.topics.count(scene.topic('t', name))).toBe(0);
  });
});

describe('a server that is set up wrongly is refused, with the statement that mends it', () => {
  let stack: Stack;
  let server: MysqlServer;
  let scene: Scene;
  let sql: Sql;

  beforeAll(async () => {
    const { kafka } = await testServers('kafka');
    stack = await openStack({});
    server = await stack.add('mysql');
    scene = await Scene.open({ mysql: server.address, brokers: kafka.brokers });
    sql = await Sql.open(server.address);
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
  });
  afterAll(async () => {
    await sql[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  const variables: [string, string, string, string, string][] = [
    ['binlog_format', 'STATEMENT', 'ROW', 'SOURCE_BINLOG_FORMAT', 'binlog_format'],
    ['binlog_row_image', 'MINIMAL', 'FULL', 'SOURCE_ROW_IMAGE', 'binlog_row_image'],
    ['gtid_mode', 'ON_PERMISSIVE', 'ON', 'SOURCE_GTID_OFF', 'gtid_mode'],
  ];
  test.each(variables)('%s = %s', async (variable, wrong, right, code, said) => {
    await sql.run(`SET GLOBAL ${variable} = ${wrong}`);
    try {
      const error = await refusedWith(await scene.reader(), code);
      expect(error.message).toContain(wrong);
      expect(error.remedy).toContain(said);
    } finally {
      await sql.run(`SET GLOBAL ${variable} = ${right}`);
    }
  });

  test('binlogs purged while the reader was away: refused, and what was published stays', async () => {
    const first = await scene.reader();
    await scene.records(first, 't', 1);
    await scene.sql.run('INSERT INTO t VALUES (2)');
    await scene.records(first, 't', 2);
    expect(await first.stop()).toBe(0);
    await scene.sql.run('INSERT INTO t VALUES (3)');
    await sql.run('FLUSH BINARY LOGS');
    await sql.purge();
    await scene.sql.run('INSERT INTO t VALUES (4)');
    await refusedWith(await scene.reader(), 'SOURCE_PURGED');
    // Nothing was skipped silently: not even the row that could still be read.
    const keys = (await scene.topics.read(scene.topic('t'))).map((record) => Number(record.key?.id));
    expect(keys.toSorted((a, b) => a - b)).toEqual([1, 2]);
  });

  test.each([
    ['binlog_row_image = MINIMAL', 'UPDATE u SET v = 9 WHERE id = 1', 'SOURCE_ROW_IMAGE'],
    ['binlog_format = STATEMENT', "INSERT INTO u VALUES (2, 2, '{}')", 'SOURCE_BINLOG_FORMAT'],
    [
      'binlog_row_value_options = PARTIAL_JSON, binlog_row_image = MINIMAL',
      "UPDATE u SET j = JSON_SET(j, '$.a', 2)",
      'SOURCE_ROW_IMAGE',
    ],
  ])(
    'one session with %s: the reader stops there, before and after a restart, and skips nothing',
    async (setting, change, code) => {
      const { kafka } = await testServers('kafka');
      await using own = await Scene.open({ mysql: server.address, brokers: kafka.brokers });
      await own.sql.run(
        'CREATE TABLE u (id int PRIMARY KEY, v int, j json)',
        "INSERT INTO u VALUES (1, 1, JSON_OBJECT('a', 1, 'long', REPEAT('x', 1000)))",
      );
      const reader = await own.reader();
      await own.records(reader, 'u', 1);
      await own.sql.run(`SET SESSION ${setting}`, change);
      await own.sql.reopen();
      await own.sql.run("INSERT INTO u VALUES (3, 3, '{}')");
      await refusedWith(reader, code);
      await refusedWith(await own.reader(), code);
      expect((await own.topics.read(own.topic('u'))).map((record) => record.key?.id)).toEqual([1]);
    },
  );

  test('no binlog at all', async () => {
    const mute = await stack.add('mysql', { name: 'mute', settings: { 'skip-log-bin': '', 'gtid-mode': 'OFF' } });
    const { port } = mute;
    const error = await refusedWith(await scene.reader({ source: { port } }), 'SOURCE_BINLOG_OFF');
    expect(error.remedy).toContain('log_bin');
    await mute.stop();
  });
});
