import { expect, test } from '@jest/globals';
import { type Flavor, openBinlogStream, type TableMap } from '@tapline/binlog';
import { compileEnvelope } from '@tapline/envelope';
import { connect, type MysqlAddress, readCollations, readGtids, readTables } from '@tapline/mysql';
import { testServers } from '@tapline/test-stack';
import { tableOfLayout } from './layout-table.ts';

const COLUMNS = [
  // In front of text: MariaDB counts it among the columns that have a character set.
  'geo0 GEOMETRY',
  'tiny TINYINT',
  'bool1 TINYINT(1)',
  'utiny TINYINT UNSIGNED NOT NULL DEFAULT 1',
  'small SMALLINT',
  'medium MEDIUMINT UNSIGNED',
  'big BIGINT',
  'ubig BIGINT UNSIGNED',
  'deci DECIMAL(30, 10)',
  'udeci DECIMAL(5, 0) UNSIGNED',
  'flt FLOAT',
  'dbl DOUBLE',
  'bit1 BIT',
  'bit9 BIT(9)',
  'y YEAR',
  'd DATE',
  't0 TIME',
  't6 TIME(6)',
  'dt3 DATETIME(3)',
  'ts TIMESTAMP NULL',
  'ts6 TIMESTAMP(6) NULL',
  'ch CHAR(10)',
  'chl CHAR(10) CHARACTER SET latin1',
  'vc VARCHAR(300)',
  'vcs VARCHAR(20) CHARACTER SET sjis',
  'bi BINARY(7)',
  'vb VARBINARY(9)',
  'tt TINYTEXT',
  'tx TEXT',
  'mt MEDIUMTEXT',
  'lt LONGTEXT',
  'tb TINYBLOB',
  'bl BLOB',
  'mb MEDIUMBLOB',
  'lb LONGBLOB',
  "en ENUM('a', 'ü', 'with, comma', 'it''s')",
  "enl ENUM('ä') CHARACTER SET latin1",
  "se SET('x', 'y')",
  'js JSON',
  'geo GEOMETRY',
  'po POINT',
  'poly POLYGON',
  'coll GEOMETRYCOLLECTION',
];

const COMPRESSED = [
  'vcc VARCHAR(50) COMPRESSED',
  'vbc VARBINARY(50) COMPRESSED',
  'ttc TINYTEXT COMPRESSED',
  'txc TEXT CHARACTER SET latin1 COMPRESSED',
  'lbc LONGBLOB COMPRESSED',
];

test.each([
  ['mysql', 'mysql'],
  ['mysql80', 'mysql'],
  ['mariadb', 'mariadb'],
] as const)(
  'on %s, the binlog describes every type as information_schema does: the same message schema',
  async (server, flavor) => {
    const address = (await testServers(server))[server];
    const database = `layout${process.pid}x${Math.random().toString(36).slice(2, 8)}`;
    await using connection = await connect(address);
    const own = { mysql: ['vec VECTOR(3)'], mysql80: [], mariadb: COMPRESSED }[server];
    await connection.execute(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    await connection.execute(
      `CREATE TABLE ${database}.t (b INT NOT NULL, a VARCHAR(20) NOT NULL, ${[...COLUMNS, ...own].join(', ')}, PRIMARY KEY (a, b))`,
    );
    const { executed } = await readGtids(connection);
    await connection.execute(`INSERT INTO ${database}.t (a, b) VALUES ('k', 1)`);

    const layout = await layoutOf(address, flavor, executed, database);
    const described = tableOfLayout(layout, await readCollations(connection));
    const filter = { matches: (name: string) => name === database, mayMatchIn: (name: string) => name === database };
    const [read] = await readTables(connection, filter);
    if (read === undefined) throw new Error('the table is not there');

    expect(described.primaryKey).toEqual(read.primaryKey);
    const compiled = [described, read].map((table) =>
      compileEnvelope({ source: 's', connector: flavor, table, keyColumns: read.primaryKey, wire: layout }),
    );
    expect(compiled[0]?.valueSchema).toBe(compiled[1]?.valueSchema);
    expect(compiled[0]?.keySchema).toBe(compiled[1]?.keySchema);
    // What the schema does not show, but the bytes depend on.
    const bytes = ({ name, charset, length, type }: (typeof read.columns)[number]): unknown => [
      name,
      charset,
      ['binary', 'bit', 'vector'].includes(type) ? length : undefined,
    ];
    expect(described.columns.map(bytes)).toEqual(read.columns.map(bytes));
  },
);

async function layoutOf(address: MysqlAddress, flavor: Flavor, gtidSet: string, database: string): Promise<TableMap> {
  await using stream = await openBinlogStream(
    {
      address,
      flavor,
      serverId: 2_000_000_000 + (process.pid % 100_000),
      start: { gtidSet },
      wants: (name) => name === database,
      bufferBytes: 1 << 20,
      heartbeatMs: 1000,
    },
    AbortSignal.timeout(60_000),
  );
  for (;;) {
    for (const event of await stream.pull()) if (event.kind === 'rows') return event.table;
  }
}
