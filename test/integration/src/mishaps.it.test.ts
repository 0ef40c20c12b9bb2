import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MovingAddress, type MysqlServer, openStack, type Stack, testServers } from '@tapline/test-stack';
import { Scene, uniqueName } from './scene.ts';
import { type LogEntry, Service } from './service.ts';

/*
 * What people do to a reader: each time it says what is wrong with a code and a remedy, publishes nothing that is not so, and when the
 * cause is mended it goes on and has lost nothing.
 */

interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

/** Of this file's own, to be mistreated. */
let own: MysqlServer;
let stack: Stack;
let scene: Scene;

beforeAll(async () => {
  const { kafka } = await testServers('kafka');
  stack = await openStack({});
  own = await stack.add('mysql');
  scene = await Scene.open({ mysql: own.address, brokers: kafka.brokers });
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

/** One table, with a row that the first load will find. @returns what a reader of it alone is configured with. */
async function tableOf(table: string): Promise<{ name: string; source: { include: string[] } }> {
  await scene.sql.run(`CREATE TABLE ${table} (id INT PRIMARY KEY)`, `INSERT INTO ${table} VALUES (1)`);
  return { name: uniqueName(table), source: { include: [`${scene.database}.${table}`] } };
}

async function insert(table: string, ...ids: readonly number[]): Promise<void> {
  for (const id of ids) await scene.sql.run(`INSERT INTO ${table} VALUES (${id})`);
}

/** It ends by itself with exit code 1, and its last word is this error, with what to do about it. */
async function refused(reader: Service, code: string): Promise<Required<Trouble>> {
  expect(await reader.ended()).toBe(1);
  const error = (await reader.entries()).findLast((entry: LogEntry) => entry.error !== undefined)?.error;
  return told(error, code);
}

/** While it lives, /state tells it, and the log did. */
async function inTrouble(reader: Service, code: string): Promise<Required<Trouble>> {
  let trouble: Trouble | undefined;
  await reader.until(`trouble ${code}`, async () => {
    trouble = (await reader.state())['trouble'] as Trouble | undefined;
    return trouble?.code === code;
  });
  await reader.errorOf(code);
  return told(trouble, code);
}

function told(error: Trouble | undefined, code: string): Required<Trouble> {
  expect(error).toEqual(
    expect.objectContaining({ code, message: expect.stringMatching(/./), remedy: expect.stringMatching(/./) }),
  );
  return error as Required<Trouble>;
}

/** Waits for the last of the rows 1 to `rows`; then the topic has each of them once and nothing else, and the reader stops as it should. */
async function exact(
  reader: Service,
  { name, table, rows }: { name: string; table: string; rows: number },
): Promise<void> {
  await scene.records(reader, table, rows, name);
  expect(await reader.stop()).toBe(0);
  const records = await scene.topics.read(scene.topic(table, name));
  const expected = Array.from({ length: rows }, (_, i) => ({ op: i === 0 ? 'r' : 'c', id: i + 1 }));
  const found = records.map(({ op, after }) => ({ op, id: after?.['id'] }));
  expect(found.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual(expected);
}

test('wrong grants: refused with the statement that an administrator must run; after it the reader starts', async () => {
  const table = 'grants';
  const { name, source } = await tableOf(table);
  const user = uniqueName('poor').slice(-30);
  await own.execute(`CREATE USER '${user}'@'%' IDENTIFIED BY 'p'; GRANT SELECT ON *.* TO '${user}'@'%'`);
  const config = { name, source: { ...source, user, password: 'p' } };
  const { remedy } = await refused(await scene.reader(config), 'SOURCE_MISSING_GRANT');
  await insert(table, 2);
  const statements = remedy.match(/GRANT [^;]+ TO '[^;]+'@'%'/g) ?? [];
  expect(statements.length).toBeGreaterThan(0);
  await own.execute(statements.join('; '));
  const reader = await scene.reader(config);
  await scene.records(reader, table, 2, name);
  await insert(table, 3);
  // The row of the time before it could start is one that the first load finds.
  await scene.records(reader, table, 3, name);
  expect(await reader.stop()).toBe(0);
  const records = await scene.topics.read(scene.topic(table, name));
  expect(records.map(({ op, after }) => `${op}${String(after?.['id'])}`).toSorted()).toEqual(['c3', 'r1', 'r2']);
});

test('a host that vanishes: the state says which, and the same process goes on when it is back', async () => {
  const table = 'vanished';
  await using address = await MovingAddress.open(own.port);
  const { name, source } = await tableOf(table);
  const reader = await scene.reader({ name, source: { ...source, host: address.host, port: address.port } });
  await scene.records(reader, table, 1, name);
  await insert(table, 2);
  address.moveTo(undefined);
  const { message, remedy } = await inTrouble(reader, 'SOURCE_UNREACHABLE');
  expect(`${message} ${remedy}`).toContain('source.host');
  await insert(table, 3, 4);
  address.moveTo(own.port);
  await scene.records(reader, table, 4, name);
  await insert(table, 5);
  await exact(reader, { name, table, rows: 5 });
});

test('two clusters mixed by mistake: the other one is refused by its GTIDs before anything of it is published', async () => {
  const table = 'mixed';
  const { mysql } = await testServers('mysql');
  await using other = await Scene.open({ mysql, brokers: [] });
  // Of the same name, with other rows.
  await other.sql.run(
    `CREATE DATABASE ${scene.database}`,
    `CREATE TABLE ${scene.database}.${table} (id INT PRIMARY KEY)`,
  );
  await other.sql.run(`INSERT INTO ${scene.database}.${table} VALUES (77)`);
  try {
    await using address = await MovingAddress.open(own.port);
    const { name, source } = await tableOf(table);
    const config = { name, source: { ...source, host: address.host, port: address.port } };
    const first = await scene.reader(config);
    await scene.records(first, table, 1, name);
    await insert(table, 2);
    await scene.records(first, table, 2, name);
    address.moveTo(mysql.port);
    await refused(first, 'SOURCE_OTHER_TOPOLOGY');
    await refused(await scene.reader(config), 'SOURCE_OTHER_TOPOLOGY');
    await insert(table, 3);
    address.moveTo(own.port);
    await exact(await scene.reader(config), { name, table, rows: 3 });
  } finally {
    await other.sql.run(`DROP DATABASE ${scene.database}`);
  }
});

test('a read-only source with anchors on: told and waited for; while it streams rows still come, and anchors when they can again', async () => {
  const table = 'readonly';
  const { name, source } = await tableOf(table);
  const account = { user: 'anchors', password: 'small' };
  await own.execute(
    `CREATE USER 'anchors'@'%' IDENTIFIED BY 'small'; GRANT CREATE, SELECT, INSERT, DELETE ON \`__db_mysync\`.* TO 'anchors'@'%'`,
  );
  const anchors = { ...account, enabled: 'on', intervalMs: 100 };
  await own.execute('SET GLOBAL read_only = ON');
  const reader = await scene.reader({ name, source: { ...source, anchors } });
  const stateOfAnchors = async (): Promise<unknown> =>
    ((await reader.state())['anchors'] as { readonly state: string } | undefined)?.state;
  const { remedy } = await inTrouble(reader, 'SOURCE_READ_ONLY_ANCHORS');
  expect(remedy).toContain('source.anchors.enabled');
  await insert(table, 2);
  await own.execute('SET GLOBAL read_only = OFF');
  await reader.until('anchors', async () => (await stateOfAnchors()) === 'writing');
  await own.execute('SET GLOBAL read_only = ON');
  await reader.until('no anchors', async () => (await stateOfAnchors()) === 'failing');
  await insert(table, 3);
  await scene.records(reader, table, 3, name);
  await own.execute('SET GLOBAL read_only = OFF');
  await reader.until('anchors again', async () => (await stateOfAnchors()) === 'writing');
  await insert(table, 4);
  await scene.records(reader, table, 4, name);
  expect(await reader.stop()).toBe(0);
  const ids = (await scene.topics.read(scene.topic(table, name))).map(({ after }) => Number(after?.['id']));
  expect(ids.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
});

test('the history topic deleted, while the reader runs and while it is down: told, rebuilt by the command that the remedy names, nothing lost', async () => {
  const table = 'history';
  const { name, source } = await tableOf(table);
  const config = { name, source };
  const first = await scene.reader(config);
  await scene.records(first, table, 1, name);
  await scene.topics.drop(`${name}.schema-history`);
  // Nothing is asked of the history until a table is altered.
  await insert(table, 2);
  await scene.records(first, table, 2, name);
  expect(await first.stop()).toBe(0);
  await insert(table, 3);
  const { remedy } = await refused(await scene.reader(config), 'SCHEMA_HISTORY_LOST');
  expect(remedy).toContain('tapline schema rebuild FILE');
  expect(await scene.topics.exists(`${name}.schema-history`)).toBe(false);
  const file = join(stack.folder, `${name}.yaml`);
  await writeFile(file, JSON.stringify(scene.readerConfig(config)));
  const rebuild = await Service.run(stack, uniqueName('rebuild'), ['schema', 'rebuild', file]);
  expect(await rebuild.ended()).toBe(0);
  await exact(await scene.reader(config), { name, table, rows: 3 });
});
