import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openStack, type Stack, testServers } from '@tapline/test-stack';
import { Scene } from './scene.ts';
import type { TopicRecord } from './topic.ts';

jest.setTimeout(240_000);

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
    await scene.records(first, 't', 1);
    expect(await first.stop()).toBe(0);
    for (const [statement] of PAST) await sql.run(statement);
    const expected = PAST.map(([, row]) => row).filter((row) => 'id' in row);

    const second = await scene.reader();
    await scene.records(second, 't', 1 + expected.length);
    expect(await created()).toMatchObject(expected.map((row) => [row['id'], row]));
    expect(await scene.topics.exists(scene.topic('_t_gho'))).toBe(false);
    expect(await second.stop()).toBe(0);
  });
});
