import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene, uniqueName } from './scene.ts';
import { Service } from './service.ts';

let scene: Scene;
const name = uniqueName('writer');
let copy: string;
let reader: Service;
let writers: Service[];

async function startWriter(): Promise<Service> {
  const servers = await testServers('mysql', 'kafka');
  const { host, port, user, password } = servers.mysql;
  return await Service.start(scene.stack, 'writer', {
    name,
    source: {
      brokers: servers.kafka.brokers,
      topics: [scene.topic('*')],
      refreshMs: 1000,
      commitMs: 100,
      sessionTimeoutMs: 6000,
    },
    sink: { type: 'mysql', host, port, user, password, database: '${db}_copy', stateDatabase: `${copy}_state` },
    admin: { port: 0 },
  });
}

beforeAll(async () => {
  const servers = await testServers('mysql', 'kafka');
  scene = await Scene.open({ mysql: servers.mysql, brokers: servers.kafka.brokers });
  copy = `${scene.database}_copy`;
  await scene.sql.run(
    'CREATE TABLE item (id INT PRIMARY KEY, a VARCHAR(10), n INT, gone INT NOT NULL) DEFAULT CHARSET latin1',
    'CREATE TABLE quiet (id INT PRIMARY KEY, a VARCHAR(10))',
    "INSERT INTO quiet VALUES (1, 'x'), (2, 'y')",
    ...rows(1, 40),
  );
  reader = await scene.reader();
  writers = await Promise.all([startWriter(), startWriter()]);
});

afterAll(async () => {
  await scene.sql.run(`DROP DATABASE IF EXISTS ${copy}`, `DROP DATABASE IF EXISTS ${copy}_state`);
  await scene[Symbol.asyncDispose]();
});

function rows(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `INSERT INTO item VALUES (${from + at}, 'a${at}', ${at}, 1)`);
}

/** All of a table, and what its columns are. */
async function whole(database: string, table: string): Promise<unknown> {
  const columns = await scene.sql.rows(
    `SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, COLLATION_NAME FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = '${database}' AND TABLE_NAME = '${table}' ORDER BY COLUMN_NAME`,
  );
  const names = columns.map(([name]) => `\`${name}\``).join(', ');
  return { columns, rows: await scene.sql.rows(`SELECT ${names || 1} FROM ${database}.${table} ORDER BY id`) };
}

async function untilSame(...tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const source = await whole(scene.database, table);
    const same = async (): Promise<boolean> =>
      JSON.stringify(await whole(copy, table).catch(() => undefined)) === JSON.stringify(source);
    await reader.until(`${table} is the same`, same).catch((error: unknown) => console.error(error));
    expect(await whole(copy, table).catch(String)).toEqual(source);
  }
}

test('each statement takes effect between the changes in front of it and those behind, whichever member has the partition', async () => {
  const { sql } = scene;
  await untilSame('item', 'quiet');
  await sql.run(
    'UPDATE item SET n = n + 100 WHERE id % 2 = 0',
    // No row is an event, and every row has it.
    'ALTER TABLE item ADD COLUMN extra INT NOT NULL DEFAULT 7 AFTER a, ALGORITHM=INSTANT',
    'UPDATE item SET extra = id WHERE id % 3 = 0',
    'ALTER TABLE item RENAME COLUMN n TO m, DROP COLUMN gone',
    'UPDATE item SET m = m + 1000 WHERE id % 5 = 0',
    "INSERT INTO item VALUES (1001, 'b', 1, 2)",
    'ALTER TABLE item MODIFY a VARCHAR(60), ADD COLUMN note TEXT',
    "UPDATE item SET a = REPEAT('é', 60), note = 'ü item' WHERE id % 7 = 0",
    'DELETE FROM item WHERE id % 11 = 0',
    'ALTER TABLE item DROP COLUMN extra, ADD COLUMN twice INT AS (m * 2) STORED',
    'CREATE INDEX by_m ON item (m, a(5))',
    "ALTER TABLE item ADD COLUMN extra VARCHAR(20) DEFAULT 'it''s \\\\ item' COMMENT 'item'",
    'UPDATE item SET m = 5 WHERE id = 13',
    'DROP INDEX by_m ON item',
    'ALTER TABLE item CONVERT TO CHARACTER SET utf8mb4',
    "UPDATE item SET note = '漢字' WHERE id < 4",
  );
  await untilSame('item');
});

test('a table that nobody writes to is altered too', async () => {
  await scene.sql.run('ALTER TABLE quiet ADD COLUMN b DECIMAL(10,2) NOT NULL DEFAULT 1.5');
  await untilSame('quiet');
});

test('the exchange of an online schema change is the ALTER that it stands for', async () => {
  await scene.sql.run(
    'CREATE TABLE _item_gho LIKE item',
    'ALTER TABLE _item_gho ADD COLUMN ghost INT NOT NULL DEFAULT 3, DROP COLUMN note',
    'INSERT INTO _item_gho (id, a, m, extra) SELECT id, a, m, extra FROM item',
    'RENAME TABLE item TO _item_del, _item_gho TO item',
    'UPDATE item SET ghost = 4 WHERE id % 4 = 0',
  );
  await untilSame('item');
});

test('a renamed table takes its rows along, and one that is dropped stays without rows', async () => {
  await scene.sql.run(
    'RENAME TABLE quiet TO renamed',
    "INSERT INTO renamed VALUES (3, 'z', 2), (4, 'new', 4)",
    "UPDATE renamed SET a = 'changed' WHERE id = 1",
    'DELETE FROM renamed WHERE id = 2',
  );
  await untilSame('renamed');
  expect(await scene.sql.rows(`SHOW TABLES FROM ${copy} LIKE 'quiet'`)).toEqual([]);
  await scene.sql.run('DROP TABLE renamed');
  await reader.until('no rows are left', async () => {
    return (await scene.sql.value(`SELECT COUNT(*) FROM ${copy}.renamed`)) === '0';
  });
});

test('a statement that the target refuses stops the writer in front of what comes behind it, and it goes on when somebody has altered the table', async () => {
  const { sql } = scene;
  await sql.run(
    `ALTER TABLE ${copy}.item ADD COLUMN last DATE`,
    'ALTER TABLE item ADD COLUMN last INT NOT NULL DEFAULT 1',
    'UPDATE item SET last = 2 WHERE id % 2 = 0',
  );
  const [first, second] = writers as [Service, Service];
  const { message } = await Promise.race([first.errorOf('SINK_MYSQL_DDL'), second.errorOf('SINK_MYSQL_DDL')]);
  expect(message).toContain('ADD COLUMN last INT');
  expect(await sql.value(`SELECT COUNT(last) FROM ${copy}.item`)).toBe('0');
  await Promise.all([first.kill(), second.kill()]);
  await sql.run(`ALTER TABLE ${copy}.item DROP COLUMN last, ADD COLUMN last INT NOT NULL DEFAULT 1`);
  writers[0] = await startWriter();
  await untilSame('item');
});

test('a writer that is killed between a statement and its note does it once: the next one sees by the table that it is done', async () => {
  const { sql } = scene;
  const noted = (): Promise<string> => sql.value(`SELECT MAX(version) FROM ${copy}_state.__ddl`).catch(() => '');
  await untilSame('item');
  const earlier = await noted();
  await sql.run('ALTER TABLE item ADD COLUMN before_note INT');
  await reader.until('it is noted', async () => (await noted()) !== earlier && (await noted()) !== '');
  await using holder = await scene.session();
  // Who has carried a statement out cannot note it while this is held.
  await holder.run(`LOCK TABLES ${copy}_state.__ddl READ`);
  await sql.run(
    'ALTER TABLE item ADD COLUMN noted INT NOT NULL DEFAULT 9',
    'UPDATE item SET noted = 8 WHERE id % 2 = 0',
  );
  const waiting = `SELECT id FROM information_schema.PROCESSLIST WHERE info LIKE 'INSERT INTO%${copy}_state%__ddl%'`;
  await reader.until('the note waits', async () => (await sql.value(waiting)) !== '');
  expect(await sql.value(`SELECT MIN(noted) FROM ${copy}.item`)).toBe('9');
  await Promise.all(writers.map((writer) => writer.kill()));
  // The server would run it to its end, whoever is there to hear of it.
  await sql.run(`KILL ${await sql.value(waiting)}`);
  await reader.until('nobody notes', async () => (await sql.value(waiting)) === '');
  await holder.run('UNLOCK TABLES');
  const next = await startWriter();
  await untilSame('item');
  expect(await next.output()).not.toContain('a statement of the source is carried out');
});
