import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import { type SqlAddress, testServers } from '@tapline/test-stack';
import { command, Replay } from '@tapline/writer';
import { Scene, type Sql, uniqueName } from './scene.ts';
import { Service } from './service.ts';
import { createStatement, insertStatements, matrixTables } from './types/matrix.ts';

const NUMBER = /^(?:tinyint|smallint|mediumint|int|bigint|decimal|year|date|time|datetime|timestamp)$/;

/**
 * A column so that its text is all there is to it. Texts as what they say: a byte that its character set gives no meaning is no text, and arrives as the question mark
 * that SELECT prints. Documents as what their text means: a DECIMAL inside of one is a floating-point number there.
 */
function exactly(name: string, type: string, charset: string | null): string {
  if (NUMBER.test(type)) return name;
  if (type === 'float' || type === 'double') return `${name} + 0e0`;
  if (type === 'bit') return `${name} + 0`;
  if (type === 'json') return `CAST(CAST(CAST(${name} AS CHAR) AS JSON) AS CHAR)`;
  return charset === null ? `HEX(${name})` : `HEX(CONVERT(${name} USING utf8mb4))`;
}

/** All of a table, as texts; its columns as the server describes them. */
async function whole(sql: Sql, database: string, table: string): Promise<{ columns: unknown; rows: unknown }> {
  const columns = await sql.rows(
    `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME, COLUMN_KEY
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME = '${table}' ORDER BY ORDINAL_POSITION`,
  );
  const texts = columns.map(([name, type, , , charset]) => exactly(name ?? '', type ?? '', charset ?? null));
  return { columns, rows: await sql.rows(`SELECT ${texts.join(', ')} FROM ${database}.${table} ORDER BY id`) };
}

describe.each(['mysql', 'mariadb'] as const)('tables of %s, copied by a reader and a writer', (server) => {
  const tables = matrixTables(server);
  let scene: Scene;
  let copy: string;
  let reader: Service;
  let writer: Service;
  let address: SqlAddress;
  let brokers: readonly string[];

  beforeAll(async () => {
    const servers = await testServers(server, 'kafka');
    address = servers[server];
    brokers = servers.kafka.brokers;
    const { host, port, user, password } = address;
    scene = await Scene.open({ mysql: servers[server], brokers: servers.kafka.brokers });
    copy = `${scene.database}_copy`;
    reader = await scene.reader({ topics: { config: { 'max.message.bytes': String(32 << 20) } } });
    await reader.until('streaming', () => reader.saysStreaming());
    // Under the reader's eyes: the catalogue does not tell all members of ENUMs, the statement that made them does.
    for (const table of tables) await scene.sql.run(createStatement(table), ...insertStatements(table));
    for (const { name } of tables) await scene.records(reader, name, 1);
    writer = await Service.start(scene.stack, 'writer', {
      name: uniqueName('writer'),
      source: { brokers: servers.kafka.brokers, topics: tables.map(({ name }) => scene.topic(name)) },
      sink: { type: 'mysql', host, port, user, password, database: '${db}_copy', stateDatabase: `${copy}_state` },
      admin: { port: 0 },
    });
  });

  afterAll(async () => {
    await scene.sql.run(`DROP DATABASE IF EXISTS ${copy}`, `DROP DATABASE IF EXISTS ${copy}_state`);
    await scene[Symbol.asyncDispose]();
  });

  /** Waits for the same number of rows with the same mark. */
  async function arrived(): Promise<void> {
    for (const { name } of tables) {
      const count = (database: string): Promise<string> =>
        scene.sql.value(`SELECT CONCAT(COUNT(*), ' ', COALESCE(SUM(touched), 0)) FROM ${database}.${name}`);
      const expected = await count(scene.database);
      await writer.until(`${expected} rows in ${name}`, async () => {
        const { writer: state, error } = await writer.state();
        if (state === 'stopped') throw new Error(JSON.stringify(error));
        return (await count(copy).catch(() => undefined)) === expected;
      });
    }
  }

  test.each(tables)('$name: all rows are there, every value, type, character set and collation', async ({ name }) => {
    await arrived();
    const source = await whole(scene.sql, scene.database, name);
    expect(await whole(scene.sql, copy, name)).toEqual(source);
  });

  test('updates, deletes and a new column arrive', async () => {
    for (const { name } of tables) {
      await scene.sql.run(`DELETE FROM ${name} WHERE id % 3 = 0`, `UPDATE ${name} SET touched = 1`);
    }
    await scene.sql.run(
      'ALTER TABLE required ADD COLUMN added DECIMAL(10,3) UNSIGNED NULL',
      'UPDATE required SET added = id + 0.125, touched = 2',
    );
    await arrived();
    for (const { name } of tables) {
      const { rows } = await whole(scene.sql, scene.database, name);
      expect((await whole(scene.sql, copy, name)).rows).toEqual(rows);
    }
  });

  /** Every byte that the writer has made, what it notes included. */
  async function made(): Promise<unknown> {
    const names = await scene.sql.rows(
      `SELECT CONCAT('\`', TABLE_SCHEMA, '\`.\`', TABLE_NAME, '\`') FROM information_schema.TABLES
       WHERE TABLE_SCHEMA IN ('${copy}', '${copy}_state') ORDER BY 1`,
    );
    return scene.sql.rows(`CHECKSUM TABLE ${names.flat().join(', ')}`);
  }

  test('a replay from the start changes nothing, though the tables were others then', async () => {
    await scene.sql.run(
      'ALTER TABLE required DROP COLUMN added, ADD COLUMN later INT NULL',
      'UPDATE required SET later = id, touched = 3',
    );
    await arrived();
    const before = await made();
    const { host, port, user, password } = address;
    const flags = { host, port: String(port), user, password, database: '${db}_copy', stateDatabase: `${copy}_state` };
    const config = command.load({
      env: {},
      flags: new Map([
        ['name', 'again'],
        ['source.brokers', brokers.join(',')],
        ['source.topics', tables.map(({ name }) => scene.topic(name)).join(',')],
        ['sink.type', 'mysql'],
        ...Object.entries(flags).map(([key, value]) => [`sink.${key}`, value] as [string, string]),
      ]),
    }).value as Parameters<typeof Replay.open>[0];
    await using replay = await Replay.open(config, undefined, {
      log: silentLogger,
      signal: new AbortController().signal,
    });
    const result = await replay.run(new AbortController().signal, () => undefined);
    expect(result).toMatchObject({ finished: true, applied: 0, deadLetters: 0 });
    expect(result.stale).toBeGreaterThan(0);
    expect(await made()).toEqual(before);
    expect(await reader.stop()).toBe(0);
    expect(await writer.stop()).toBe(0);
  });
});
