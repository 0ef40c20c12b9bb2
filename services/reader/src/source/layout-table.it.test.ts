import { expect, test } from '@jest/globals';
import { type Flavor, openBinlogStream, type RowsEvent, type TableMap } from '@tapline/binlog';
import { compileEnvelope, GrowingSink } from '@tapline/envelope';
import { connect, type MysqlAddress, readCollations, readGtids, readTables } from '@tapline/mysql';
import { openStack, testServers } from '@tapline/test-stack';
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
    const described = tableOfLayout(layout, { flavor, collations: await readCollations(connection), tables: [] });
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

test('MariaDB’s own temporal format: without a fraction as SELECT gives it, with one refused, because the binlog does not tell it', async () => {
  await using stack = await openStack({});
  const { address } = await stack.add('mariadb', { settings: { 'mysql56-temporal-format': 'OFF' } });
  await using connection = await connect(address);
  await connection.execute("SET SESSION sql_mode = '', time_zone = '+00:00'");
  await connection.execute('CREATE DATABASE old');
  const { executed } = await readGtids(connection);
  await connection.execute('CREATE TABLE old.t (ti TIME, dt DATETIME, ts TIMESTAMP NULL, id INT PRIMARY KEY)');
  await connection.execute(
    "INSERT INTO old.t VALUES ('-838:59:59', '9999-12-31 23:59:59', '2038-01-19 03:14:07', 1), ('12:34:56', '2020-00-15 01:02:03', '1970-01-01 00:00:01', 2), (NULL, '0000-00-00 00:00:00', '0000-00-00 00:00:00', 3)",
  );
  const filter = { matches: (name: string) => name === 'old', mayMatchIn: (name: string) => name === 'old' };
  const tables = await readTables(connection, filter);
  const facts = { flavor: 'mariadb', collations: await readCollations(connection), tables } as const;
  const keys: Buffer[] = [];
  const layout = await layoutOf(address, 'mariadb', executed, 'old', (event) => {
    const envelope = compileEnvelope({
      source: 's',
      table: tableOfLayout(event.table, facts),
      keyColumns: ['ti', 'dt', 'ts', 'id'],
      wire: event.table,
    });
    envelope.bind({ key: 1, value: 2 });
    while (event.next()) keys.push(written((sink) => envelope.writeKey(sink, event.after)));
  });
  const envelope = compileEnvelope({ source: 's', table: tables[0]!, keyColumns: ['ti', 'dt', 'ts', 'id'] });
  envelope.bind({ key: 1, value: 2 });
  const selected: Buffer[] = [];
  const rows = connection.stream(`SELECT ${envelope.selectList} FROM old.t ORDER BY id`, { bufferBytes: 1 << 20 });
  for await (const batch of rows) {
    for (const row of batch) selected.push(written((sink) => envelope.writeKeyFromText(sink, row)));
  }
  expect(selected.length).toBe(3);
  expect(keys).toEqual(selected);

  const refused = expect.objectContaining({ code: 'SCHEMA_UNSUPPORTED', place: { table: 'old.t' } });
  expect(() => tableOfLayout(layout, { ...facts, tables: [] })).toThrow(refused);
  await connection.execute('ALTER TABLE old.t MODIFY ti TIME(3)');
  const now = await readTables(connection, filter);
  expect(() => tableOfLayout(layout, { ...facts, tables: now })).toThrow(refused);
});

function written(write: (sink: GrowingSink) => void): Buffer {
  const sink = new GrowingSink();
  write(sink);
  return sink.written();
}

async function layoutOf(
  address: MysqlAddress,
  flavor: Flavor,
  gtidSet: string,
  database: string,
  each: (event: RowsEvent) => void = () => undefined,
): Promise<TableMap> {
  await using stream = await openBinlogStream(
    {
      address,
      flavor,
      serverId: 2_000_000_000 + (process.pid % 100_000),
      start: { gtidSet },
      wants: (name) => name === database,
      bufferBytes: 1 << 20,
      heartbeatMs: 15_000,
    },
    AbortSignal.timeout(300_000),
  );
  for (;;) {
    for (const event of await stream.pull()) {
      if (event.kind !== 'rows') continue;
      each(event);
      return event.table;
    }
  }
}
