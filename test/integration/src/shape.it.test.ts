import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';
import type { Service } from './service.ts';
import type { TopicRecord } from './topic.ts';

const SALT = 'a salt that nobody guesses';
const SECRET = `planted${randomBytes(6).toString('hex')}`;
const hmac = (text: string | null | undefined): string | null =>
  text === null || text === undefined ? null : createHmac('sha256', SALT).update(text).digest('hex');

async function open(server: 'mysql' | 'mariadb'): Promise<Scene> {
  const { kafka, ...servers } = await testServers(server, 'kafka');
  return await Scene.open({ mysql: servers[server], brokers: kafka.brokers });
}

const PEOPLE = `CREATE TABLE people (
  id bigint PRIMARY KEY,
  mail varchar(80) CHARACTER SET latin1,
  ref int unsigned,
  name varchar(50) NOT NULL,
  wide varchar(50) CHARACTER SET utf16,
  ssn varchar(80) NOT NULL,
  pay int NOT NULL,
  note text)`;
const INSERT_PEOPLE = `INSERT INTO people VALUES
  (1, 'ärger@${SECRET}', 4294967295, 'Ä€𝄞x', '𝄞𝄞𝄞', '${SECRET}', 5000, '${SECRET}'),
  (2, NULL, NULL, 'ab', NULL, '', 1, NULL),
  (3, '', 0, '', '', '${SECRET}', -1, '')`;
const PEOPLE_RULE = {
  exclude: ['SSN'],
  mask: { pay: '-1', note: '***' },
  hash: ['mail', 'ref'],
  truncate: { name: 3, wide: 2 },
};

test.each(['mysql', 'mariadb'] as const)(
  '%s: columns are left out, masked, hashed and cut, the same in loaded rows and in the binlog, and nothing of them gets out',
  async (server) => {
    await using scene = await open(server);
    const { sql, topics } = scene;
    await sql.run(PEOPLE, INSERT_PEOPLE);
    const rules = [{ tables: [`${scene.database}.*`], ...PEOPLE_RULE }];
    const reader = await scene.reader({ shape: { salt: SALT, rules }, beforeImage: 'full' });
    await scene.records(reader, 'people', 3);
    await sql.run('DELETE FROM people', INSERT_PEOPLE, 'UPDATE people SET pay = pay + 1');
    await scene.records(reader, 'people', 3 + 6 + 3 + 3);
    const records = await topics.read(scene.topic('people'));

    const rows = await sql.rows(
      'SELECT id, mail, ref, LEFT(name, 3), LEFT(wide, 2), note IS NULL FROM people ORDER BY id',
    );
    const expected = rows.map(([id, mail, ref, name, wide, noNote]) => ({
      id: BigInt(id ?? ''),
      mail: hmac(mail),
      ref: hmac(ref),
      name,
      wide,
      pay: -1,
      note: noNote === '1' ? null : '***',
    }));
    const byId = (op: string): TopicRecord[] =>
      records.filter((record) => record.op === op).sort((a, b) => Number(a.key?.['id']) - Number(b.key?.['id']));
    for (const op of ['r', 'c', 'u']) expect(byId(op).map(({ after }) => after)).toEqual(expected);
    for (const op of ['d', 'u']) expect(byId(op).map(({ before }) => before)).toEqual(expected);
    const bytes = byId('r').map(({ afterBytes }) => afterBytes);
    expect(byId('c').map(({ afterBytes }) => afterBytes)).toEqual(bytes);
    expect(byId('d').map(({ beforeBytes }) => beforeBytes)).toEqual(bytes);

    const json = await scene.reader({
      name: `${scene.source}.json`,
      shape: { salt: SALT, rules },
      format: { type: 'json', schemas: false },
    });
    const jsonTopic = scene.topic('people', `${scene.source}.json`);
    await scene.records(json, 'people', 3, `${scene.source}.json`);
    const said = (await topics.texts(jsonTopic)).map((text) => (JSON.parse(text) as { after: unknown }).after);
    expect(said).toEqual(expect.arrayContaining(expected.map((row) => ({ ...row, id: Number(row.id) }))));

    const raw = [...(await topics.raw(scene.topic('people'))), ...(await topics.raw(jsonTopic))];
    const all = raw.map(({ message }) => `${String(message.key)} ${String(message.value)}`).join();
    expect(await reader.stop()).toBe(0);
    expect(await json.stop()).toBe(0);
    const progress = (await topics.texts(`${scene.source}.progress`)).join();
    const out = `${all} ${progress} ${await reader.output()} ${await json.output()}`;
    expect(out).not.toContain(SECRET);
    expect(out).not.toContain(SALT);
    expect(all).not.toContain('ssn');
  },
);

const CONDITION =
  "total >= 10.50 AND (status IN ('new', 'paid') OR status LIKE 'x%') AND NOT (note IS NULL) AND day BETWEEN '2026-01-01' AND '2026-06-30' AND big % 3 <> 1";

test.each(['mysql', 'mariadb'] as const)(
  '%s: the topic holds exactly the rows that the same condition selects on the server, whatever moves in and out',
  async (server) => {
    await using scene = await open(server);
    const { sql, topics } = scene;
    const pick = (n: number): string => `(${n} * 7919) % 97`;
    const row = (n: number): string =>
      `(${n}, ${pick(n)} / 4, ELT(1 + ${n} % 4, 'new', 'paid', 'xyz', 'gone'), IF(${n} % 5 = 0, NULL, 'note'), DATE('2025-12-01') + INTERVAL (${n} * 13) % 300 DAY, 18446744073709551615 - ${n})`;
    const rows = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, i) => row(from + i)).join();
    await sql.run(
      "CREATE TABLE orders (id int PRIMARY KEY, total decimal(20,2), status varchar(10) COLLATE utf8mb4_bin, note varchar(10), day date, big bigint unsigned, secret varchar(10) DEFAULT 'x')",
      `INSERT INTO orders (id, total, status, note, day, big) VALUES ${rows(0, 200)}`,
    );
    const rules = [{ tables: [`${scene.database}.orders`], where: CONDITION, exclude: ['note', 'secret'] }];
    const reader = await scene.reader({ shape: { rules }, snapshot: { chunkRows: 30 } });
    const selected = async (): Promise<number[]> =>
      (await sql.rows(`SELECT id FROM orders WHERE ${CONDITION} ORDER BY id`)).map(([id]) => Number(id));
    await scene.records(reader, 'orders', (await selected()).length);
    await sql.run(
      `INSERT INTO orders (id, total, status, note, day, big) VALUES ${rows(200, 300)}`,
      'UPDATE orders SET total = total + 5 WHERE id % 2 = 0',
      "UPDATE orders SET status = 'gone' WHERE id % 7 = 0",
      "UPDATE orders SET note = 'again' WHERE note IS NULL AND id % 3 = 0",
      'UPDATE orders SET id = id + 1000 WHERE id % 11 = 0',
      'DELETE FROM orders WHERE id % 13 = 0',
      "INSERT INTO orders VALUES (5000, 99, 'new', 'end', '2026-02-02', 3, 'x')",
    );
    const held = async (): Promise<Map<number, TopicRecord>> => {
      const last = new Map<number, TopicRecord>();
      for (const record of await topics.read(scene.topic('orders'))) {
        const id = Number(record.key?.['id']);
        if (record.op === 'd' || record.op === 't') last.delete(id);
        else last.set(id, record);
      }
      return last;
    };
    await reader.until('the last row', async () => (await held()).has(5000));
    // What stands in front of it may be in another partition, and is there when the reader has stopped.
    expect(await reader.stop()).toBe(0);
    const last = await held();
    expect([...last.keys()].sort((a, b) => a - b)).toEqual(await selected());
    expect(last.size).toBeGreaterThan(20);
    const stati = await sql.rows('SELECT id, status FROM orders');
    for (const [id, status] of stati)
      if (last.has(Number(id))) expect(last.get(Number(id))?.after?.['status']).toBe(status);
    expect(last.get(5000)?.after).not.toHaveProperty('note');
  },
);

test('an update that leaves the condition is a delete and a tombstone, one that enters it a create; operations are left out before', async () => {
  await using scene = await open('mysql');
  const { sql, topics } = scene;
  await sql.run(
    'CREATE TABLE moves (id int PRIMARY KEY, live int)',
    'CREATE TABLE archive (id int PRIMARY KEY, n int)',
  );
  const reader = await scene.reader({
    shape: {
      rules: [
        { tables: [`${scene.database}.moves`], where: 'live' },
        { tables: [`${scene.database}.*`], operations: ['update'] },
        { tables: [`${scene.database}.archive`], operations: ['create', 'update'] },
        { tables: [`${scene.database}.moves`], operations: ['create', 'update', 'delete'] },
      ],
    },
  });
  await reader.until('readiness', async () => await reader.saysReady());
  await sql.run(
    'INSERT INTO moves VALUES (1, 1), (2, 0)',
    'UPDATE moves SET live = 1 - live',
    'UPDATE moves SET live = live + live',
    'DELETE FROM moves',
    'INSERT INTO archive VALUES (1, 1)',
    'UPDATE archive SET n = 2',
    'DELETE FROM archive',
    'INSERT INTO archive VALUES (1, 3)',
  );
  await scene.records(reader, 'archive', 3);
  expect(await reader.stop()).toBe(0);
  const opsOf = async (table: string, id: number): Promise<string> =>
    (await topics.read(scene.topic(table)))
      .filter(({ key }) => key?.['id'] === id)
      .map(({ op }) => op)
      .join('');
  expect(await opsOf('moves', 1)).toBe('cdt');
  expect(await opsOf('moves', 2)).toBe('cudt');
  expect(await opsOf('archive', 1)).toBe('cuc');
});

test.each([
  ['a column that the table lacks', { exclude: ['emial'] }, 'emial'],
  ['a key column that is masked', { mask: { id: '0' } }, 'message key'],
  ['a condition on a column that the table lacks', { where: 'lvie = 1' }, 'character 1'],
])('refused at the start: %s', async (_, rule, message) => {
  await using scene = await open('mysql');
  await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY, email varchar(10))');
  const reader = await scene.reader({ shape: { rules: [{ tables: [`${scene.database}.t`], ...rule }] } });
  expect(await reader.ended()).toBe(1);
  expect((await reader.errorOf('SHAPE_MISMATCH')).message).toContain(message);
});

test('a DDL that takes a hidden column’s name away stops the reader before a row with the new name is published', async () => {
  await using scene = await open('mysql');
  const { sql } = scene;
  await sql.run('CREATE TABLE t (id int PRIMARY KEY, email varchar(40))');
  const reader = await scene.reader({ shape: { rules: [{ tables: [`${scene.database}.t`], exclude: ['email'] }] } });
  await reader.until('readiness', async () => await reader.saysReady());
  await sql.run(
    "INSERT INTO t VALUES (1, 'x')",
    'ALTER TABLE t RENAME COLUMN email TO mail',
    `INSERT INTO t VALUES (2, '${SECRET}')`,
  );
  expect(await reader.ended()).toBe(1);
  expect((await reader.errorOf('SHAPE_MISMATCH')).message).toContain('email');
  const raw = await scene.topics.raw(scene.topic('t'));
  expect(raw.map(({ message }) => String(message.value)).join()).not.toContain(SECRET);
  expect(await reader.output()).not.toContain(SECRET);
});

/** Waits for so many records in the topic of `t`: its offsets count the markers of the readers' lives too. */
async function changes(scene: Scene, reader: Service, count: number): Promise<void> {
  await reader.until(`${count} changes`, async () => (await scene.topics.read(scene.topic('t'))).length >= count);
}

/** No progress record is written after the first one, also not by a load, so that a kill leaves everything beyond it. */
const NEVER = { progress: { intervalMs: 3_600_000 }, snapshot: { mode: 'never' } };

test('a configuration changed after a kill counts from the end of what was published under the old one, and nothing is lost or doubled', async () => {
  await using scene = await open('mysql');
  const { sql, topics } = scene;
  await sql.run('CREATE TABLE t (id int PRIMARY KEY, live int, note varchar(20))');
  const rules = [{ tables: [`${scene.database}.t`], where: 'live', exclude: ['note'] }];
  const first = await scene.reader({ ...NEVER, shape: { rules } });
  await first.until('readiness', async () => await first.saysReady());
  await sql.run(
    "INSERT INTO t VALUES (1, 1, 'a'), (2, 0, 'a')",
    'BEGIN',
    'DELETE FROM t WHERE id = 1',
    "INSERT INTO t VALUES (3, 1, 'b'), (4, 0, 'b')",
    'COMMIT',
  );
  await scene.records(first, 't', 4);
  await first.kill();
  // Both before and after the next start: rows that the old rule would drop, with the column that it would hide.
  await sql.run("INSERT INTO t VALUES (5, 0, 'c')");
  const second = await scene.reader({ shape: { rules: [] }, topics: { tombstones: false } });
  await changes(scene, second, 5);
  await sql.run("INSERT INTO t VALUES (6, 0, 'd')", 'DELETE FROM t WHERE id = 2');
  await changes(scene, second, 7);
  expect(await second.stop()).toBe(0);
  const seen = (await topics.read(scene.topic('t'))).map(({ key, op, after }) => [
    Number(key?.['id']),
    op,
    after?.['note'],
  ]);
  const of = (id: number): unknown => seen.filter(([key]) => key === id).map(([, ...rest]) => rest);
  expect([1, 2, 3, 4, 5, 6].map(of)).toEqual([
    [
      ['c', undefined],
      ['d', undefined],
      ['t', undefined],
    ],
    [['d', undefined]],
    [['c', undefined]],
    [],
    [['c', 'c']],
    [['c', 'd']],
  ]);
});

test('a rule that a DDL has made unfit is corrected and the reader goes on, although what it had published last is to be met again', async () => {
  await using scene = await open('mysql');
  const { sql } = scene;
  await sql.run('CREATE TABLE t (id int PRIMARY KEY, email varchar(40))');
  const hide = (column: string): Record<string, unknown> => ({
    shape: { rules: [{ tables: [`${scene.database}.t`], exclude: [column] }] },
  });
  const first = await scene.reader({ ...NEVER, ...hide('email') });
  await first.until('readiness', async () => await first.saysReady());
  await sql.run("INSERT INTO t VALUES (1, 'x')");
  await scene.records(first, 't', 1);
  await sql.run('ALTER TABLE t RENAME COLUMN email TO mail', `INSERT INTO t VALUES (2, '${SECRET}')`);
  expect(await first.ended()).toBe(1);
  const second = await scene.reader(hide('mail'));
  await changes(scene, second, 2);
  expect((await scene.topics.read(scene.topic('t'))).map(({ op }) => op)).toEqual(['c', 'c']);
  expect(await second.stop()).toBe(0);
});

test('another salt is refused while records made with the old one are to be met again, and taken after a SIGTERM, when the table is loaded again', async () => {
  await using scene = await open('mysql');
  const { sql } = scene;
  await sql.run('CREATE TABLE t (id int PRIMARY KEY)');
  const salted = (salt: string): Record<string, unknown> => ({
    shape: { salt, rules: [{ tables: [`${scene.database}.t`], hash: ['id'] }] },
  });
  const first = await scene.reader({ ...NEVER, ...salted(SALT) });
  await first.until('readiness', async () => await first.saysReady());
  await sql.run('INSERT INTO t VALUES (1)');
  await scene.records(first, 't', 1);
  await first.kill();
  const refused = await scene.reader(salted(`another ${SALT}`));
  expect(await refused.ended()).toBe(1);
  expect((await refused.errorOf('SHAPE_SALT_CHANGED')).message).not.toContain(SALT);
  const back = await scene.reader(salted(SALT));
  await back.until('readiness', async () => await back.saysReady());
  expect(await back.stop()).toBe(0);
  const taken = await scene.reader(salted(`another ${SALT}`));
  await taken.until('readiness', async () => await taken.saysReady());
  await sql.run('INSERT INTO t VALUES (2)');
  const wanted = [1, 2]
    .map((id) => createHmac('sha256', `another ${SALT}`).update(String(id)).digest('hex'))
    .toSorted();
  await taken.until('the rows under their new keys only', async () => {
    const newest = new Map<string, string>();
    for (const { key, op } of await scene.topics.read(scene.topic('t'))) newest.set(String(key?.['id']), op);
    const kept = [...newest].flatMap(([id, op]) => (op === 'd' || op === 't' ? [] : [id]));
    return kept.toSorted().join() === wanted.join();
  });
  expect(await taken.stop()).toBe(0);
});
