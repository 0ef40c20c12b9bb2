import { describe, expect, test } from '@jest/globals';
import { Catalog } from './catalog.ts';
import type { CollationBook } from './collations.ts';
import type { DdlDialect } from './dialect.ts';
import { readDdl } from './statement.ts';
import { type TableState, tableOfState } from './table-state.ts';

const MYSQL: DdlDialect = { flavor: 'mysql', version: 90_700 };
const MARIADB: DdlDialect = { flavor: 'mariadb', version: 101_106 };
const TEXT = { charset: 'utf8mb4', collation: 'utf8mb4_0900_ai_ci' };

const BOOK: CollationBook = {
  collation: (name) => (name.startsWith('utf8mb4_') ? { name, charset: 'utf8mb4' } : undefined),
  collationById: () => undefined,
  charset: (name) => (name === 'utf8mb4' ? { name, defaultCollation: TEXT.collation, maxBytes: 4 } : undefined),
};

/** What these statements leave behind, as `name type` by table. */
function columnsAfter(statements: readonly string[], dialect: DdlDialect = MYSQL, lowerCaseTableNames: 0 | 1 | 2 = 0) {
  const catalog = new Catalog({ lowerCaseTableNames, book: BOOK, serverText: TEXT });
  for (const sql of statements) {
    const ddl = readDdl(sql, 'db', dialect);
    if (ddl !== undefined) catalog.apply(ddl, dialect);
  }
  return Object.fromEntries(
    [...catalog.tables()]
      .map(tableOfState)
      .map(({ database, name, columns }) => [
        `${database}.${name}`,
        columns.map((column) => `${column.name} ${column.columnType}`),
      ]),
  );
}

function scene(dialect: DdlDialect = MYSQL) {
  const catalog = new Catalog({ lowerCaseTableNames: 0, book: BOOK, serverText: TEXT });
  return {
    apply(...statements: readonly string[]): void {
      for (const sql of statements) {
        const ddl = readDdl(sql, 'db', dialect);
        if (ddl !== undefined) catalog.apply(ddl, dialect);
      }
    },
    state: (name: string): TableState | undefined => catalog.table({ database: 'db', name }),
  };
}

describe('what a statement means depends on the session and the server', () => {
  test('double quotes are text, or names under ANSI_QUOTES', () => {
    expect(columnsAfter([`CREATE TABLE t (a ENUM("x""y"))`])).toEqual({ 'db.t': [`a enum('x"y')`] });
    const ansi = { ...MYSQL, ansiQuotes: true };
    expect(columnsAfter([`CREATE TABLE "t" ("a""b" INT)`], ansi)).toEqual({ 'db.t': ['a"b int'] });
  });

  test('a backslash escapes, or not under NO_BACKSLASH_ESCAPES', () => {
    const sql = String.raw`CREATE TABLE t (a ENUM('x\'y'), b INT)`;
    expect(columnsAfter([sql])).toEqual({ 'db.t': [`a enum('x''y')`, 'b int'] });
    const plain = { ...MYSQL, noBackslashEscapes: true };
    expect(columnsAfter([String.raw`CREATE TABLE t (a ENUM('x\'), b INT)`], plain)).toEqual({
      'db.t': [String.raw`a enum('x\\')`, 'b int'],
    });
  });

  test('code in comments counts from its version on, and each flavour has its own', () => {
    const sql = 'CREATE TABLE t (a INT /*!80000 , b INT */ /*!99999 , c INT */ /*M! , d INT */ /*!100100 , e INT */)';
    expect(columnsAfter([sql])).toEqual({ 'db.t': ['a int', 'b int'] });
    expect(columnsAfter([sql], MARIADB)).toEqual({ 'db.t': ['a int(11)', 'd int(11)', 'e int(11)'] });
  });

  test('REAL is FLOAT under REAL_AS_FLOAT; a TIMESTAMP is NOT NULL without explicit_defaults_for_timestamp', () => {
    expect(columnsAfter(['CREATE TABLE t (a REAL)'], { ...MYSQL, realAsFloat: true })).toEqual({ 'db.t': ['a float'] });
    const old = { ...MYSQL, explicitTimestamps: false };
    const catalog = new Catalog({ lowerCaseTableNames: 0, book: BOOK, serverText: TEXT });
    const ddl = readDdl('CREATE TABLE t (a TIMESTAMP, b TIMESTAMP NULL)', 'db', old);
    const [change] = catalog.apply(ddl as NonNullable<typeof ddl>, old);
    expect(change?.after?.columns.map(({ nullable }) => nullable)).toEqual([false, true]);
  });

  test('names of tables are told apart by case, or not', () => {
    const statements = ['CREATE TABLE Big (a INT)', 'ALTER TABLE big ADD b INT'];
    expect(columnsAfter(statements, MYSQL, 0)).toEqual({ 'db.Big': ['a int'] });
    expect(columnsAfter(statements, MYSQL, 1)).toEqual({ 'db.big': ['a int', 'b int'] });
    expect(columnsAfter(statements, MYSQL, 2)).toEqual({ 'db.Big': ['a int', 'b int'] });
  });
});

describe('tables change their names and places', () => {
  test('across databases, in chains, by ALTER, and gh-ost swaps them in one statement', () => {
    expect(
      columnsAfter([
        'CREATE TABLE orders (a INT)',
        'CREATE TABLE `db`.`_orders_gho` LIKE orders',
        'ALTER TABLE `db`.`_orders_gho` ADD b INT',
        'RENAME /* gh-ost */ TABLE `db`.`orders` TO `db`.`_orders_del`, `db`.`_orders_gho` TO `db`.`orders`',
        'ALTER TABLE _orders_del RENAME other.archive, ADD c INT',
      ]),
    ).toEqual({ 'db.orders': ['a int', 'b int'], 'other.archive': ['a int', 'c int'] });
  });

  test('a database takes its tables with it', () => {
    expect(columnsAfter(['CREATE TABLE x.t (a INT)', 'CREATE TABLE t (b INT)', 'DROP DATABASE IF EXISTS x'])).toEqual({
      'db.t': ['b int'],
    });
  });
});

describe('what cannot or need not be read', () => {
  test.each([
    'INSERT INTO t VALUES ("ALTER TABLE t ADD x INT")',
    'CREATE USER u IDENTIFIED BY "x"',
    'CREATE DEFINER=`a`@`b` PROCEDURE p() ALTER TABLE t ADD x INT',
    'ALTER USER u IDENTIFIED BY "y"',
    'DROP VIEW v',
    'GRANT ALL ON *.* TO u',
    "XA COMMIT X'01'",
    '',
    '-- nothing',
  ])('%s is passed over', (sql) => {
    expect(readDdl(sql, 'db', MYSQL)).toBeUndefined();
  });

  test('a statement on a table that makes no sense says so, and which table it names', () => {
    expect(readDdl('CREATE TABLE (a INT)', 'db', MYSQL)).toMatchObject({
      kind: 'unread',
      tables: [],
      error: { code: 'SCHEMA_DDL_UNREAD', message: expect.stringContaining('CREATE TABLE (a INT)') },
    });
    expect(readDdl('ALTER TABLE x.`t` RENAME COLUMN a b', 'db', MYSQL)).toMatchObject({
      kind: 'unread',
      tables: [{ database: 'x', name: 't' }],
      error: { place: { table: 'x.t' } },
    });
  });

  test('what became of a table is unknown from then on, under new names too, until it is made anew', () => {
    const { apply, state } = scene();
    apply(
      'CREATE TABLE t (a INT)',
      'CREATE TABLE u (a INT)',
      'ALTER TABLE t RENAME COLUMN a b',
      'ALTER TABLE t ADD c INT',
    );
    expect(state('t')?.unread).toContain('RENAME COLUMN a b');
    expect(() => tableOfState(state('t') as TableState)).toThrow(
      expect.objectContaining({ code: 'SCHEMA_DDL_UNREAD', place: { table: 'db.t' } }),
    );
    expect(state('u')?.unread).toBeUndefined();
    apply('RENAME TABLE t TO t2');
    expect(state('t2')?.unread).toBeDefined();
    apply('DROP TABLE t2', 'CREATE TABLE t2 (a INT)');
    expect(state('t2')?.unread).toBeUndefined();
    apply('CREATE TABLE v AS SELECT 1 AS a');
    expect(state('v')?.unread).toContain('SELECT');
    apply('CREATE TABLE w (a INT)', 'ALTER TABLE w DROP COLUMN b');
    expect(state('w')?.unread).toContain('column b');
    apply("CREATE TABLE x (a ENUM('é') CHARACTER SET latin1)", 'ALTER TABLE x CONVERT TO CHARACTER SET utf8mb4');
    expect(state('x')?.unread).toContain('members of a');
  });

  test('any text ends, and fails with a code or not at all', () => {
    const statement = 'ALTER TABLE `t` ADD a ENUM(\'x\') /*!50000 DEFAULT "y" */ FIRST, DROP KEY k, RENAME TO u';
    for (let end = 0; end < statement.length; end++) {
      const ddl = readDdl(statement.slice(0, end), 'db', MYSQL);
      if (ddl?.kind === 'unread') expect(ddl.error.code).toBe('SCHEMA_DDL_UNREAD');
    }
  });
});
