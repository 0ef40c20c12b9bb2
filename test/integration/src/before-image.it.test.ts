import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';

let scene: Scene;

beforeAll(async () => {
  const servers = await testServers('mysql', 'kafka');
  scene = await Scene.open({ mysql: servers.mysql, brokers: servers.kafka.brokers });
});
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
});

test.each([
  { beforeImage: 'full', ofUpdate: { id: 1, note: 'first' } },
  { beforeImage: 'none', ofUpdate: undefined },
])('beforeImage: $beforeImage', async ({ beforeImage, ofUpdate }) => {
  const { sql, topics } = scene;
  const table = `before_${beforeImage}`;
  const source = `${scene.source}.${beforeImage}`;
  await sql.run(
    `CREATE TABLE ${table} (id int PRIMARY KEY, note varchar(100))`,
    `INSERT INTO ${table} VALUES (1, 'first')`,
  );
  const included = [`${scene.database}.${table}`];
  const reader = await scene.reader({ name: source, source: { include: included }, beforeImage });
  await scene.records(reader, table, 1, source);
  await sql.run(`UPDATE ${table} SET note = 'second'`, `UPDATE ${table} SET id = 2`, `DELETE FROM ${table}`);
  await scene.records(reader, table, 7, source);
  const records = await topics.read(scene.topic(table, source));
  const seen = records.map(({ key, op, before, after }) => ({ id: key?.['id'], op, before, after }));
  const of = (id: number): unknown[] => seen.filter((record) => record.id === id);
  const second = { id: 1, note: 'second' };
  const moved = { id: 2, note: 'second' };
  expect(of(1)).toEqual([
    { id: 1, op: 'r', before: undefined, after: { id: 1, note: 'first' } },
    { id: 1, op: 'u', before: ofUpdate, after: second },
    { id: 1, op: 'd', before: second, after: undefined },
    { id: 1, op: 't', before: undefined, after: undefined },
  ]);
  expect(of(2)).toEqual([
    { id: 2, op: 'c', before: undefined, after: moved },
    { id: 2, op: 'd', before: moved, after: undefined },
    { id: 2, op: 't', before: undefined, after: undefined },
  ]);
});
