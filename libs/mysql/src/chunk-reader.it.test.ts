import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compileTableFilter, type Table } from '@tapline/schema';
import { testServers } from '@tapline/test-stack';
import type { MysqlAddress } from './address.ts';
import { type ChunkKey, KeyRange } from './chunk-key.ts';
import { CHUNK_ALIAS, ChunkReader, chunkSql } from './chunk-reader.ts';
import { connect, type MysqlConnection } from './connection.ts';
import { quoteName } from './quote.ts';
import { readTables } from './tables.ts';
import { dropDatabase, uniqueName } from './testing/scratch.ts';

const MANY_BYTES = 1 << 30;

describe.each(['mysql', 'mysql80', 'mariadb'] as const)('reading tables of %s in chunks', (server) => {
  let address: MysqlAddress;
  let root: MysqlConnection;
  const database = uniqueName('it_chunks');
  const filter = compileTableFilter({ include: [`${database}.*`], lowerCaseTableNames: 0 });

  const tableOf = async (name: string): Promise<Table> => {
    const table = (await readTables(root, filter)).find((candidate) => candidate.name === name);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table;
  };

  /** Reads the whole table, each chunk by a new reader from the key of the chunk before as it comes out of JSON. */
  const readAll = async (name: string, selectList: string, limitRows: number, limitBytes = MANY_BYTES) => {
    const table = await tableOf(name);
    const rows: (string | undefined)[] = [];
    let after: ChunkKey | undefined;
    let chunks = 0;
    for (;;) {
      await using reader = new ChunkReader(address);
      const chunk = await reader.read({ table, selectList, after, limitRows, limitBytes });
      rows.push(...chunk.rows.map((row) => row[0]?.toString('utf8')));
      chunks++;
      if (chunk.finished) return { rows, chunks };
      if (chunks > 100) throw new Error('the chunks do not advance');
      after = JSON.parse(JSON.stringify(chunk.last)) as ChunkKey;
    }
  };

  /** What one SELECT in the order of the key gives. */
  const inOrder = async (name: string, selectList: string, orderBy: string): Promise<(string | undefined)[]> =>
    (await root.query(`SELECT ${selectList} FROM ${name} AS t ORDER BY ${orderBy}`)).map((row) => row[0] ?? undefined);

  beforeAll(async () => {
    address = (await testServers(server))[server];
    root = await connect(address);
    await root.execute(`CREATE DATABASE ${quoteName(database)} DEFAULT CHARACTER SET utf8mb4`);
    await root.execute(`USE ${quoteName(database)}`);
  });

  afterAll(async () => {
    await dropDatabase(root, database);
    await root[Symbol.asyncDispose]();
  });

  const keyTypes: [string, string, string[]][] = [
    ['signed', 'bigint', ['-9223372036854775808', '-1', '0', '7', '9223372036854775807']],
    ['unsigned', 'bigint unsigned', ['0', '9223372036854775808', '18446744073709551615']],
    ['zerofill', 'int(6) unsigned zerofill', ['0', '12', '1234567']],
    [
      'dec',
      'decimal(65,30)',
      [
        "'-99999999999999999999999999999999999.000000000000000000000000000001'",
        "'-0.5'",
        '0',
        '0.1',
        '12.000000000000000000000000000001',
      ],
    ],
    ['real32', 'float', ['-0.1', '0', '0.1', '0.3', '1e20', '3.4e38', '1e-40']],
    ['real64', 'double', ['-1e308', '0.1', '0.30000000000000004', '1e-300', '123456789.123456789']],
    ['dates', 'date', ["'0000-00-00'", "'2024-00-10'", "'1000-01-01'", "'9999-12-31'"]],
    ['moments', 'datetime(6)', ["'0000-00-00'", "'2024-02-29 23:59:59.999999'", "'2024-02-29 23:59:59.999998'"]],
    [
      'stamps',
      'timestamp(6)',
      ["'1970-01-01 00:00:01'", "'2024-03-31 01:30:00.000001'", "'2024-10-27 00:30:00'", "'2024-10-27 01:30:00'"],
    ],
    ['times', 'time(3)', ["'-838:59:59'", "'-00:00:00.001'", "'0:0:0'", "'838:59:59'"]],
    ['years', 'year', ['0', '1901', '2155']],
    ['bits', 'bit(64)', ["b'0'", "b'101'", "b'1000000000000000000000000000000000000000000000000000000000000000'"]],
    ['enums', "enum('z','a','m','')", ["'z'", "'a'", "'m'", "''", '0']],
    ['sets', "set('z','a','m')", ["''", "'z'", "'a,z'", "'m'"]],
    [
      'folded',
      'varchar(20) COLLATE utf8mb4_unicode_ci',
      ["'a'", "'B'", "'c'", "'ö'", "'😀'", "''", "'it''s'", "'a\\\\'"],
    ],
    ['latin', 'varchar(20) CHARACTER SET latin1', ["'a'", "'é'", "'ü'", "'z'"]],
    ['chinese', 'char(4) CHARACTER SET gbk', ["'中'", "'文'", "'a'"]],
    ['ucs', 'varchar(8) CHARACTER SET ucs2', ["'中'", "'a'", "'é'"]],
    ['bytes', 'varbinary(8)', ["x''", "x'00'", "x'0000'", "x'ff'", "x'27'", "x'5c'"]],
    ['fixed', 'binary(3)', ["x'000000'", "x'610000'", "x'ffffff'"]],
  ];

  test.each(keyTypes)('key type %s: every row once, in order, resumed after each row', async (name, type, values) => {
    await root.execute(`CREATE TABLE k_${name} (k ${type} NOT NULL PRIMARY KEY)`);
    await root.execute(`INSERT INTO k_${name} VALUES ${values.map((value) => `(${value})`).join(', ')}`);
    const selectList = 'HEX(CONCAT(k))';
    const expected = await inOrder(`k_${name}`, selectList, 't.k');
    expect(expected).toHaveLength(values.length);
    expect((await readAll(`k_${name}`, selectList, 1)).rows).toEqual(expected);
    expect((await readAll(`k_${name}`, selectList, 2)).rows).toEqual(expected);
    expect((await readAll(`k_${name}`, selectList, 100)).rows).toEqual(expected);
  });

  test('a key of three columns with equal beginnings, in an order that is not the columns’', async () => {
    await root.execute("CREATE TABLE wide (c int, b enum('x','a'), a varchar(9), v int, PRIMARY KEY (a, b, c))");
    const rows = ['p', 'P2', 'q'].flatMap((a) =>
      ['x', 'a'].flatMap((b) => [1, 2, 3].map((c) => `(${c}, '${b}', '${a}', ${c})`)),
    );
    await root.execute(`INSERT INTO wide VALUES ${rows.join(', ')}`);
    const selectList = "CONCAT(a, '/', b, '/', c)";
    const expected = await inOrder('wide', selectList, 't.a, t.b, t.c');
    for (const limit of [1, 2, 5, 18, 19]) expect((await readAll('wide', selectList, limit)).rows).toEqual(expected);
  });

  test('without a primary key a unique key without NULLs leads; without either only the whole can be read', async () => {
    await root.execute('CREATE TABLE uniq (a int NOT NULL, b int, UNIQUE by_a (a))');
    await root.execute('INSERT INTO uniq VALUES (3, 1), (1, 1), (2, NULL)');
    expect((await readAll('uniq', 'a', 2)).rows).toEqual(['1', '2', '3']);
    await root.execute('CREATE TABLE nokey (a int)');
    await root.execute('INSERT INTO nokey VALUES (1), (1), (NULL)');
    const table = await tableOf('nokey');
    await using reader = new ChunkReader(address);
    await expect(reader.read({ table, selectList: 'a', limitRows: 1, limitBytes: 1 })).rejects.toMatchObject({
      code: 'SCHEMA_NO_KEY',
    });
    const seen: (string | undefined)[] = [];
    for await (const batch of reader.all({ table, selectList: 'a', bufferBytes: 10 })) {
      seen.push(...batch.map((row) => row[0]?.toString()));
    }
    expect(seen).toEqual(['1', '1', undefined]);
  });

  test('an empty table is finished at once', async () => {
    await root.execute('CREATE TABLE none (a int PRIMARY KEY)');
    await using reader = new ChunkReader(address);
    const request = { table: await tableOf('none'), selectList: 'a', limitRows: 10, limitBytes: 10 };
    expect(await reader.read(request)).toEqual({ rows: [], bytes: 0, last: undefined, finished: true });
  });

  test('an expression of the select list that is called like the key does not change the order', async () => {
    await root.execute('CREATE TABLE alias (id int PRIMARY KEY)');
    await root.execute('INSERT INTO alias VALUES (1), (2), (3)');
    expect((await readAll('alias', 'CAST(-id AS CHAR) AS id', 2)).rows).toEqual(['-1', '-2', '-3']);
  });

  test('large rows end a chunk early, and the next ones ask for no more than fits', async () => {
    await root.execute('CREATE TABLE large (id int PRIMARY KEY, v longblob)');
    await root.execute(
      `INSERT INTO large WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i, REPEAT('x', 500000) FROM n`,
    );
    const table = await tableOf('large');
    await using reader = new ChunkReader(address);
    const sizes: number[] = [];
    const ids: (string | undefined)[] = [];
    let after: ChunkKey | undefined;
    for (;;) {
      const chunk = await reader.read({ table, selectList: 'id, v', after, limitRows: 1000, limitBytes: 2_600_000 });
      sizes.push(chunk.rows.length);
      ids.push(...chunk.rows.map((row) => row[0]?.toString()));
      if (chunk.finished) break;
      after = chunk.last;
    }
    expect(ids).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(6);
    expect((await readAll('large', 'id', 1000, 1)).rows).toEqual(ids);
  });

  test('a chunk deep in the table reads no more rows than it gives', async () => {
    await root.execute('CREATE TABLE deep (a int, b int, c int, PRIMARY KEY (a, b, c))');
    await root.execute(
      `INSERT INTO deep WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 20)
        SELECT x.i, y.i, z.i FROM n AS x, n AS y, n AS z`,
    );
    await root.query('ANALYZE TABLE deep');
    const table = await tableOf('deep');
    const range = new KeyRange(table, ['a', 'b', 'c'], CHUNK_ALIAS);
    const sql = chunkSql({ table, selectList: "CONCAT(a, '/', b, '/', c)", after: ['10', '20', '20'] }, range, 3);
    await root.execute('FLUSH STATUS');
    const rows = await root.query(sql);
    expect(rows.map((row) => row.slice(0, 1))).toEqual([['11/0/0'], ['11/0/1'], ['11/0/2']]);
    const status = await root.query("SHOW SESSION STATUS LIKE 'Handler_read_%'");
    const read = status.filter(([name]) => /key|next|rnd/i.test(name ?? '')).reduce((sum, [, n]) => sum + Number(n), 0);
    expect(read).toBeLessThan(30);
  });

  test('a signal ends the read; the reader goes on with a new session', async () => {
    const table = await tableOf('large');
    await using reader = new ChunkReader(address);
    const request = { table, selectList: 'id, v', limitRows: 1000, limitBytes: MANY_BYTES };
    await expect(reader.read(request, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    expect((await reader.read({ ...request, selectList: 'id' })).rows).toHaveLength(40);
  });
});
