import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect } from '@tapline/mysql';
import { openStack, type Stack } from '@tapline/test-stack';
import type { Change, Collected } from './testing/collect.ts';
import { type SourceName, TestSource } from './testing/source.ts';

/** `op first second` of each change, and where the transactions began, were prepared and ended. */
const told = ({ changes }: Collected): string[] =>
  changes.map(({ op, before, after }: Change) => [op, ...(after[0] === undefined ? before : after)].join(' '));

const hex = (text: string): string => Buffer.from(text).toString('hex').toUpperCase();

// Servers of their own: what is prepared on one concerns every reader of it.
describe.each<SourceName>(['mysql', 'mysql80', 'mariadb'])('XA transactions of %s', (name) => {
  let stack: Stack;
  let source: TestSource;
  const isMysql = name !== 'mariadb';

  beforeAll(async () => {
    stack = await openStack({});
    source = await TestSource.open(name, (await stack.add(name)).address);
    await source.root.execute('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(2000))');
    await source.root.execute('CREATE TABLE other (id INT PRIMARY KEY)');
  });

  afterAll(async () => {
    await source[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  const xid = (id: string): string => `'${id}'`;
  const prepare = (id: string, ...statements: string[]): string[] => [
    `XA START ${id}`,
    ...statements,
    `XA END ${id}`,
    `XA PREPARE ${id}`,
  ];

  test('rows come with the commit, in its place, under its GTID; what is rolled back never comes', async () => {
    const [a, b, c] = [xid('a'), xid('b'), xid('c')];
    const collected = await source.changesOf([
      ...prepare(
        a,
        "INSERT INTO t VALUES (1, 'one')",
        "INSERT INTO t VALUES (2, 'two')",
        "UPDATE t SET v = 'zwei' WHERE id = 2",
      ),
      `XA COMMIT ${a}`,
      ...prepare(b, "INSERT INTO t VALUES (3, 'rolled back')"),
      `XA ROLLBACK ${b}`,
      `XA START ${c}`,
      "INSERT INTO t VALUES (4, 'one phase')",
      `XA END ${c}`,
      `XA COMMIT ${c} ONE PHASE`,
      "INSERT INTO t VALUES (5, 'plain')",
    ]);
    expect(told(collected)).toEqual([
      `insert 1 ${hex('one')}`,
      `insert 2 ${hex('two')}`,
      `update 2 ${hex('zwei')}`,
      `insert 4 ${hex('one phase')}`,
      `insert 5 ${hex('plain')}`,
    ]);
    // Held and decoded later, the table's description is whole: the same layout as that of a plain transaction.
    expect(new Set(collected.changes.map(({ table }) => table)).size).toBe(1);
    expect(collected.changes[0]!.table.columns.map((column) => column.name)).toEqual(['id', 'v']);
    const { prepared, begins, commits } = collected;
    expect(prepared.map(({ holdsRows }) => holdsRows)).toEqual([true, true]);
    const decided = begins.flatMap(({ decides, gtid }) => (decides === undefined ? [] : [{ ...decides, gtid }]));
    expect(decided).toMatchObject([
      { xid: prepared[0]!.xid, outcome: 'commit', preparedGtid: prepared[0]!.gtid },
      { xid: prepared[1]!.xid, outcome: 'rollback', preparedGtid: prepared[1]!.gtid },
    ]);
    expect(decided[0]!.gtid).not.toBe(prepared[0]!.gtid);
    expect(begins.length).toBe(commits.length);
  });

  test('several at once, decided in another order, others between, binary XIDs, a new binlog file meanwhile', async () => {
    const first = "X'00ff27', 'b''q', 7";
    const second = xid('second');
    const start = await source.committed();
    await using one = await connect(source.address);
    await using two = await connect(source.address);
    for (const connection of [one, two]) await connection.execute(`USE ${source.database}`);
    for (const sql of prepare(first, "INSERT INTO t VALUES (10, 'first')")) await one.execute(sql);
    for (const sql of prepare(second, "INSERT INTO t VALUES (11, 'second')")) await two.execute(sql);
    await source.root.execute("INSERT INTO t VALUES (12, 'between')");
    await source.root.execute('FLUSH BINARY LOGS');
    await two.execute(`XA COMMIT ${second}`);
    await source.root.execute("INSERT INTO t VALUES (13, 'between')");
    await one.execute(`XA COMMIT ${first}`);
    const collected = await source.changesSince(start);
    expect(told(collected).map((line) => line.split(' ')[1])).toEqual(['12', '11', '13', '10']);
    expect(collected.prepared[0]!.xid).toBe("X'00ff27',X'622771',7");
  });

  test('over tables that nobody wants: nothing is held, and nothing comes', async () => {
    const wants = (database: string, table: string): boolean => database === source.database && table === 't';
    const collected = await source.changesOf(
      [
        ...prepare(xid('other'), 'INSERT INTO other VALUES (1)', 'INSERT INTO other VALUES (2)'),
        `XA COMMIT ${xid('other')}`,
        ...prepare(xid('both'), 'INSERT INTO other VALUES (3)', "INSERT INTO t VALUES (20, 'both')"),
        `XA COMMIT ${xid('both')}`,
      ],
      { wants },
    );
    expect(told(collected)).toEqual([`insert 20 ${hex('both')}`]);
    expect(collected.prepared.map(({ holdsRows }) => holdsRows)).toEqual([false, true]);
  });

  test('a stream that begins behind the PREPARE says that it does not know the XID', async () => {
    const id = xid('unknown');
    for (const sql of prepare(id, "INSERT INTO t VALUES (30, 'unseen')")) await source.root.execute(sql);
    const { changes, begins } = await source.changesOf([`XA COMMIT ${id}`]);
    expect(changes).toEqual([]);
    expect(begins.map(({ decides }) => decides).filter((decides) => decides !== undefined)).toMatchObject([
      { outcome: 'commit', preparedGtid: undefined },
    ]);
  });

  test('savepoints, and statements logged as such, inside', async () => {
    const collected = await source.changesOf([
      ...prepare(
        xid('savepoint'),
        "INSERT INTO t VALUES (40, 'kept')",
        'SAVEPOINT s',
        "INSERT INTO t VALUES (41, 'undone')",
        'ROLLBACK TO SAVEPOINT s',
      ),
      `XA COMMIT ${xid('savepoint')}`,
      "SET SESSION binlog_format = 'STATEMENT'",
      ...prepare(xid('statement'), "INSERT INTO t VALUES (42, 'as text')"),
      `XA COMMIT ${xid('statement')}`,
      "SET SESSION binlog_format = 'ROW'",
    ]);
    expect(told(collected)).toEqual([`insert 40 ${hex('kept')}`]);
    const statements = collected.statements.filter(({ database }) => database === source.database);
    expect(statements.map(({ sql, inTransaction }) => [sql, inTransaction])).toEqual([
      ["INSERT INTO t VALUES (42, 'as text')", true],
    ]);
  });

  test('of many rows: held in a file beyond the memory budget', async () => {
    const id = xid('large');
    const digits = `(${Array.from({ length: 10 }, (_, i) => `SELECT ${i} AS d`).join(' UNION ALL ')})`;
    const select = `SELECT 10000 + a.d * 1000 + b.d * 100 + c.d * 10 + e.d, REPEAT('x', 1200) FROM ${digits} a, ${digits} b, ${digits} c, ${digits} e`;
    const collected = await source.changesOf([...prepare(id, `INSERT INTO t ${select}`), `XA COMMIT ${id}`]);
    expect(new Set(collected.changes.map(({ after }) => after[0])).size).toBe(10_000);
    expect(collected.changes.every(({ after }) => after[1] === '78'.repeat(1200))).toBe(true);
  });

  if (isMysql) {
    test('inside compressed transactions', async () => {
      const [a, b] = [xid('compressed'), xid('onephase')];
      const collected = await source.changesOf([
        'SET SESSION binlog_transaction_compression = ON',
        ...prepare(a, "INSERT INTO t VALUES (50, REPEAT('c', 200))"),
        `XA COMMIT ${a}`,
        `XA START ${b}`,
        "INSERT INTO t VALUES (51, REPEAT('d', 200))",
        `XA END ${b}`,
        `XA COMMIT ${b} ONE PHASE`,
        'SET SESSION binlog_transaction_compression = OFF',
        "INSERT INTO t VALUES (52, 'plain')",
      ]);
      expect(collected.changes.map(({ after }) => after[0])).toEqual(['50', '51', '52']);
      expect(collected.begins.length).toBe(collected.commits.length);
    });
  }
});
