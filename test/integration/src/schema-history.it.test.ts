import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { openStack, type Stack, testServers } from '@tapline/test-stack';
import { Scene, uniqueName } from './scene.ts';
import { Service } from './service.ts';
import type { TopicRecord } from './topic.ts';

const SERVERS = [
  ['mysql', 'MINIMAL'],
  ['mariadb', 'NO_LOG'],
] as const;

/** What a table went through while nobody read: each row is as its table was when it was written. */
const PAST: readonly (readonly [sql: string, row: Readonly<Record<string, unknown>>])[] = [
  ["INSERT INTO t VALUES (2, 'a2', 'b2', 'y', 4294967295)", { id: 2, a: 'a2', b: 'b2', e: 'y', n: 4294967295n }],
  ['ALTER TABLE t RENAME COLUMN a TO c', {}],
  ["INSERT INTO t VALUES (3, 'c3', 'b3', 'x', 3)", { id: 3, c: 'c3', b: 'b3', e: 'x', n: 3n }],
  // The wire layout stays the same to the byte.
  ['ALTER TABLE t RENAME COLUMN c TO b, RENAME COLUMN b TO c', {}],
  ["INSERT INTO t VALUES (4, 'b4', 'c4', 'x', 4)", { id: 4, b: 'b4', c: 'c4', e: 'x', n: 4n }],
  ["ALTER TABLE t MODIFY n INT NOT NULL, MODIFY e ENUM('z', 'x', 'y')", {}],
  ["INSERT INTO t VALUES (5, 'b5', 'c5', 'z', -5)", { id: 5, b: 'b5', c: 'c5', e: 'z', n: -5 }],
  ['ALTER TABLE t MODIFY b VARCHAR(10) CHARACTER SET latin1, ADD COLUMN d DATETIME(3) FIRST, DROP COLUMN e', {}],
  ["INSERT INTO t VALUES ('2020-01-02 03:04:05.678', 6, 'é', 'c6', 6)", { id: 6, b: 'é', c: 'c6', n: 6 }],
  ['DROP TABLE t', {}],
  ["CREATE TABLE t (id INT PRIMARY KEY, s SET('p', 'q'), x VARBINARY(3))", {}],
  ["INSERT INTO t VALUES (7, 'p,q', 'xyz')", { id: 7, s: 'p,q' }],
  // As gh-ost does it.
  ['CREATE TABLE _t_gho LIKE t', {}],
  ['ALTER TABLE _t_gho ADD COLUMN w BIGINT UNSIGNED AFTER id, DROP COLUMN x', {}],
  ['INSERT INTO _t_gho (id, w, s) SELECT id, 1, s FROM t', {}],
  ['RENAME TABLE t TO _t_del, _t_gho TO t', {}],
  ["INSERT INTO t VALUES (8, 18446744073709551615, 'q')", { id: 8, s: 'q' }],
  ['DROP TABLE _t_del', {}],
  ['CREATE TABLE other (id INT PRIMARY KEY, only_other INT)', {}],
  ['RENAME TABLE t TO gone, other TO t', {}],
  ['INSERT INTO t VALUES (9, 99)', { id: 9, only_other: 99 }],
];

describe.each(SERVERS)('%s with binlog_row_metadata = %s', (server, metadata) => {
  let stack: Stack;
  let scene: Scene;

  beforeAll(async () => {
    const { kafka } = await testServers('kafka');
    stack = await openStack({});
    const { address } = await stack.add(server, { settings: { 'binlog-row-metadata': metadata } });
    scene = await Scene.open({ mysql: address, brokers: kafka.brokers });
  });
  afterAll(async () => {
    await scene?.[Symbol.asyncDispose]();
    await stack?.[Symbol.asyncDispose]();
  });

  /** What `tapline schema …` prints for the scene's reader. */
  const command = async (
    action: string,
    ...[first, ...rest]: readonly (string | Readonly<Record<string, unknown>>)[]
  ): Promise<string> => {
    const [config, args] =
      typeof first === 'object' ? [first, rest] : [{}, first === undefined ? [] : [first, ...rest]];
    const file = join(stack.folder, `${uniqueName('schema')}.yaml`);
    await writeFile(file, JSON.stringify(scene.readerConfig(config)));
    const run = await Service.run(stack, uniqueName('command'), ['schema', action, file, ...args.map(String)]);
    await run.ended();
    return await run.output();
  };

  /** Waits for so many records; markers of lives have offsets too, and are none. */
  const arrived = async (reader: Service, table: string, count: number, source = scene.source): Promise<void> => {
    const topic = scene.topic(table, source);
    await reader.until(
      `${count} records in ${topic}`,
      async () => (await scene.topics.count(topic)) >= count && (await scene.topics.read(topic)).length >= count,
    );
  };

  const created = async (): Promise<readonly (readonly [id: unknown, after: TopicRecord['after']])[]> => {
    const records = await scene.topics.read(scene.topic('t'));
    return records
      .filter(({ op }) => op === 'c')
      .map(({ key, after }) => [key?.['id'], after] as const)
      .sort(([left], [right]) => Number(left) - Number(right));
  };

  test('a backlog with every kind of change in it is read as it was written, on both sides of each', async () => {
    const { sql } = scene;
    await sql.run(
      "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(10), b VARCHAR(10), e ENUM('x', 'y'), n INT UNSIGNED)",
      "INSERT INTO t VALUES (1, 'a1', 'b1', 'x', 1)",
    );
    const first = await scene.reader();
    await arrived(first, 't', 1);
    expect(await first.stop()).toBe(0);
    for (const [statement] of PAST) await sql.run(statement);
    const expected = PAST.map(([, row]) => row).filter((row) => 'id' in row);

    const second = await scene.reader();
    await arrived(second, 't', 1 + expected.length);
    expect(await created()).toMatchObject(expected.map((row) => [row['id'], row]));
    expect(await scene.topics.exists(scene.topic('_t_gho'))).toBe(false);
    expect(await second.stop()).toBe(0);
  });

  test('a first start while tables are altered all the time', async () => {
    const { sql, database } = scene;
    const exactly = {
      source: { include: [`${database}.busy`] },
      name: uniqueName('busy'),
      snapshot: { mode: 'never' },
    };
    await sql.run('CREATE TABLE busy (id INT PRIMARY KEY, c0 INT)');
    const reader = await scene.reader(exactly);
    let rows = 0;
    const alter = async (): Promise<boolean> => {
      await sql.run(
        `INSERT INTO busy VALUES (${++rows}, ${rows})`,
        `ALTER TABLE busy RENAME COLUMN c${rows - 1} TO c${rows}`,
      );
      // Less and less often: a slow machine reads no table between two statements that follow each other too closely.
      await sleep(300 + 20 * rows);
      return reader.saysStreaming();
    };
    while (!(await alter()));
    for (let more = 0; more < 3; more++) await alter();
    const topic = scene.topic('busy', exactly.name);
    const ids = async (): Promise<number[]> => {
      if ((await scene.topics.count(topic)) === 0) return [];
      return (await scene.topics.read(topic)).map(({ key }) => Number(key?.['id'])).toSorted((a, b) => a - b);
    };
    await reader.until('the last row', async () => (await ids()).at(-1) === rows);
    const published = await ids();
    expect(published).toEqual(published.map((_, i) => rows - published.length + 1 + i));
    for (const { key, after } of await scene.topics.read(topic)) {
      expect(after).toMatchObject({ [`c${Number(key?.['id']) - 1}`]: key?.['id'] });
    }
    expect(await reader.stop()).toBe(0);
  });

  test('what the tables were at any place is told by the command and over HTTP', async () => {
    const { sql, database } = scene;
    await sql.run('CREATE TABLE told (id INT PRIMARY KEY, old_name INT)', 'INSERT INTO told VALUES (1, 1)');
    const reader = await scene.reader();
    await arrived(reader, 'told', 1);
    await sql.run('ALTER TABLE told RENAME COLUMN old_name TO new_name, ADD COLUMN more DECIMAL(10, 2)');
    await sql.run('INSERT INTO told VALUES (2, 2, 2)');
    await arrived(reader, 'told', 2);

    const path = `/schema/${database}/told`;
    const now = await reader.answer(path);
    expect(now).toMatchObject({
      table: 'told',
      captured: true,
      topic: scene.topic('told'),
      primaryKey: ['id'],
      messageKey: ['id'],
      columns: [{ name: 'id' }, { name: 'new_name', type: 'int' }, { name: 'more', precision: 10, scale: 2 }],
      since: { statement: expect.stringContaining('ALTER TABLE told') as unknown },
      schemas: {
        key: {
          subject: `${scene.topic('told')}-key`,
          schema: expect.stringContaining('"fields":[{"name":"id"') as unknown,
        },
        value: {
          subject: `${scene.topic('told')}-value`,
          schema: expect.stringContaining('"name":"new_name"') as unknown,
        },
      },
    });
    const { version, gtid } = (now as { since: { version: number; gtid: string } }).since;
    const before = await reader.answer(`${path}?at=${version - 1}`);
    expect(before).toMatchObject({ columns: [{ name: 'id' }, { name: 'old_name' }] });
    expect(await reader.answer(`${path}?at=${encodeURIComponent(gtid)}`)).toEqual(now);
    expect(await reader.answer('/schema')).toMatchObject({
      tables: expect.arrayContaining([expect.objectContaining({ database, table: 'told', columns: 3 })]) as unknown,
    });
    expect(await reader.stop()).toBe(0);

    const shown = await command('show', '--table', `${database}.told`, '--at', String(version - 1));
    expect(shown).toContain('old_name int');
    expect(shown).not.toContain('new_name');
    const compared = await command('diff', String(version - 1), String(version));
    expect(compared).toContain(`~ ${database}.told`);
    expect(compared).toContain('+ column more decimal(10,2)');
    expect(compared).toContain('ALTER TABLE told RENAME COLUMN');
  });

  test('a history that is gone is told, and rebuilt for the place of the reader; what was altered since cannot be', async () => {
    const { sql, database } = scene;
    await sql.run('CREATE TABLE kept (id INT PRIMARY KEY, a INT)', 'INSERT INTO kept VALUES (1, 1)');
    const first = await scene.reader();
    await arrived(first, 'kept', 1);
    expect(await first.stop()).toBe(0);
    await sql.run('INSERT INTO kept VALUES (2, 2)', 'CREATE TABLE late (id INT PRIMARY KEY, a INT)');
    await sql.run('ALTER TABLE late RENAME COLUMN a TO b', 'INSERT INTO late VALUES (1, 1)');
    await scene.topics.drop(`${scene.source}.schema-history`);

    const lost = await scene.reader();
    expect(await lost.ended()).toBe(1);
    expect((await lost.errorOf('SCHEMA_HISTORY_LOST')).remedy).toContain('tapline schema rebuild');
    const { host, port } = scene.readerConfig()['source'] as { host: string; port: number };
    // The first of the servers is away.
    const hosts = [`${host}:1`, `${host}:${port}`];
    expect(await command('rebuild', { source: { hosts } })).toMatch(/^version \d+ with \d+ tables$/m);
    const second = await scene.reader();
    await arrived(second, 'kept', 2);
    await arrived(second, 'late', 1);
    expect((await scene.topics.read(scene.topic('late')))[0]?.after).toMatchObject({ id: 1, b: 1 });
    expect(await second.stop()).toBe(0);

    await sql.run(
      'INSERT INTO kept VALUES (3, 3)',
      'ALTER TABLE kept RENAME COLUMN a TO b',
      'INSERT INTO kept VALUES (4, 4)',
    );
    await scene.topics.drop(`${scene.source}.schema-history`);
    expect(await command('rebuild')).toMatch(/SCHEMA_REBUILD_INEXACT[^]*kept/);
    expect(await command('rebuild', '--partly')).toContain(`not known at this place: ${database}.kept`);
    const third = await scene.reader();
    expect(await third.ended()).toBe(1);
    expect((await third.errorOf('SCHEMA_DDL_UNREAD')).message).toContain('altered between');
  });

  test('a table altered past the binlog is noticed when the reader starts, and while it runs after the next statement', async () => {
    const { sql, database } = scene;
    const exactly = {
      source: { include: [`${database}.drifts`] },
      name: uniqueName('drifts'),
      history: { checkAfterMs: 100 },
    };
    await sql.run('CREATE TABLE drifts (id INT PRIMARY KEY, a INT)', 'INSERT INTO drifts VALUES (1, 1)');
    const rename = async (from: string, to: string): Promise<void> => {
      await sql.run('SET sql_log_bin = 0', `ALTER TABLE drifts RENAME COLUMN ${from} TO ${to}`, 'SET sql_log_bin = 1');
    };
    const running = await scene.reader(exactly);
    await arrived(running, 'drifts', 1, exactly.name);
    await rename('a', 'b');
    await sql.run('ALTER TABLE drifts ADD COLUMN c INT');
    expect(await running.ended()).toBe(1);
    expect((await running.errorOf('SCHEMA_DRIFT')).message).toMatch(/the history has a int.*, the source b int/);
    expect(await command('rebuild', exactly)).toMatch(/^version/m);
    const rebuilt = await scene.reader(exactly);
    await sql.run('INSERT INTO drifts VALUES (2, 2, 2)');
    await arrived(rebuilt, 'drifts', 2, exactly.name);
    const records = await scene.topics.read(scene.topic('drifts', exactly.name));
    expect(records.find(({ key }) => key?.['id'] === 2)?.after).toMatchObject({ id: 2, b: 2, c: 2 });
    expect(await rebuilt.stop()).toBe(0);
    await rename('c', 'd');
    const started = await scene.reader(exactly);
    expect(await started.ended()).toBe(1);
    expect((await started.errorOf('SCHEMA_DRIFT')).remedy).toContain('tapline schema rebuild');
  });

  test('another primary key stops the reader in front of it, and with the old columns as `keys` it goes on in order', async () => {
    const { sql, database } = scene;
    await sql.run('CREATE TABLE rekeyed (id INT PRIMARY KEY, a INT NOT NULL)', 'INSERT INTO rekeyed VALUES (1, 1)');
    const exactly = { source: { include: [`${database}.rekeyed`] }, name: uniqueName('rekeyed') };
    const first = await scene.reader(exactly);
    await arrived(first, 'rekeyed', 1, exactly.name);
    await sql.run(
      'INSERT INTO rekeyed VALUES (2, 2)',
      'ALTER TABLE rekeyed DROP PRIMARY KEY, ADD PRIMARY KEY (id, a)',
      'INSERT INTO rekeyed VALUES (3, 3)',
    );
    expect(await first.ended()).toBe(1);
    const error = await first.errorOf('SCHEMA_KEY_CHANGED');
    expect(error.message).toMatch(/becomes \(id int\S*, a int\S*\)/);
    expect(await scene.topics.read(scene.topic('rekeyed', exactly.name))).toHaveLength(2);

    const second = await scene.reader({ ...exactly, keys: { [`${database}.rekeyed`]: ['id'] } });
    await arrived(second, 'rekeyed', 3, exactly.name);
    const keys = (await scene.topics.read(scene.topic('rekeyed', exactly.name))).map(({ key }) => key);
    expect(keys).toEqual(expect.arrayContaining([{ id: 1 }, { id: 2 }, { id: 3 }]));
    expect(await second.stop()).toBe(0);
  });

  test('with history.keyChange: newTopic the table goes on in another topic, which holds all of its rows', async () => {
    const { sql, database } = scene;
    const exactly = {
      source: { include: [`${database}.renewed`] },
      name: uniqueName('renewed'),
      history: { keyChange: 'newTopic' },
    };
    await sql.run(
      'CREATE TABLE renewed (id INT PRIMARY KEY, a INT NOT NULL)',
      'INSERT INTO renewed VALUES (1, 1), (2, 2)',
    );
    const first = await scene.reader(exactly);
    await arrived(first, 'renewed', 2, exactly.name);
    await sql.run('ALTER TABLE renewed DROP PRIMARY KEY, ADD PRIMARY KEY (a, id)', 'INSERT INTO renewed VALUES (3, 3)');
    await arrived(first, 'renewed.v2', 3, exactly.name);
    const told = (await first.entries()).filter(({ message }) => message === 'tables to load');
    expect(told).toHaveLength(2);
    await first.kill();
    await sql.run('UPDATE renewed SET id = 4 WHERE id = 1');
    const second = await scene.reader(exactly);
    // The old key goes with a tombstone, and the row comes under its new one.
    await arrived(second, 'renewed.v2', 6, exactly.name);
    const records = await scene.topics.read(scene.topic('renewed.v2', exactly.name));
    const last = new Map(records.map(({ key, after }) => [JSON.stringify(key), after?.['id']]));
    expect(Object.fromEntries(last)).toEqual({
      '{"a":1,"id":1}': undefined,
      '{"a":1,"id":4}': 4,
      '{"a":2,"id":2}': 2,
      '{"a":3,"id":3}': 3,
    });
    expect(await scene.topics.read(scene.topic('renewed', exactly.name))).toHaveLength(2);
    expect(await second.stop()).toBe(0);
  });
});
