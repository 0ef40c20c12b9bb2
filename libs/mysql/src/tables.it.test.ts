import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Column, compileTableFilter, type Table } from '@tapline/schema';
import { testServers } from '@tapline/test-stack';
import { connect, type MysqlConnection } from './connection.ts';
import { readCascadingForeignKeys } from './foreign-keys.ts';
import { quoteName } from './quote.ts';
import { readRowEstimates } from './row-estimates.ts';
import { readTables, tablesNamed } from './tables.ts';
import { dropDatabase, uniqueName } from './testing/scratch.ts';

const COMMON_COLUMNS = [
  'a int',
  'b bigint unsigned NOT NULL',
  'c decimal(65,30)',
  'd decimal(10)',
  'e datetime(6)',
  'f timestamp(3) NULL',
  'g time',
  'h year',
  'i bit(64)',
  'j char(3) CHARACTER SET gbk',
  'k varchar(70) CHARACTER SET latin1',
  'l longtext CHARACTER SET utf8mb4',
  'm varbinary(9)',
  'n blob',
  "o enum('x','it''s','a,b','back\\\\slash','é') CHARACTER SET latin1",
  "p set('中',' b') CHARACTER SET utf8mb4",
  'q json',
  's geometry',
  'w double',
  'x int AS (a + 1) VIRTUAL',
  'y int AS (a + 2) STORED',
  "z enum('a') CHARACTER SET binary",
  '`ä``.*` tinyint(1)',
];

const EXPECTED: Record<string, Partial<Column>> = {
  a: { type: 'int', nullable: true, unsigned: false },
  b: { type: 'bigint', nullable: false, unsigned: true },
  c: { type: 'decimal', precision: 65, scale: 30 },
  d: { type: 'decimal', precision: 10, scale: 0 },
  e: { type: 'datetime', fsp: 6 },
  f: { type: 'timestamp', fsp: 3 },
  g: { type: 'time', fsp: 0 },
  h: { type: 'year' },
  i: { type: 'bit', length: 64 },
  j: { type: 'char', length: 3, charset: 'gbk', collation: 'gbk_chinese_ci' },
  k: { type: 'varchar', length: 70, charset: 'latin1' },
  l: { type: 'longtext', charset: 'utf8mb4' },
  m: { type: 'varbinary', length: 9 },
  n: { type: 'blob' },
  o: { type: 'enum', charset: 'latin1', members: ['x', "it's", 'a,b', 'back\\slash', 'é'] },
  p: { type: 'set', charset: 'utf8mb4', members: ['中', ' b'] },
  s: { type: 'geometry' },
  w: { type: 'double' },
  x: { type: 'int', generated: 'virtual' },
  y: { type: 'int', generated: 'stored' },
  z: { type: 'enum', charset: 'binary', members: ['a'] },
  'ä`.*': { type: 'tinyint', columnType: 'tinyint(1)' },
};

const byName = (table: Table | undefined): Record<string, Column> =>
  Object.fromEntries((table?.columns ?? []).map((column) => [column.name, column]));

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('tables of %s', (server) => {
  let root: MysqlConnection;
  const database = uniqueName('it.tables');
  const filter = compileTableFilter({ include: [`\`${database}\`.*`], lowerCaseTableNames: 0 });
  const one = async (name: string): Promise<Table | undefined> =>
    (await readTables(root, filter)).find((table) => table.name === name);

  beforeAll(async () => {
    root = await connect((await testServers(server))[server]);
    await root.execute(`CREATE DATABASE ${quoteName(database)} DEFAULT CHARACTER SET utf8mb4`);
    await root.execute(`USE ${quoteName(database)}`);
  });

  afterAll(async () => {
    await dropDatabase(root, database);
    await root[Symbol.asyncDispose]();
  });

  test('every type is told exactly', async () => {
    await root.execute(`CREATE TABLE types (${COMMON_COLUMNS.join(', ')}, PRIMARY KEY (b, k(5)))`);
    const table = await one('types');
    expect(table?.columns.map((column) => column.name)).toEqual(
      COMMON_COLUMNS.map((text) => (text.startsWith('`') ? 'ä`.*' : text.slice(0, 1))),
    );
    const columns = byName(table);
    for (const [name, expected] of Object.entries(EXPECTED)) expect(columns[name]).toMatchObject(expected);
    expect(columns.a).not.toHaveProperty('charset');
    expect(columns.m).not.toHaveProperty('charset');
    expect(columns.x).not.toHaveProperty('length');
    expect(table?.primaryKey).toEqual(['b', 'k']);
    // MariaDB has no JSON: it is a text with a check.
    expect(columns.q?.type).toBe(server === 'mariadb' ? 'longtext' : 'json');
  });

  test('types that only this server has', async () => {
    if (server === 'mariadb') {
      await root.execute('CREATE TABLE own (u uuid, i6 inet6, i4 inet4, v int INVISIBLE) WITH SYSTEM VERSIONING');
      expect(byName(await one('own'))).toMatchObject({
        u: { type: 'uuid', length: 16 },
        i6: { type: 'inet6', length: 16 },
        i4: { type: 'inet4', length: 4 },
        v: { type: 'int' },
      });
      return;
    }
    await root.execute('CREATE TABLE own (p point SRID 4326 NOT NULL, v int INVISIBLE, KEY ((v + 1)))');
    expect(byName(await one('own'))).toMatchObject({ p: { type: 'point', srid: 4326 }, v: { type: 'int' } });
    expect((await one('own'))?.columns).toHaveLength(2);
    if (server === 'mysql80') return;
    await root.execute('CREATE TABLE vectors (v vector(3))');
    expect(byName(await one('vectors'))).toMatchObject({ v: { type: 'vector', length: 3 } });
  });

  test('keys: the primary key in its own order, unique keys only over whole columns', async () => {
    await root.execute(
      `CREATE TABLE \`keys\` (a int NOT NULL, b int NOT NULL, c varchar(9) NOT NULL, d int,
        PRIMARY KEY (b, a), UNIQUE u1 (c, a), UNIQUE u2 (c(3)), UNIQUE u3 (d), KEY k (a))`,
    );
    expect(await one('keys')).toMatchObject({
      primaryKey: ['b', 'a'],
      uniqueKeys: [
        { name: 'u1', columns: ['c', 'a'] },
        { name: 'u3', columns: ['d'] },
      ],
    });
    await root.execute('CREATE TABLE keyless (a int)');
    expect(await one('keyless')).toEqual(expect.not.objectContaining({ primaryKey: expect.anything() }));
  });

  test('views and excluded tables are left out; the rest is sorted', async () => {
    await root.execute('CREATE TABLE b_table (a int)');
    await root.execute('CREATE TABLE a_table (a int)');
    await root.execute('CREATE VIEW a_view AS SELECT * FROM a_table');
    const some = compileTableFilter({
      include: [`\`${database}\`.*_table`, `\`${database}\`.*_view`],
      exclude: ['*.c_*'],
      lowerCaseTableNames: 0,
    });
    expect((await readTables(root, some)).map((table) => table.name)).toEqual(['a_table', 'b_table']);
    expect(await readTables(root, compileTableFilter({ include: ['nowhere.*'], lowerCaseTableNames: 0 }))).toEqual([]);
  });

  test('tables that are named are read, and no others; a name with dots may mean several', async () => {
    await root.execute('CREATE TABLE named (a int)');
    await root.execute('CREATE TABLE `dotted.name` (a int)');
    const asked: string[] = [];
    const watched = {
      flavor: root.flavor,
      version: root.version,
      query: (sql: string) => {
        asked.push(sql);
        return root.query(sql);
      },
      stream: (...args: Parameters<MysqlConnection['stream']>) => root.stream(...args),
      rows: (sql: string) => root.rows(sql),
    };
    const names = ['named', 'dotted.name', 'nowhere'].map((name) => `${database}.${name}`);
    const tables = await readTables(
      watched as unknown as MysqlConnection,
      tablesNamed(new Set([...names, 'elsewhere.named'])),
    );
    expect(tables.map((table) => table.name)).toEqual(['dotted.name', 'named']);
    expect(asked.filter((sql) => /information_schema.TABLES/.test(sql)).slice(0, 1)).toEqual([
      expect.stringContaining("AND TABLE_NAME IN ('named', 'dotted.name', 'nowhere')"),
    ]);
  });

  test('cascading foreign keys into captured tables are listed', async () => {
    await root.execute('CREATE TABLE parent (id int PRIMARY KEY)');
    await root.execute(
      `CREATE TABLE child (id int PRIMARY KEY, p int, q int,
        CONSTRAINT c1 FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE,
        CONSTRAINT c2 FOREIGN KEY (q) REFERENCES parent (id))`.replaceAll('c1', 'c_one'),
    );
    expect(await readCascadingForeignKeys(root, filter)).toEqual([
      expect.objectContaining({
        database,
        table: 'child',
        name: 'c_one',
        parent: `${database}.parent`,
        onDelete: 'CASCADE',
      }),
    ]);
    expect(await readCascadingForeignKeys(root, { matches: () => false })).toEqual([]);
  });

  test('rows are estimated', async () => {
    await root.execute('CREATE TABLE counted (a int PRIMARY KEY)');
    await root.execute('INSERT INTO counted VALUES (1), (2), (3)');
    await root.query('ANALYZE TABLE counted');
    const tables = (await readTables(root, filter)).filter((table) => table.name === 'counted');
    expect(await readRowEstimates(root, tables)).toEqual(new Map([[`${database}.counted`, 3]]));
  });

  test('a table dropped while its keys are read is not there; it is no table without a key', async () => {
    await root.execute('CREATE TABLE goes (id int PRIMARY KEY)');
    const dropping = {
      flavor: root.flavor,
      version: root.version,
      query: (sql: string) => root.query(sql),
      stream: (...args: Parameters<MysqlConnection['stream']>) => root.stream(...args),
      rows: async function* (sql: string) {
        if (sql.includes('information_schema.STATISTICS')) await root.execute('DROP TABLE goes');
        yield* root.rows(sql);
      },
    };
    const goes = compileTableFilter({ include: [`\`${database}\`.goes`], lowerCaseTableNames: 0 });
    expect(await readTables(dropping as unknown as MysqlConnection, goes)).toEqual([]);
  });

  test('many tables cost a few statements', async () => {
    for (let i = 0; i < 250; i++) await root.execute(`CREATE TABLE many_${i} (id int PRIMARY KEY, v${i} int)`);
    const [before] = await root.query("SHOW SESSION STATUS LIKE 'Questions'");
    const tables = (await readTables(root, filter)).filter((table) => table.name.startsWith('many_'));
    const [after] = await root.query("SHOW SESSION STATUS LIKE 'Questions'");
    expect(tables).toHaveLength(250);
    for (const table of tables) {
      expect(table.primaryKey).toEqual(['id']);
      expect(table.columns.map((column) => column.name)).toEqual(['id', `v${table.name.slice(5)}`]);
    }
    expect(new Set(tables.map((table) => table.columns[0])).size).toBe(1);
    expect(Number(after?.[1]) - Number(before?.[1])).toBeLessThan(10);
  });
});
