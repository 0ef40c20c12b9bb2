import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import {
  Catalog,
  type CollationBook,
  compileTableFilter,
  type DdlDialect,
  readDdl,
  type Table,
  tableOfState,
} from '@tapline/schema';
import { testServers } from '@tapline/test-stack';
import { readCollationBook } from './collation-book.ts';
import { connect, type MysqlConnection } from './connection.ts';
import { quoteName } from './quote.ts';
import { readTables } from './tables.ts';
import { DDL_SCRIPTS, MARIADB_SCRIPTS, MYSQL_SCRIPTS } from './testing/ddl-scripts.ts';
import { RandomDdl } from './testing/random-ddl.ts';
import { dropDatabase, uniqueName } from './testing/scratch.ts';

/*
 * libs/schema reads statements out of the binlog; what it makes of them is held against what the server made of them, after each statement.
 */
describe.each(['mysql', 'mysql80', 'mariadb'] as const)('the DDL reader beside %s', (server) => {
  let connection: MysqlConnection;
  let book: CollationBook;
  let dialect: DdlDialect;

  beforeAll(async () => {
    const servers = await testServers(server);
    connection = await connect(servers[server]);
    book = await readCollationBook(connection);
    dialect = { flavor: connection.flavor, version: versionNumber(connection.version) };
    // Zero dates and columns too long are part of what people have.
    await connection.execute("SET sql_mode = '', FOREIGN_KEY_CHECKS = 0, explicit_defaults_for_timestamp = ON");
  });

  afterAll(async () => {
    await connection?.[Symbol.asyncDispose]();
  });

  const own = server === 'mariadb' ? MARIADB_SCRIPTS : MYSQL_SCRIPTS;

  const inDatabase = async (
    work: (run: (sql: string) => Promise<void>, compare: Compare) => Promise<void>,
    seen: (table: Table) => unknown = (table) => table,
  ): Promise<void> => {
    const database = uniqueName('ddl');
    const catalog = new Catalog({ lowerCaseTableNames: 0, book, serverText: TEXT });
    const run = async (sql: string): Promise<void> => {
      await connection.execute(sql);
      const ddl = readDdl(sql, database, dialect);
      if (ddl !== undefined) catalog.apply(ddl, dialect);
    };
    try {
      await run(`CREATE DATABASE ${quoteName(database)} DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
      await connection.execute(`USE ${quoteName(database)}`);
      await work(run, async (note) => {
        const tables = sorted(await read(database));
        try {
          expect(tablesOf(catalog).map(seen)).toEqual(tables.map(seen));
        } catch (error) {
          throw new Error(`After ${note}: ${(error as Error).message}`, { cause: error });
        }
      });
    } finally {
      await dropDatabase(connection, database);
    }
  };

  test.each(Object.entries({ ...DDL_SCRIPTS, ...own }))('%s', async (_, statements) => {
    await inDatabase(async (run, compare) => {
      for (const sql of statements) {
        await run(sql);
        await compare(sql);
      }
    });
  });

  const alterRandomly = async (): Promise<void> => {
    const seed = Number(process.env.TAPLINE_DDL_SEED ?? 2_139_234_145);
    const ddl = new RandomDdl(seed);
    let accepted = 0;
    await inDatabase(
      async (run, compare) => {
        await run('CREATE TABLE t (a INT, b VARCHAR(10), c TEXT, id INT)');
        for (let tries = 0; tries < 250; tries++) {
          const sql = ddl.alter();
          if (!(await succeeds(run(sql)))) continue;
          accepted++;
          await compare(`TAPLINE_DDL_SEED=${seed}: ${sql}`);
        }
      },
      ({ columns, primaryKey }) => ({ columns, primaryKey }),
    );
    expect(accepted).toBeGreaterThan(10);
  };
  // MySQL 8.0.31 dies of some of them.
  if (server !== 'mysql80') {
    test('random alterations, but for the lengths that unique keys get when their columns change type', alterRandomly);
  }

  const read = (database: string): Promise<Table[]> =>
    readTables(connection, compileTableFilter({ include: [`${database}.*`], exclude: [], lowerCaseTableNames: 0 }));
});

type Compare = (note: string) => Promise<void>;

/** False: the server refused the statement. What our own reader throws stays an error. */
async function succeeds(statement: Promise<void>): Promise<boolean> {
  try {
    await statement;
    return true;
  } catch (error) {
    if (error instanceof TaplineError && error.code === 'SOURCE_FAILED') return false;
    throw error;
  }
}

const TEXT = { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' };

function tablesOf(catalog: Catalog): Table[] {
  return sorted([...catalog.tables()].map(tableOfState));
}

/** Neither side promises an order of tables and keys. */
function sorted(tables: readonly Table[]): Table[] {
  const byName = (left: { name: string }, right: { name: string }): number => (left.name < right.name ? -1 : 1);
  return tables.map((table) => ({ ...table, uniqueKeys: table.uniqueKeys.toSorted(byName) })).toSorted(byName);
}

function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return major * 10_000 + minor * 100 + patch;
}
