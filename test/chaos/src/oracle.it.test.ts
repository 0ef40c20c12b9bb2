import { expect, test } from '@jest/globals';
import { mysqlProgram, openStack } from '@tapline/test-stack';
import { createConnection } from 'mysql2/promise';
import { startLoad } from './load.ts';
import { createTables, LOAD_KEYS } from './load-tables.ts';
import { type ExpectedTable, readOracle } from './oracle.ts';
import { Random } from './random.ts';
import { tableImages } from './table-images.ts';

/** The rows that the oracle's records end in, sorted. */
function replay(table: ExpectedTable): string[] {
  const rows = new Map<string, number>();
  const add = (image: string | undefined, by: number): void => {
    if (image !== undefined) rows.set(image, (rows.get(image) ?? 0) + by);
  };
  for (const { before, after } of table.records) {
    add(before, -1);
    add(after, 1);
  }
  return [...rows].flatMap(([image, count]) => Array<string>(count).fill(image)).toSorted();
}

test("replaying the oracle's records gives the tables as MySQL has them, whatever the load did", async () => {
  // A server of its own: what is prepared in it concerns every reader of it.
  await using stack = await openStack({ mysql: true });
  const mysql = stack.mysql.address;
  const database = `oracle_${process.pid}_${Math.random().toString(36).slice(2, 8)}`;
  const connection = await createConnection(mysql);
  try {
    await connection.query('FLUSH BINARY LOGS');
    const [status] = await connection.query('SHOW BINARY LOG STATUS');
    const rows = 300;
    await createTables({ connection, database, rows, random: new Random(1) });
    await using load = startLoad({
      address: mysql,
      database,
      seed: 7,
      connections: 3,
      xaConnections: 2,
      rowsPerSecond: 1e6,
      bigRows: 2000,
      bigTransactions: 1,
      alterAfterRows: 500,
      rows,
    });
    while (load.stats.transactions < 500 || load.stats.xaTransactions < 20)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const { rows: changed } = await load.stop();
    const keys = new Map(Object.entries(LOAD_KEYS).map(([table, key]) => [`${database}.${table}`, key]));
    const from = (status as { File: string }[])[0]?.File as string;
    const keyOf = (table: string) => keys.get(table);
    const oracle = await readOracle({ mysqlbinlog: await mysqlProgram('mysqlbinlog'), address: mysql, keyOf, from });
    expect(oracle.changes).toBeGreaterThan(changed / 4);
    for (const [name, table] of oracle.tables) {
      expect(replay(table)).toEqual(await tableImages(connection, name));
    }
    expect([...oracle.tables.keys()].toSorted()).toEqual([...keys.keys()].toSorted());
  } finally {
    await connection.query(`DROP DATABASE IF EXISTS ${database}`);
    await connection.end();
  }
});
