import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readBinlogEnd } from '@tapline/mysql';
import { openBinlogStream } from './stream.ts';
import { type Change, type Collected, emptyCollection, keepEvent } from './testing/collect.ts';
import { TestSource } from './testing/source.ts';
import type { BinlogPosition, BinlogStream } from './types.ts';

const ids = (changes: readonly Change[]): (string | null | undefined)[] => changes.map(({ after }) => after[0]);

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('on %s', (name) => {
  let source: TestSource;
  const isMysql = name !== 'mariadb';

  beforeAll(async () => {
    source = await TestSource.open(name);
    await source.root.execute('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), j TEXT)');
    await source.root.execute('CREATE TABLE u (id INT PRIMARY KEY)');
  });

  afterAll(async () => {
    await source[Symbol.asyncDispose]();
  });

  const ours = (events: Collected['statements']): Collected['statements'] =>
    events.filter(({ database }) => database === source.database);

  test('transactions come whole and in order, with GTID, commit time and positions', async () => {
    const before = BigInt(Date.now() - 60_000) * 1000n;
    const end = await readBinlogEnd(source.root);
    const { changes, begins, withRows, commits } = await source.changesOf([
      'BEGIN',
      "INSERT INTO t VALUES (1, 'a', NULL), (2, 'b', NULL)",
      'INSERT INTO u VALUES (1)',
      "UPDATE t SET v = 'c' WHERE id = 1",
      'COMMIT',
      'DELETE FROM t',
    ]);
    expect(changes.map(({ op, table, before: old, after }) => [op, table.table, old[0], after[0], after[1]])).toEqual([
      ['insert', 't', undefined, '1', '61'],
      ['insert', 't', undefined, '2', '62'],
      ['insert', 'u', undefined, '1', undefined],
      ['update', 't', '1', '1', '63'],
      ['delete', 't', '1', undefined, undefined],
      ['delete', 't', '2', undefined, undefined],
    ]);
    expect(withRows.length).toBe(2);
    expect(commits.length).toBe(begins.length);
    // The server has passed over what stands in front, and does not say so everywhere.
    const first = withRows[0]!.position;
    expect(first.file === end.file ? first.position : Infinity).toBeGreaterThanOrEqual(end.position);
    const gtid = isMysql ? /^[0-9a-f-]{36}:[0-9]+$/ : /^[0-9]+-[0-9]+-[0-9]+$/;
    for (const begin of withRows) {
      expect(begin.gtid).toMatch(gtid);
      expect(begin.commitMicros > before).toBe(true);
      const commit = commits[begins.indexOf(begin)]!;
      expect(commit.position.file).toMatch(/binlog|mysql-bin|bin/);
      if (begin.position.file === commit.position.file) {
        expect(commit.position.position).toBeGreaterThan(begin.position.position);
        // The GTID event itself stands in front of `begin`.
        const behindGtid = commit.position.position - begin.position.position;
        expect(begin.bytes).toEqual(isMysql ? expect.closeTo(behindGtid + 80, -2) : undefined);
      }
    }
  });

  test('a table map gives the same object while the layout is the same, and a new one after DDL', async () => {
    const { changes, statements } = await source.changesOf([
      'INSERT INTO u VALUES (10)',
      'INSERT INTO u VALUES (11)',
      'FLUSH TABLES u',
      'INSERT INTO u VALUES (12)',
      'ALTER TABLE u ADD COLUMN x INT',
      'INSERT INTO u VALUES (13, 1)',
      'ALTER TABLE u DROP COLUMN x',
      'INSERT INTO u VALUES (14)',
    ]);
    const tables = changes.map(({ table }) => table);
    expect(tables.map((table) => tables.indexOf(table))).toEqual([0, 0, 0, 3, 0]);
    const altering = ours(statements).flatMap(({ sql }) => (sql.startsWith('ALTER') ? [sql] : []));
    expect(altering).toEqual(['ALTER TABLE u ADD COLUMN x INT', 'ALTER TABLE u DROP COLUMN x']);
    expect(ours(statements).every(({ inTransaction, gtid }) => !inTransaction && gtid !== '')).toBe(true);
  });

  test('rows nobody wants are skipped, their transactions are not', async () => {
    const asked: string[] = [];
    const statements = [
      "INSERT INTO t VALUES (20, 'x', NULL)",
      'INSERT INTO u VALUES (20)',
      'INSERT INTO u VALUES (21)',
    ];
    const { changes, begins } = await source.changesOf(statements, {
      wants: (database, table) => {
        if (database === source.database) asked.push(table);
        return database === source.database && table === 't';
      },
    });
    expect(ids(changes)).toEqual(['20']);
    expect(begins.length).toBeGreaterThanOrEqual(3);
    expect(asked).toEqual(['t', 'u']);
  });

  test('MINIMAL row images: what is not there is absent, not NULL', async () => {
    const { changes } = await source.changesOf([
      "INSERT INTO t VALUES (30, 'a', 'text')",
      "SET SESSION binlog_row_image = 'MINIMAL'",
      'UPDATE t SET v = NULL WHERE id = 30',
      'DELETE FROM t WHERE id = 30',
      "SET SESSION binlog_row_image = 'FULL'",
    ]);
    expect(changes.map(({ before, after }) => [before, after])).toEqual([
      [
        [undefined, undefined, undefined],
        ['30', '61', '74657874'],
      ],
      [
        ['30', undefined, undefined],
        [undefined, null, undefined],
      ],
      [
        ['30', undefined, undefined],
        [undefined, undefined, undefined],
      ],
    ]);
  });

  test('statement-format DML arrives as a statement inside its transaction', async () => {
    const { statements, changes } = await source.changesOf([
      "SET SESSION binlog_format = 'STATEMENT'",
      "INSERT INTO t VALUES (40, 'ä😀', NULL)",
      "SET SESSION binlog_format = 'ROW'",
      'DELETE FROM t WHERE id = 40',
    ]);
    const dml = ours(statements).map(({ sql, inTransaction }) => [sql, inTransaction]);
    expect(dml).toEqual([["INSERT INTO t VALUES (40, 'ä😀', NULL)", true]]);
    expect(changes.map(({ op }) => op)).toEqual(['delete']);
  });

  test('a stream that starts at a commit’s file and position goes on exactly there', async () => {
    const start = await source.committed();
    for (let id = 50; id < 55; id++) await source.root.execute(`INSERT INTO u VALUES (${id})`);
    const commitOf = async (id: string): Promise<BinlogPosition> => {
      await using stream = await source.stream(start);
      const collected = emptyCollection();
      for (;;) {
        for (const event of await stream.pull()) {
          keepEvent(event, collected);
          if (event.kind === 'commit' && ids(collected.changes).at(-1) === id) return event.position;
        }
      }
    };
    const position = await commitOf('51');
    await using stream = await openBinlogStream(source.options(position), AbortSignal.timeout(300_000));
    expect(await untilRow(stream, '54')).toEqual(['52', '53', '54']);
  });

  test('nobody pulls: the socket is paused, memory stays small, and nothing is lost', async () => {
    await source.root.execute('CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, pad VARCHAR(1000))');
    const start = await source.committed();
    await source.root.execute("INSERT INTO big (pad) VALUES (REPEAT('x', 1000)), (REPEAT('y', 1000))");
    for (let i = 0; i < 13; i++) await source.root.execute('INSERT INTO big (pad) SELECT pad FROM big');
    await using stream = await source.stream(start, { bufferBytes: 256 * 1024 });
    await untilTrue(() => stream.stats.pauses > 0);
    const held = stream.stats.heldBytes;
    expect(held).toBeLessThan((256 + 128) * 1024);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(stream.stats.heldBytes).toBe(held);
    const rows = await untilCount(stream, 2 ** 14);
    expect(new Set(rows).size).toBe(2 ** 14);
    expect(stream.stats.bytes).toBeGreaterThan(16_000_000);
  });

  test('one event far larger than the buffer and than a 16 MB packet comes whole', async () => {
    await source.root.execute('CREATE TABLE huge (id INT PRIMARY KEY, b LONGBLOB)');
    const { changes } = await source.changesOf(
      ["INSERT INTO huge VALUES (1, REPEAT('z', 40000000))", 'INSERT INTO huge VALUES (2, NULL)'],
      { bufferBytes: 64 * 1024 },
    );
    expect(changes.length).toBe(2);
    const blob = changes[0]!.after[1]!;
    expect([blob.length, blob.slice(0, 4), blob.slice(-4)]).toEqual([80_000_000, '7A7A', '7A7A']);
  });

  test('an idle stream gives heartbeats', async () => {
    await using stream = await source.stream(await source.committed(), { heartbeatMs: 20 });
    const collected = emptyCollection();
    while (collected.heartbeats < 2) for (const event of await stream.pull()) keepEvent(event, collected);
    expect(collected.heartbeats).toBeGreaterThanOrEqual(2);
  });

  test('the signal ends a waiting pull with its reason', async () => {
    const stop = new AbortController();
    const options = source.options({ gtidSet: await source.committed() }, { heartbeatMs: 60_000 });
    await using stream = await openBinlogStream(options, stop.signal);
    const reason = new Error('stop');
    const pulling = drain(stream);
    setTimeout(() => stop.abort(reason), 100);
    await expect(pulling).rejects.toBe(reason);
  });
});

describe.each(['mysql', 'mysql80'] as const)('what only MySQL has, on %s', (name) => {
  let source: TestSource;

  beforeAll(async () => {
    source = await TestSource.open(name);
    await source.root.execute('CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, v VARCHAR(200), j JSON)');
  });

  afterAll(async () => {
    await source[Symbol.asyncDispose]();
  });

  test('compressed transactions, small and of 40 MB, give the same rows', async () => {
    const { changes, begins, commits } = await source.changesOf(
      [
        'SET SESSION binlog_transaction_compression = ON',
        "INSERT INTO t (v) VALUES ('one')",
        "UPDATE t SET v = 'two'",
        "INSERT INTO t (v) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT CONCAT(a.i, REPEAT('x', 190)) FROM n a JOIN (SELECT 1 FROM n LIMIT 200) b",
        'SET SESSION binlog_transaction_compression = OFF',
        'DELETE FROM t WHERE id = 1',
      ],
      { bufferBytes: 64 * 1024 },
    );
    const [inserted, updated] = changes;
    expect([inserted!.after[1], updated!.before[1], updated!.after[1]]).toEqual(['6F6E65', '6F6E65', '74776F']);
    expect(changes.length).toBe(200_003);
    expect(changes.at(-1)!.op).toBe('delete');
    expect(begins.length).toBe(commits.length);
    expect(
      commits.every(
        ({ position }, i) =>
          position.position > begins[i]!.position.position || position.file !== begins[i]!.position.file,
      ),
    ).toBe(true);
  });

  test('JSON updates as differences of a document that the event does not have are refused with the remedy', async () => {
    await source.root.execute("SET SESSION binlog_row_value_options = 'PARTIAL_JSON', binlog_row_image = 'MINIMAL'");
    const [inserted] = (
      await source.changesOf([`INSERT INTO t (id, v, j) VALUES (-1, 'a', '{"a": "${'x'.repeat(500)}", "b": 1}')`])
    ).changes;
    expect(inserted!.after[1]).toBe('61');
    // No difference at all: the document is as before, and before it is absent.
    const same = await source.changesOf(["UPDATE t SET v = 'b', j = JSON_REPLACE(j, '$.c', 1) WHERE id = -1"]);
    expect(same.changes.map(({ after }) => after.slice(1))).toEqual([['62', undefined]]);
    const diff = source.changesOf(["UPDATE t SET j = JSON_SET(j, '$.b', 2) WHERE id = -1"]);
    await expect(diff).rejects.toMatchObject({
      code: 'SOURCE_ROW_IMAGE',
      message: expect.stringContaining('PARTIAL_UPDATE_ROWS: the update carries j as differences'),
      place: { table: `${source.database}.t`, position: expect.stringContaining(':') },
      remedy: expect.stringContaining('binlog_row_value_options'),
    });
    await source.root.execute("SET SESSION binlog_row_value_options = '', binlog_row_image = 'FULL'");
  });

  test('a compressed transaction that is large even so waits in a file', async () => {
    await source.root.execute('CREATE TABLE noise (id INT PRIMARY KEY, v VARBINARY(1024))');
    const numbers = Array.from({ length: 10 }, (_, i) => `SELECT ${i} AS d`).join(' UNION ALL ');
    const from = ['a', 'b', 'c', 'e'].map((name) => `(${numbers}) ${name}`).join(', ');
    const { changes } = await source.changesOf([
      'SET SESSION binlog_transaction_compression = ON',
      `INSERT INTO noise SELECT a.d * 1000 + b.d * 100 + c.d * 10 + e.d, RANDOM_BYTES(1000) FROM ${from}`,
      'SET SESSION binlog_transaction_compression = OFF',
      "INSERT INTO noise VALUES (10000, 'behind')",
    ]);
    const rows = await source.root.query('SELECT id, HEX(v) FROM noise');
    expect(new Map(changes.map(({ after }) => [after[0], after[1]]))).toEqual(new Map(rows.map(([id, v]) => [id, v])));
    expect(changes.length).toBe(10_001);
  });

  test('CREATE TABLE … SELECT is one transaction: the statement, then its rows', async () => {
    const { statements, changes } = await source.changesOf(['CREATE TABLE copied AS SELECT 7 AS seven']);
    const ours = statements.filter(({ database }) => database === source.database);
    expect(ours.map(({ inTransaction }) => inTransaction)).toEqual([true]);
    expect(ids(changes)).toEqual(['7']);
  });

  test('over TLS', async () => {
    const { changes } = await source.changesOf(["INSERT INTO t (id, v) VALUES (-20, 'secret')"], {
      address: { ...source.address, tls: { mode: 'required' } },
    });
    expect(ids(changes)).toEqual(['-20']);
  });

  test('savepoints and tables of other engines', async () => {
    await source.root.execute('CREATE TABLE isam (id INT) ENGINE = MyISAM');
    const { changes, begins, commits } = await source.changesOf([
      'BEGIN',
      "INSERT INTO t (id, v) VALUES (-10, 'kept')",
      'SAVEPOINT s',
      "INSERT INTO t (id, v) VALUES (-11, 'undone')",
      'ROLLBACK TO s',
      'COMMIT',
      'INSERT INTO isam VALUES (1)',
    ]);
    expect(ids(changes)).toEqual(['-10', '1']);
    expect(begins.length).toBe(commits.length);
  });
});

test('tagged GTIDs of MySQL 9.7', async () => {
  await using source = await TestSource.open('mysql');
  await source.root.execute('CREATE TABLE t (id INT PRIMARY KEY)');
  const { withRows, changes } = await source.changesOf([
    "SET SESSION gtid_next = 'AUTOMATIC:tapline_test'",
    'INSERT INTO t VALUES (1)',
    "SET SESSION gtid_next = 'AUTOMATIC'",
    'INSERT INTO t VALUES (2)',
  ]);
  expect(ids(changes)).toEqual(['1', '2']);
  const [tagged, plain] = withRows;
  expect(tagged!.gtid).toMatch(/^[0-9a-f-]{36}:tapline_test:[0-9]+$/);
  expect(plain!.gtid).toMatch(/^[0-9a-f-]{36}:[0-9]+$/);
  // The same transaction but for the GTID event, which is the larger one with a tag.
  expect(tagged!.bytes).toEqual(expect.closeTo(plain!.bytes as number, -2));
  expect(Math.abs(Number(tagged!.commitMicros / 1000n) - Date.now())).toBeLessThan(600_000);
});

test('compressed rows and statements of MariaDB', async () => {
  await using source = await TestSource.open('mariadb');
  await source.root.execute('CREATE TABLE t (id INT PRIMARY KEY, v TEXT)');
  // Global only; what other tests write meanwhile reads the same.
  await source.root.execute('SET GLOBAL log_bin_compress = ON');
  try {
    const { changes, statements } = await source.changesOf([
      "INSERT INTO t VALUES (1, REPEAT('abc', 1000)), (2, REPEAT('ä', 30000))",
      "UPDATE t SET v = REPEAT('def', 1000) WHERE id = 1",
      'DELETE FROM t WHERE id = 1',
      `ALTER TABLE t COMMENT = '${'x'.repeat(900)}'`,
    ]);
    const lengths = changes.map(({ op, before, after }) => [op, before[1]?.length, after[1]?.length]);
    expect(lengths).toEqual([
      ['insert', undefined, 6000],
      ['insert', undefined, 120_000],
      ['update', 6000, 6000],
      ['delete', 6000, undefined],
    ]);
    expect(statements.some(({ sql }) => sql.startsWith('ALTER TABLE t COMMENT') && sql.endsWith("x'"))).toBe(true);
  } finally {
    await source.root.execute('SET GLOBAL log_bin_compress = OFF');
  }
});

async function drain(stream: BinlogStream): Promise<never> {
  for (;;) await stream.pull();
}

/** Pulls until the row whose first column is `last` and gives the first columns of all rows up to there. */
function untilRow(stream: BinlogStream, last: string): Promise<string[]> {
  return firstColumns(stream, (seen) => seen.at(-1) === last);
}

function untilCount(stream: BinlogStream, count: number): Promise<string[]> {
  return firstColumns(stream, (seen) => seen.length >= count);
}

async function firstColumns(stream: BinlogStream, enough: (seen: readonly string[]) => boolean): Promise<string[]> {
  const seen: string[] = [];
  while (!enough(seen)) {
    const collected = emptyCollection();
    for (const event of await stream.pull()) keepEvent(event, collected);
    for (const { after } of collected.changes) seen.push(after[0]!);
  }
  return seen;
}

async function untilTrue(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
