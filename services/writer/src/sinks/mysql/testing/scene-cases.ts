import { beforeAll, describe, expect, test } from '@jest/globals';
import { type Change, change, neverAborted, type Row, suiteTable, tombstone } from '@tapline/sink';
import type { SqlAddress } from '@tapline/test-stack';
import { Scene, type TargetHas } from './scene.ts';

const signal = neverAborted();
/** Changes of rows `{id, u}` with the image before, as a reader gives them. */
function row(version: number, id: number, u: string | null, before?: string | null): Change {
  const made = change(version, { id }, { id, u }, before === undefined ? 'c' : 'u');
  return before === undefined ? made : { ...made, before: { id, u: before } };
}

const appended = (version: number, op: Change['op'], before: Row | null, after: Row | null): Change => ({
  ...change(version, {}, after ?? undefined, op),
  key: null,
  before,
  after,
});

const UNIQUE = suiteTable({ id: 'int', u: 'varchar(20)' });
const UNIQUE_DDL =
  'CREATE TABLE item (id INT PRIMARY KEY, u VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, UNIQUE KEY by_u (u))';

/** What rows, tables and their trouble become, on the server that `open` gives. */
export function sceneCases(open: () => Promise<SqlAddress>, has: TargetHas = { triggers: true, rowLimit: true }): void {
  let address: SqlAddress;

  beforeAll(async () => {
    address = await open();
  });

  describe('unique keys', () => {
    test('values that rows swap arrive swapped, in one call, also when compaction has left only the ends', async () => {
      await using scene = await Scene.open(address, UNIQUE, UNIQUE_DDL);
      expect(await scene.applied([row(1, 1, 'a'), row(2, 2, 'b')])).toEqual(['applied', 'applied']);
      const throughAThird = [row(3, 1, 'tmp', 'a'), row(4, 2, 'a', 'b'), row(5, 1, 'b', 'tmp')];
      expect(await scene.applied(throughAThird)).toEqual(['applied', 'applied', 'applied']);
      expect(await scene.rows()).toEqual([
        ['1', 'b'],
        ['2', 'a'],
      ]);
      expect(await scene.applied([row(7, 2, 'b', 'a'), row(8, 1, 'a', 'tmp')])).toEqual(['applied', 'applied']);
      expect(await scene.rows()).toEqual([
        ['1', 'a'],
        ['2', 'b'],
      ]);
    });

    test('a row that comes before the one that gives its value up evicts it, and that one comes back with its own change', async () => {
      await using scene = await Scene.open(address, UNIQUE, UNIQUE_DDL);
      await scene.applied([row(1, 1, 'a'), row(2, 2, 'b')]);
      // Of another partition, and ahead of it: 1 has given up 'a' with version 3.
      expect(await scene.applied([row(4, 2, 'A', 'b')])).toEqual(['applied']);
      expect(await scene.rows()).toEqual([['2', 'A']]);
      expect(await scene.applied([row(3, 1, 'c', 'a')])).toEqual(['applied']);
      expect(await scene.rows()).toEqual([
        ['1', 'c'],
        ['2', 'A'],
      ]);
    });

    test('a row that comes long after another one has taken its value gives way to it, until its next change', async () => {
      await using scene = await Scene.open(address, UNIQUE, UNIQUE_DDL);
      await scene.applied([row(9, 1, 'x')]);
      expect(await scene.applied([row(5, 2, 'x')])).toEqual(['stale']);
      expect(await scene.rows()).toEqual([['1', 'x']]);
      expect(await scene.applied([row(7, 2, 'z', 'x')])).toEqual(['applied']);
      expect(await scene.applied([row(5, 2, 'x')])).toEqual(['stale']);
      expect(await scene.rows()).toEqual([
        ['1', 'x'],
        ['2', 'z'],
      ]);
    });

    test('a row that somebody else wrote is not overwritten, but in mode replace', async () => {
      await using scene = await Scene.open(address, UNIQUE, UNIQUE_DDL, "INSERT INTO item VALUES (100, 'mine')");
      const changes = [row(1, 1, 'mine'), row(2, 2, 'other')];
      expect(await scene.applied(changes)).toEqual(['SINK_MYSQL_DUPLICATE', 'applied']);
      expect(await scene.rows()).toEqual([
        ['2', 'other'],
        ['100', 'mine'],
      ]);
      expect(await scene.applied(changes, { mode: 'replace' })).toEqual(['applied', 'stale']);
      expect(await scene.rows()).toEqual([
        ['1', 'mine'],
        ['2', 'other'],
      ]);
    });

    test('random changes of rows that take and give up values end as in the source, whatever lanes and calls they go through', async () => {
      await using scene = await Scene.open(address, UNIQUE, UNIQUE_DDL);
      const { partitions, end } = history(5);
      await using sink = await scene.sink({ connections: 3, batchRows: 7 });
      // Three partitions, each in its order, one ahead of the other.
      for (let at = 0; partitions.some((changes) => at < changes.length * 3); at += 20) {
        const call = partitions.flatMap((changes, lag) =>
          changes.slice(Math.max(0, at - lag * 40), Math.max(0, at + 20 - lag * 40)),
        );
        const { verdicts, errors } = await sink.apply(call, signal);
        expect([...errors.values()]).toEqual([]);
        expect(verdicts).toHaveLength(call.length);
      }
      expect(await scene.rows()).toEqual(end);
      expect(new Set((await sink.apply(partitions.flat(), signal)).verdicts)).toEqual(new Set(['stale']));
      expect(await scene.rows()).toEqual(end);
    });
  });

  describe('modes', () => {
    const TWO = suiteTable({ id: 'int', name: 'varchar(20)' });
    const DDL = "CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(20) DEFAULT 'none', extra INT DEFAULT 7)";
    const named = (version: number, id: number, name: string, op: Change['op']): Change =>
      change(version, { id }, { id, name }, op);

    test('strict: inserts want no row, updates and deletes want one', async () => {
      await using scene = await Scene.open(address, TWO, DDL, "INSERT INTO item VALUES (1, 'there', 1)");
      const strict = { mode: 'strict' };
      const changes = [
        named(1, 1, 'a', 'c'),
        named(2, 2, 'b', 'u'),
        change(3, { id: 3 }),
        named(4, 4, 'd', 'c'),
        named(5, 4, 'e', 'u'),
        change(6, { id: 4 }),
        tombstone(7, { id: 4 }),
      ];
      const refused = 'SINK_MYSQL_STRICT';
      expect(await scene.applied(changes, strict)).toEqual([
        refused,
        refused,
        refused,
        'applied',
        'applied',
        'applied',
        'applied',
      ]);
      expect(await scene.rows()).toEqual([['1', 'there', '1']]);
      expect((await scene.applied(changes, strict)).slice(3)).toEqual(['stale', 'stale', 'stale', 'stale']);
    });

    test('insertIgnore: what is there stays, what is not there is not changed', async () => {
      await using scene = await Scene.open(address, TWO, DDL, "INSERT INTO item VALUES (1, 'there', 1), (3, 'x', 1)");
      const changes = [named(1, 1, 'a', 'c'), named(2, 2, 'b', 'u'), named(3, 3, 'c', 'u'), named(4, 4, 'd', 'c')];
      expect(new Set(await scene.applied(changes, { mode: 'insertIgnore' }))).toEqual(new Set(['applied']));
      expect(await scene.rows('id, name')).toEqual([
        ['1', 'there'],
        ['3', 'c'],
        ['4', 'd'],
      ]);
    });

    test('upsert leaves columns alone that a change does not carry, replace gives them their defaults', async () => {
      await using scene = await Scene.open(address, TWO, DDL, "INSERT INTO item VALUES (1, 'a', 1), (2, 'b', 2)");
      await scene.applied([named(1, 1, 'upsert', 'u')]);
      await scene.applied([named(2, 2, 'replace', 'u')], { mode: 'replace' });
      expect(await scene.rows()).toEqual([
        ['1', 'upsert', '1'],
        ['2', 'replace', '7'],
      ]);
    });
  });

  test('computed columns are computed by the target, an auto-increment of 0 is 0, and quotes and backslashes are what they are', async () => {
    await using scene = await Scene.open(
      address,
      suiteTable({ id: 'int', name: 'varchar(50)', shout: 'varchar(50)' }),
      'CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50), shout VARCHAR(60) AS (CONCAT(name, 1)) STORED)',
    );
    const odd = 'it\'s \\ "quoted" `so` -- /* % _ \\\' \\\\ \n';
    const changes = [
      change(1, { id: 0 }, { id: 0, name: 'zero', shout: 'ZERO!' }),
      change(2, { id: 5 }, { id: 5, name: odd, shout: null }),
    ];
    expect(await scene.applied(changes)).toEqual(['applied', 'applied']);
    expect(await scene.rows()).toEqual([
      ['0', 'zero', 'zero1'],
      ['5', odd, `${odd}1`],
    ]);
  });

  test('names of columns and tables with backquotes are names', async () => {
    const table = { ...suiteTable({ 'i`d': 'int', select: 'varchar(20)' }, ['i`d']), name: 'it`em' };
    await using scene = await Scene.open(address, table);
    expect(await scene.applied([change(1, { 'i`d': 1 }, { 'i`d': 1, select: 'x' })], { table: 'it`em' })).toEqual([
      'applied',
    ]);
    expect(await scene.root.query('SELECT * FROM `it``em`')).toEqual([['1', 'x']]);
  });

  describe('tables without a key', () => {
    const LOG = suiteTable({ at: 'int', line: 'varchar(100)', f: 'float', j: 'json' }, []);
    const DDL =
      'CREATE TABLE item (at INT, line VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, f FLOAT)';
    const line = (at: number, text: string): Row => ({ at, line: text, f: 0.1 });

    test('are appended to, rows found by all of their values, each change once', async () => {
      await using scene = await Scene.open(address, LOG, DDL);
      const changes = [
        appended(1, 'c', null, line(1, 'a')),
        appended(2, 'c', null, line(1, 'a')),
        appended(3, 'c', null, line(1, 'A')),
        appended(4, 'u', line(1, 'A'), line(2, 'b')),
        appended(5, 'd', line(1, 'a'), null),
      ];
      expect(new Set(await scene.applied(changes))).toEqual(new Set(['applied']));
      const end = [
        ['1', 'a', '0.1'],
        ['2', 'b', '0.1'],
      ];
      expect(await scene.rows()).toEqual(end);
      expect(new Set(await scene.applied(changes))).toEqual(new Set(['stale']));
      expect(await scene.rows()).toEqual(end);
    });

    test('are not made anew where their rows are gone but noted as applied', async () => {
      await using scene = await Scene.open(address, LOG);
      expect(await scene.applied([appended(1, 'c', null, { ...line(1, 'a'), j: '{}' })])).toEqual(['applied']);
      await scene.root.execute('DROP TABLE item');
      const lost = await scene.refusal([appended(2, 'c', null, line(2, 'b'))]);
      expect(lost).toMatchObject({ code: 'SINK_MYSQL_TABLE_LOST', disposition: 'fatal' });
      expect(lost.remedy).toContain('DELETE FROM');
    });

    test('stop in front of a change that is refused, and go on behind it', async () => {
      await using scene = await Scene.open(address, LOG, DDL);
      const changes = [
        appended(1, 'c', null, line(1, 'a')),
        appended(2, 'c', null, line(2, 'much too long'.repeat(20))),
        appended(3, 'c', null, line(3, 'c')),
      ];
      expect(await scene.applied(changes)).toEqual(['applied', 'SINK_MYSQL_VALUE', 'SINK_MYSQL_BUSY']);
      expect(await scene.applied(changes.slice(2))).toEqual(['applied']);
      expect(await scene.rows('at')).toEqual([['1'], ['3']]);
    });
  });

  describe('what an operator has to see', () => {
    const ITEM = suiteTable({ id: 'int', name: 'varchar(100)' });
    const one = change(1, { id: 1 }, { id: 1, name: 'a' });

    test('a wrong password, a missing right, a host that does not answer', async () => {
      await using scene = await Scene.open(address, ITEM);
      const user = `u${scene.db}`.slice(0, 30);
      await scene.root.execute(`CREATE USER '${user}'@'%' IDENTIFIED BY 'p'`);
      try {
        expect((await scene.refusal([one], { user, password: 'wrong' })).code).toBe('SINK_MYSQL_ACCESS');
        expect((await scene.refusal([one], { user, password: 'p' })).code).toBe('SINK_MYSQL_ACCESS');
        const nobody = await scene.refusal([one], { port: 1 });
        expect(nobody).toMatchObject({ code: 'SINK_MYSQL_UNREACHABLE', disposition: 'retryable' });
      } finally {
        await scene.root.execute(`DROP USER '${user}'@'%'`);
      }
    });

    test('a table that is not there and may not be made, or was there and is gone with its rows', async () => {
      await using scene = await Scene.open(address, ITEM);
      expect((await scene.refusal([one], { createTables: false })).code).toBe('SINK_MYSQL_TABLE');
      expect(await scene.applied([one])).toEqual(['applied']);
      await scene.root.execute('DROP TABLE item');
      const lost = await scene.refusal([change(2, { id: 2 }, { id: 2, name: 'b' })]);
      expect(lost.code).toBe('SINK_MYSQL_TABLE_LOST');
      expect(lost.remedy).toContain('DROP TABLE');
    });

    test('of changes of one row only the refused one is refused, and what comes behind it goes on', async () => {
      await using scene = await Scene.open(address, ITEM, 'CREATE TABLE item (id INT PRIMARY KEY, name VARCHAR(3))');
      const names = ['a', 'b', 'much too long', 'c'];
      const changes = names.map((name, at) => change(at + 1, { id: 1 }, { id: 1, name }));
      expect(await scene.applied(changes.slice(0, 3))).toEqual(['applied', 'applied', 'SINK_MYSQL_VALUE']);
      expect(await scene.rows()).toEqual([['1', 'b']]);
      expect(await scene.applied(changes.slice(3))).toEqual(['applied']);
      expect(await scene.rows()).toEqual([['1', 'c']]);
    });

    (has.rowLimit ? test : test.skip)(
      'a table that the server does not let be made is told with the statement, and is no row’s fault',
      async () => {
        const wide = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`c${at}`, 'char(255)']));
        await using scene = await Scene.open(address, suiteTable({ id: 'int', ...wide }));
        const refusal = await scene.refusal([change(1, { id: 1 }, { id: 1 })]);
        expect(refusal).toMatchObject({ code: 'SINK_MYSQL_TABLE', disposition: 'fatal' });
        expect(refusal.message).toContain('CREATE TABLE');
      },
    );

    test('a column that the table lacks: added, ignored, or a reason to stop', async () => {
      const ddl = 'CREATE TABLE item (id INT PRIMARY KEY)';
      await using scene = await Scene.open(address, ITEM, ddl);
      expect((await scene.refusal([one], { newColumns: 'stop' })).code).toBe('SINK_MYSQL_COLUMN');
      expect(await scene.applied([one], { newColumns: 'ignore' })).toEqual(['applied']);
      expect(await scene.rows('id, 0')).toEqual([['1', '0']]);
      expect(await scene.applied([change(2, { id: 2 }, { id: 2, name: 'b' })])).toEqual(['applied']);
      expect(await scene.rows()).toEqual([
        ['1', null],
        ['2', 'b'],
      ]);
    });

    (has.triggers ? test : test.skip)(
      'a table that is full: the writer waits, and goes on when there is room',
      async () => {
        await using scene = await Scene.open(address, ITEM, 'CREATE TABLE item (id INT PRIMARY KEY, name CHAR(9))');
        // The disks of a server that others use are not to be filled: its answer then, ER_RECORD_FILE_FULL.
        const full = "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'";
        await scene.root.execute(`CREATE TRIGGER full BEFORE INSERT ON item FOR EACH ROW ${full}`);
        expect(await scene.applied([one])).toEqual(['SINK_MYSQL_FULL']);
        await scene.root.execute('DROP TRIGGER full');
        expect(await scene.applied([one])).toEqual(['applied']);
        expect(await scene.rows()).toEqual([['1', 'a']]);
      },
    );

    test('a table whose rows cannot be found by the records’ key', async () => {
      await using scene = await Scene.open(address, ITEM, 'CREATE TABLE item (id INT, name VARCHAR(9) PRIMARY KEY)');
      expect((await scene.refusal([one])).code).toBe('SINK_MYSQL_KEY');
    });

    test('values that do not fit, each with its reason, and all others are there', async () => {
      await using scene = await Scene.open(
        address,
        suiteTable({ id: 'int', n: 'tinyint', t: 'varchar(3)', e: "enum('a','b')", m: 'int' }),
        "CREATE TABLE item (id INT PRIMARY KEY, n TINYINT UNSIGNED, t VARCHAR(3), e ENUM('a','b'), m INT NOT NULL DEFAULT 3)",
      );
      const good = { n: 1, t: 'abc', e: 'a', m: 1 };
      const rows: Row[] = [{}, { n: -1 }, { n: 256 }, { t: 'long' }, { e: 'z' }, { m: null }, {}];
      const changes = rows.map((given, id) => change(id + 1, { id }, { id, ...good, ...given }));
      const bad = 'SINK_MYSQL_VALUE';
      expect(await scene.applied(changes)).toEqual(['applied', bad, bad, bad, bad, bad, 'applied']);
      expect(await scene.rows('id, n')).toEqual([
        ['0', '1'],
        ['6', '1'],
      ]);
    });
  });
}

interface History {
  /** Changes as three partitions have them. */
  readonly partitions: readonly (readonly Change[])[];
  readonly end: readonly (readonly (string | null)[])[];
}

/** 20 rows that take and give up 8 unique values at random; at no time two have the same. */
function history(seed: number): History {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
  const rows = new Map<number, string | null>();
  const partitions: Change[][] = [[], [], []];
  for (let version = 1; version <= 400; version++) {
    const id = random(20);
    const held = rows.get(id);
    const value = random(5) === 0 ? null : `v${random(8)}`;
    if ([...rows].some(([other, u]) => other !== id && u !== null && u === value)) continue;
    const own = partitions[id % 3] as Change[];
    if (held !== undefined && random(4) === 0) {
      own.push({ ...change(version, { id }), before: { id, u: held } });
      rows.delete(id);
    } else {
      own.push(row(version, id, value, held));
      rows.set(id, value);
    }
  }
  const end = [...rows]
    .map(([id, u]) => [String(id), u] as const)
    .sort(([left], [right]) => Number(left) - Number(right));
  return { partitions, end };
}
