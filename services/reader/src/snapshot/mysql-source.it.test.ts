import { expect, test } from '@jest/globals';
import { compileEnvelope, type TableEnvelope } from '@tapline/envelope';
import { connect } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import { testServers } from '@tapline/test-stack';
import type { Routes } from '../publish/routes.ts';
import { MysqlChunkSource } from './mysql-source.ts';

const DATABASE = `it_source_${process.pid}_${Date.now()}`;

test('a column renamed between the description of a table and its SELECT: the table is described again', async () => {
  const { mysql: address } = await testServers('mysql');
  const signal = AbortSignal.timeout(300_000);
  await using root = await connect(address);
  await root.execute(`CREATE DATABASE ${DATABASE}`);
  try {
    await root.execute(`CREATE TABLE ${DATABASE}.t (id INT PRIMARY KEY, a INT)`);
    await root.execute(`INSERT INTO ${DATABASE}.t VALUES (1, 11), (2, 22)`);
    const described: string[][] = [];
    let envelope: TableEnvelope | undefined;
    const routes = {
      openTables: async ([table]: readonly Table[]): Promise<void> => {
        if (table === undefined) return;
        described.push(table.columns.map(({ name }) => name));
        envelope = compileEnvelope({ source: 'it', table, keyColumns: ['id'] });
        if (described.length === 2) await root.execute(`ALTER TABLE ${DATABASE}.t RENAME COLUMN a TO b`);
      },
      ofTable: () => ({ envelope }),
    };
    await using source = new MysqlChunkSource({
      address,
      tracking: 'mysql',
      routes: routes as unknown as Routes,
      isLoaded: () => true,
      settle: async () => {},
    });
    const table = `${DATABASE}.t`;
    expect(await source.open([table], signal)).toEqual(new Map([[table, 'ready']]));
    await root.execute(`ALTER TABLE ${DATABASE}.t COMMENT 'described anew, and renamed right behind it'`);
    const chunk = await source.read(table, undefined, { rows: 10, bytes: 1 << 20 }, signal);
    expect(chunk.rows.map((row) => row.slice(0, 2).map(String))).toEqual([
      ['1', '11'],
      ['2', '22'],
    ]);
    expect(described).toEqual([
      ['id', 'a'],
      ['id', 'a'],
      ['id', 'b'],
    ]);
  } finally {
    await root.execute(`DROP DATABASE ${DATABASE}`);
  }
});
