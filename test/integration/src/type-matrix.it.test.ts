import { describe, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene, type Sql } from './scene.ts';
import type { TopicRecord } from './topic.ts';
import { type Server, type TypeColumn, typeColumns } from './type-columns.ts';

/** Row `id` holds each column's value number `id`; one more row is all NULL. */
function insertStatements(columns: readonly TypeColumn[]): string[] {
  const given = columns.filter(({ values }) => values.length > 0);
  const rows = Math.max(...given.map(({ values }) => values.length));
  const names = given.map(({ name }) => name).join(', ');
  const statements = Array.from({ length: rows }, (_, row) => {
    const values = given.map((column) => column.values[row % column.values.length]);
    return `INSERT INTO types (id, ${names}) VALUES (${row + 1}, ${values.join(', ')})`;
  });
  return [...statements, `INSERT INTO types (id) VALUES (${rows + 1})`];
}

async function createTable(sql: Sql, columns: readonly TypeColumn[]): Promise<void> {
  const definitions = columns.map(({ name, type }) => {
    // Without saying so, some servers make the first timestamp NOT NULL.
    const nullable = type.includes(' AS (') ? '' : ' NULL';
    return type.includes('INVISIBLE')
      ? `${name} int NULL INVISIBLE`
      : `${name} ${type.replace(' SRID', `${nullable} SRID`)}${type.includes(' SRID') ? '' : nullable}`;
  });
  await sql.run(`CREATE TABLE types (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0, ${definitions.join(', ')})`);
}

/** What SELECT prints of each column, by row. */
async function expectedTexts(sql: Sql, columns: readonly TypeColumn[]): Promise<(string | null)[][]> {
  const list = columns.map(({ name, select }) => select ?? name).join(', ');
  return await sql.rows(`SELECT ${list} FROM types ORDER BY id`);
}

const ofOp = (records: readonly TopicRecord[], op: TopicRecord['op']): TopicRecord[] =>
  records.filter((record) => record.op === op).sort((a, b) => Number(a.key?.id) - Number(b.key?.id));

/** The decoded row in the words of a SELECT. */
function decodedTexts(record: TopicRecord, columns: readonly TypeColumn[]): (string | null)[] {
  return columns.map(({ name, text }) => {
    const value = record.after?.[name];
    return value === null || value === undefined ? null : text(value as never);
  });
}

/** A SELECT's numbers in the form that JavaScript prints. */
function comparable(text: string | null | undefined, column: TypeColumn | undefined): string | null {
  if (text === null || text === undefined) return null;
  return column !== undefined && /^(?:float|double)/.test(column.type) ? String(Number(text)) : text;
}

describe.each<Server>(['mysql', 'mysql80', 'mariadb'])('every type of %s, from the table to the topic', (server) => {
  test('the first load and the binlog give the same bytes, which say what SELECT prints', async () => {
    const servers = await testServers(server, 'kafka');
    await using scene = await Scene.open({ mysql: servers[server], brokers: servers.kafka.brokers });
    const { sql, source } = scene;
    const columns = typeColumns(server);
    await createTable(sql, columns);
    const variable = server === 'mariadb' ? '@@GLOBAL.gtid_binlog_pos' : '@@GLOBAL.gtid_executed';
    const gtidSet = (await sql.value(`SELECT ${variable}`)).replaceAll(/\s/g, '');
    if (server !== 'mariadb') await sql.run('CREATE INDEX by_sum ON types ((touched + 1))');
    await sql.run(...insertStatements(columns));
    const expected = await expectedTexts(sql, columns);
    const rows = expected.length;

    const loads = await scene.reader();
    const streams = await scene.reader({ name: `${source}_s`, snapshot: { mode: 'never' }, start: { gtidSet } });
    await scene.records(loads, 'types', rows);
    await scene.records(streams, 'types', rows, `${source}_s`);

    // The same rows once more as images of updates and deletes, which both readers get from the binlog.
    await sql.run('UPDATE types SET touched = 1 ORDER BY id', 'DELETE FROM types ORDER BY id');
    await scene.records(loads, 'types', rows * 4);
    await scene.records(streams, 'types', rows * 4, `${source}_s`);
    expect(await loads.stop()).toBe(0);
    expect(await streams.stop()).toBe(0);

    const loaded = await scene.topics.read(scene.topic('types'));
    const streamed = await scene.topics.read(scene.topic('types', `${source}_s`));
    const read = ofOp(loaded, 'r');
    const created = ofOp(streamed, 'c');
    expect(read).toHaveLength(rows);
    expect(created).toHaveLength(rows);
    for (const [index, record] of read.entries()) {
      const texts = decodedTexts(record, columns);
      for (const [at, column] of columns.entries()) {
        const seen = { row: index + 1, column: column.name, value: texts[at] };
        expect(seen).toEqual({ ...seen, value: comparable(expected[index]?.[at], column) });
      }
    }
    expect(read.map((record) => record.afterBytes)).toEqual(created.map((record) => record.afterBytes));
    for (const records of [loaded, streamed]) {
      const updated = ofOp(records, 'u');
      expect(updated.map((record) => record.beforeBytes)).toEqual(created.map((record) => record.afterBytes));
      expect(updated.map((record) => record.after?.touched)).toEqual(read.map(() => 1));
      expect(ofOp(records, 'd').map((record) => record.beforeBytes)).toEqual(
        updated.map((record) => record.afterBytes),
      );
      expect(ofOp(records, 't').map((record) => record.key)).toEqual(read.map((record) => record.key));
    }
  }, 240_000);
});
