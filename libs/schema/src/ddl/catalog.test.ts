import { describe, expect, test } from '@jest/globals';
import { Catalog } from './catalog.ts';
import type { CollationBook } from './collations.ts';
import { type DdlDialect, dialectOf, serverVersionNumber } from './dialect.ts';
import { databaseOfDdl, readDdl, tablesOfDdl } from './statement.ts';
import { tableOfState } from './table-state.ts';

const COLLATIONS: Readonly<Record<number, readonly [name: string, charset: string]>> = {
  8: ['latin1_swedish_ci', 'latin1'],
  45: ['utf8mb4_general_ci', 'utf8mb4'],
  255: ['utf8mb4_0900_ai_ci', 'utf8mb4'],
};
const BOOK: CollationBook = {
  collation: (name) => ({ name, charset: name.split('_', 1)[0] as string }),
  collationById: (id) => {
    const [name = '', charset = ''] = COLLATIONS[id] ?? [];
    return name === '' ? undefined : { name, charset };
  },
  charset: (name) =>
    name === 'latin1'
      ? { name, defaultCollation: 'latin1_swedish_ci', maxBytes: 1 }
      : { name, defaultCollation: 'utf8mb4_0900_ai_ci', maxBytes: 4 },
};
const MYSQL = { flavor: 'mysql', version: 90_700 } as const;
const MARIADB = { flavor: 'mariadb', version: serverVersionNumber('10.11.6-MariaDB-log') } as const;

function catalogOf(statements: readonly string[], dialect: DdlDialect): Catalog {
  const catalog = new Catalog({
    lowerCaseTableNames: 0,
    book: BOOK,
    serverText: { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' },
  });
  for (const sql of statements) {
    const ddl = readDdl(sql, 'db', dialect);
    if (ddl !== undefined) catalog.apply(ddl, dialect);
  }
  return catalog;
}

const named = (catalog: Catalog, name: string) => {
  const state = catalog.table({ database: 'db', name });
  if (state === undefined) throw new Error(`no table ${name}`);
  return state;
};

describe('the session of a statement', () => {
  test('its sql_mode decides about quotes, escapes and types', () => {
    const sqlMode = 1 + 4 + 2 ** 20 + 2 ** 32;
    expect(dialectOf(MYSQL, { sqlMode })).toMatchObject({
      ansiQuotes: true,
      noBackslashEscapes: true,
      realAsFloat: true,
    });
    expect(dialectOf(MYSQL, {})).toMatchObject({ ansiQuotes: false, noBackslashEscapes: false, realAsFloat: false });
  });

  test('its choice for TIMESTAMP goes before the server’s', () => {
    const server = { ...MYSQL, explicitTimestamps: true };
    expect(dialectOf(server, {}).explicitTimestamps).toBe(true);
    expect(dialectOf(server, { explicitTimestamps: false }).explicitTimestamps).toBe(false);
  });

  test('its collations decide what a database without a choice has, and what a character set means', () => {
    const dialect = dialectOf(MYSQL, { serverCollation: 8, defaultCollations: [45] });
    const catalog = catalogOf(['CREATE DATABASE db', 'CREATE TABLE t (a TEXT, b TEXT CHARACTER SET utf8mb4)'], dialect);
    expect([...catalog.databases()]).toEqual([
      { name: 'db', text: { charset: 'latin1', collation: 'latin1_swedish_ci' } },
    ]);
    const collations = named(catalog, 't').columns.map(({ collation }) => collation);
    expect(collations).toEqual(['latin1_swedish_ci', 'utf8mb4_general_ci']);
  });

  test('of an ALTER in two phases only the one that has happened counts', () => {
    const read = (alterPhase: 'start' | 'commit' | 'rollback') =>
      readDdl('ALTER TABLE t ADD a INT', 'db', dialectOf(MARIADB, { alterPhase }));
    expect([read('start'), read('rollback')]).toEqual([undefined, undefined]);
    expect(read('commit')).toMatchObject({ kind: 'alterTable' });
  });
});

describe('what MariaDB alone has', () => {
  const types = (catalog: Catalog, name: string): string[] =>
    (tableOfState(named(catalog, name)).hidden ?? []).map((column) => column.name);

  test('versions stand behind the columns, unless the table has columns for them', () => {
    const own = 's TIMESTAMP(6) GENERATED ALWAYS AS ROW START, e TIMESTAMP(6) GENERATED ALWAYS AS ROW END';
    const catalog = catalogOf(
      [
        'CREATE TABLE a (x INT) WITH SYSTEM VERSIONING',
        'CREATE TABLE b (x INT WITH SYSTEM VERSIONING)',
        `CREATE TABLE c (x INT, ${own}, PERIOD FOR SYSTEM_TIME(s, e)) WITH SYSTEM VERSIONING`,
        'CREATE TABLE d (x INT)',
        'ALTER TABLE d ADD SYSTEM VERSIONING',
        'CREATE TABLE e LIKE a',
        'ALTER TABLE e ADD y INT, DROP SYSTEM VERSIONING',
      ],
      MARIADB,
    );
    expect(['a', 'b', 'c', 'd', 'e'].map((name) => types(catalog, name).length)).toEqual([2, 2, 0, 2, 0]);
    expect(types(catalog, 'a')).toEqual(['row_start', 'row_end']);
  });

  test('a unique key that is too long has a hash behind the columns', () => {
    const catalog = catalogOf(
      [
        'CREATE TABLE a (x TEXT, y VARCHAR(2000), z INT, UNIQUE (x), UNIQUE (y), UNIQUE (x(10)), UNIQUE (z))',
        'CREATE TABLE b (z INT, UNIQUE (z) USING HASH) ENGINE=MEMORY',
      ],
      MARIADB,
    );
    expect(types(catalog, 'a')).toEqual(['DB_ROW_HASH_1', 'DB_ROW_HASH_2']);
    expect(types(catalog, 'b')).toEqual([]);
    expect(types(catalogOf(['CREATE TABLE a (x TEXT, UNIQUE (x(9)))'], MYSQL), 'a')).toEqual([]);
  });

  test('the columns of a period hold no NULL, and a key may name it for both', () => {
    const sql = 'CREATE TABLE a (r INT, f DATE, t DATE, PERIOD FOR p(f, t), PRIMARY KEY (r, p WITHOUT OVERLAPS))';
    const table = tableOfState(named(catalogOf([sql], MARIADB), 'a'));
    expect(table.primaryKey).toEqual(['r', 't', 'f']);
    expect(table.columns.map(({ nullable }) => nullable)).toEqual([false, false, false]);
  });
});

test('a column may have its table in front of its name, and a length a fraction', () => {
  const state = named(catalogOf(['CREATE TABLE t (t.a DECIMAL(19.5), .b INT, KEY (t.a))'], MYSQL), 't');
  expect(state.columns.map(({ name, columnType }) => `${name} ${columnType}`)).toEqual(['a decimal(19,0)', 'b int']);
});

test('a statement says which tables and which database it changes', () => {
  const read = (sql: string) => {
    const ddl = readDdl(sql, 'db', MYSQL);
    if (ddl === undefined) throw new Error(sql);
    return {
      tables: tablesOfDdl(ddl).map(({ database, name }) => `${database}.${name}`),
      database: databaseOfDdl(ddl),
    };
  };
  expect(read('RENAME TABLE a TO x.b, c TO d').tables).toEqual(['db.a', 'x.b', 'db.c', 'db.d']);
  expect(read('ALTER TABLE a ADD x INT, RENAME TO b').tables).toEqual(['db.a', 'db.b']);
  expect(read('CREATE TABLE a LIKE other').tables).toEqual(['db.a']);
  expect(read('DROP TABLE a, y.b')).toEqual({ tables: ['db.a', 'y.b'], database: undefined });
  expect(read('DROP DATABASE x')).toEqual({ tables: [], database: 'x' });
  expect(read('ALTER DATABASE CHARACTER SET latin1').database).toBe('db');
});

test('equal columns and keys of different tables are one object', () => {
  const catalog = catalogOf(
    ['CREATE TABLE a (id INT PRIMARY KEY, x INT)', 'CREATE TABLE b (x INT, id INT PRIMARY KEY)'],
    MYSQL,
  );
  const [a, b] = [named(catalog, 'a'), named(catalog, 'b')];
  expect(a.columns[0]).toBe(b.columns[1]);
  expect(a.keys[0]).toBe(b.keys[0]);
});
