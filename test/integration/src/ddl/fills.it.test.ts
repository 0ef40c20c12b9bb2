import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compileEnvelope } from '@tapline/envelope';
import { connect, type MysqlConnection, readCollationBook, readSchemaState } from '@tapline/mysql';
import {
  Catalog,
  type Column,
  type DdlServer,
  readDdl,
  serverVersionNumber,
  type Table,
  tableOfState,
} from '@tapline/schema';
import { testServers } from '@tapline/test-stack';
import { uniqueName } from '../scene.ts';
import { avroType } from '../topic.ts';
import { messageOfSelect } from './row-check.ts';

/*
 * What rows have in a NOT NULL column that was added after they were written: the default in the Avro schema, by which a consumer reads an old record, is what the server says
 * of the old row. avsc resolves the schemas, the server computes the values.
 */

/** Definitions of columns whose old rows have one value that the statement tells. */
const TOLD: readonly string[] = [
  ...['TINYINT', 'SMALLINT UNSIGNED', 'MEDIUMINT', 'INT UNSIGNED', 'BIGINT', 'BIGINT UNSIGNED', 'TINYINT(1)'],
  ...[
    'INT DEFAULT -5',
    "INT DEFAULT '7'",
    'INT DEFAULT +8',
    'INT DEFAULT TRUE',
    "INT DEFAULT b'101'",
    'INT DEFAULT 0x10',
  ],
  ...['BIGINT DEFAULT -9007199254740991', 'BIGINT UNSIGNED DEFAULT 18446744073709551615', 'INT ZEROFILL DEFAULT 12'],
  ...['DECIMAL(10,2)', 'DECIMAL(10,2) DEFAULT 1.5', "DECIMAL(10,2) DEFAULT '-0.05'", 'DECIMAL(5,0) DEFAULT 12.0'],
  ...['DECIMAL(65,30) DEFAULT -12345678901234567890.5', 'DECIMAL(4,2) DEFAULT .25', 'DECIMAL(4,2) DEFAULT -0.00'],
  ...['FLOAT', 'FLOAT DEFAULT 0.1', 'DOUBLE DEFAULT 1e-5', "DOUBLE DEFAULT '-2.5'", 'FLOAT(7,2) DEFAULT 1.25'],
  ...['BIT(1)', "BIT(1) DEFAULT b'1'", "BIT(9) DEFAULT b'100000001'", 'BIT(64) DEFAULT 5', 'BIT(20)'],
  ...['YEAR', 'YEAR DEFAULT 2024', "YEAR DEFAULT '1999'", 'YEAR DEFAULT 0'],
  ...['DATE', "DATE DEFAULT '2020-02-29'", "DATE DEFAULT '0000-00-00'", "DATE DEFAULT '1000-01-00'"],
  ...[
    'DATETIME',
    'DATETIME(3)',
    'DATETIME(6)',
    "DATETIME DEFAULT '2020-02-29 12:34:56'",
    "DATETIME DEFAULT '1969-12-31'",
  ],
  ...["DATETIME(6) DEFAULT '2020-02-29 12:34:56.789'", 'DATETIME DEFAULT 0'],
  ...['TIMESTAMP DEFAULT 0', "TIMESTAMP(6) DEFAULT '0000-00-00 00:00:00'"],
  ...['TIME', "TIME DEFAULT '-838:59:59'", "TIME(3) DEFAULT '12:34:56.5'"],
  ...[
    'CHAR(5)',
    'VARCHAR(20)',
    "CHAR(5) DEFAULT 'a  '",
    "VARCHAR(20) DEFAULT ' it''s \\\\ \\n ä😀 '",
    "VARCHAR(9) DEFAULT ''",
  ],
  ...[
    "VARCHAR(20) CHARACTER SET latin1 DEFAULT 'é€'",
    "VARCHAR(20) CHARACTER SET utf16 DEFAULT 'ä'",
    'VARCHAR(9) DEFAULT 5',
  ],
  ...["VARCHAR(20) DEFAULT _utf8mb4'plain'", "VARCHAR(20) DEFAULT x'4d79'", "VARCHAR(9) DEFAULT N'n'"],
  ...['TINYTEXT', 'TEXT', 'LONGTEXT', 'BLOB', 'MEDIUMBLOB'],
  ...[
    'BINARY(4)',
    "BINARY(4) DEFAULT 'ab'",
    'VARBINARY(9)',
    "VARBINARY(9) DEFAULT x'00ff7f'",
    "VARBINARY(9) DEFAULT 'a '",
  ],
  ...[
    "ENUM('x','y')",
    "ENUM('x','Y') DEFAULT 'Y'",
    "ENUM('x','Y') DEFAULT 'y'",
    "ENUM('','é') DEFAULT 'é'",
    "ENUM('?','b')",
  ],
  ...["SET('a','b','c')", "SET('a','b','c') DEFAULT 'c,a'", "SET('a','b') DEFAULT ''", "SET('?','b') DEFAULT '?,b'"],
  'JSON',
];

const TOLD_BY: Readonly<Record<'mysql' | 'mariadb', readonly string[]>> = {
  mysql: [
    "TEXT DEFAULT ('a')",
    "JSON DEFAULT ('{}')",
    'JSON DEFAULT (JSON_ARRAY())',
    'INT DEFAULT (-3)',
    "BLOB DEFAULT ('b')",
  ],
  mariadb: [
    "TEXT DEFAULT 'a'",
    'JSON DEFAULT \'{"a": 1}\'',
    'JSON DEFAULT (JSON_OBJECT())',
    'UUID',
    'INET6',
    "BLOB DEFAULT 'b'",
  ],
};

/** Definitions whose old rows have what only the server knows. */
const UNTOLD: readonly string[] = [
  ...['INT DEFAULT 5.5', 'DECIMAL(4,1) DEFAULT 1.25', 'INT DEFAULT (id + 1)', "CHAR(36) DEFAULT (CONCAT('a', id))"],
  ...[
    "DATE DEFAULT '20200229'",
    "TIMESTAMP DEFAULT '2020-02-29 12:34:56'",
    'BIGINT DEFAULT 9223372036854775807',
    'POINT',
  ],
  'INT AS (id + 1) STORED',
];

/** The time of the statement in the session's time zone: the default is the date that is none. */
const NOW: readonly string[] = [
  'DATETIME DEFAULT CURRENT_TIMESTAMP',
  'DATETIME(6) DEFAULT NOW(6)',
  'TIMESTAMP DEFAULT NOW()',
];

interface Field {
  readonly name: string;
  readonly default?: unknown;
}

function withoutFill(column: Column): Column {
  const { fill: _, ...rest } = column;
  return rest;
}

function schemaOf(table: Table): string {
  return compileEnvelope({ source: 's', table, keyColumns: table.primaryKey }).valueSchema;
}

function fieldsOf(schema: string): readonly Field[] {
  const { fields } = JSON.parse(schema) as {
    fields: readonly { type: readonly [null, { fields: readonly Field[] }] }[];
  };
  return fields[0]?.type[1].fields ?? [];
}

/** What stands behind the framing, read by a schema that may be another one than the writer's. */
function rowOf(message: Buffer, writer: string, reader: string): Readonly<Record<string, unknown>> {
  const type = avroType(reader);
  const resolver = type.createResolver(avroType(writer));
  return (type.fromBuffer(message.subarray(5), resolver) as { after: Readonly<Record<string, unknown>> }).after;
}

describe.each(['mysql', 'mariadb'] as const)('old rows of %s', (kind) => {
  const database = uniqueName('fills');
  let connection: MysqlConnection;
  let catalog: Catalog;
  let server: DdlServer;

  beforeAll(async () => {
    const { [kind]: address } = await testServers(kind);
    connection = await connect(address);
    const text = { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' };
    catalog = new Catalog({ lowerCaseTableNames: 0, book: await readCollationBook(connection), serverText: text });
    server = { flavor: kind, version: serverVersionNumber(connection.version), explicitTimestamps: kind === 'mysql' };
    await connection.execute(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
    await connection.execute(`USE ${database}`);
    await connection.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+02:00'");
  });
  afterAll(async () => {
    await connection?.execute(`DROP DATABASE IF EXISTS ${database}`);
    await connection?.[Symbol.asyncDispose]();
  });

  async function run(sql: string): Promise<void> {
    await connection.execute(sql);
    const ddl = readDdl(sql, database, server);
    if (ddl !== undefined) catalog.apply(ddl, server);
  }

  async function tableOf(name: string): Promise<Table> {
    const state = catalog.table({ database, name });
    if (state === undefined) throw new Error(`no table ${name}`);
    const matches = (one: string, table: string): boolean => one === database && table === name;
    const [seen] = [...(await readSchemaState(connection, { mayMatchIn: (one) => one === database, matches })).tables];
    // So that what is compared is the fill alone.
    expect(state.columns.map(withoutFill)).toEqual(seen?.columns);
    return tableOfState(state);
  }

  async function withColumns(
    name: string,
    definitions: readonly string[],
  ): Promise<{ before: Table; old: Buffer; after: Table }> {
    await run(`CREATE TABLE ${name} (id INT PRIMARY KEY)`);
    await connection.execute(`INSERT INTO ${name} VALUES (1)`);
    const before = await tableOf(name);
    const old = await messageOfSelect(connection, before);
    const added = definitions.map((definition, i) => {
      const [, type = '', rest = ''] = /^(.*?)((?: DEFAULT | AS ).*)?$/s.exec(definition) ?? [];
      return `ADD COLUMN c${i} ${rest.startsWith(' AS ') ? `${definition} NOT NULL` : `${type} NOT NULL${rest}`}`;
    });
    await run(`ALTER TABLE ${name} ${added.join(', ')}`);
    return { before, old, after: await tableOf(name) };
  }

  test('have in columns with a constant default what the Avro schema says', async () => {
    const definitions = [...TOLD, ...TOLD_BY[kind]];
    const { before, old, after } = await withColumns('told', definitions);
    const [writer, reader] = [schemaOf(before), schemaOf(after)];
    const lacking = fieldsOf(reader).filter((field) => field.name !== 'id' && field.default === undefined);
    expect(lacking.map(({ name }) => definitions[Number(name.slice(1))])).toEqual([]);
    const byDefault = rowOf(old, writer, reader);
    const byServer = rowOf(await messageOfSelect(connection, after), reader, reader);
    for (const [i, definition] of definitions.entries()) {
      expect({ definition, value: byDefault[`c${i}`] }).toEqual({ definition, value: byServer[`c${i}`] });
    }
  });

  test('have what nobody knows without the server, and then there is no default; a time of now is the date that is none', async () => {
    // MariaDB's computed columns are never NOT NULL; MySQL adds no shape to rows, as there is no empty one.
    const refused = kind === 'mysql' ? 'POINT' : 'INT AS (id + 1) STORED';
    const untold = UNTOLD.filter((definition) => definition !== refused);
    const { before, old, after } = await withColumns('untold', [...NOW, ...untold]);
    const fields = fieldsOf(schemaOf(after));
    const given = fields.filter((field) => field.default !== undefined).map(({ name }) => name);
    expect(given).toEqual(NOW.map((_, i) => `c${i}`));
    const { columns, ...rest } = after;
    const shown = { ...rest, columns: columns.slice(0, 1 + NOW.length) };
    const row = rowOf(old, schemaOf(before), schemaOf(shown));
    expect(row).toEqual({
      id: 1,
      c0: -9_000_000_000_000_000n,
      c1: -9_000_000_000_000_000_000n,
      c2: '0000-00-00T00:00:00Z',
    });
  });

  test('keep it when the column is renamed, moved, widened or comes by another table, and not when its meaning changes', async () => {
    const fill = (name: string, column: string): string | undefined =>
      catalog.table({ database, name })?.columns.find((one) => one.name === column)?.fill;
    await run('CREATE TABLE kept (id INT PRIMARY KEY)');
    await run(
      "ALTER TABLE kept ADD a INT NOT NULL DEFAULT 5, ADD b VARCHAR(3) NOT NULL DEFAULT 'x', ADD (c DATE NOT NULL, d INT NULL)",
    );
    await run('ALTER TABLE kept ALTER a SET DEFAULT 6, RENAME COLUMN b TO bb');
    await run('ALTER TABLE kept MODIFY a BIGINT NOT NULL FIRST, CHANGE bb b TEXT NOT NULL');
    await run('CREATE TABLE ghost LIKE kept');
    await run('RENAME TABLE kept TO away, ghost TO kept');
    expect([fill('kept', 'a'), fill('kept', 'b'), fill('kept', 'c'), fill('kept', 'd')]).toEqual([
      '5',
      'x',
      '0000-00-00',
      undefined,
    ]);
    await run('ALTER TABLE kept MODIFY a VARCHAR(9) NOT NULL, MODIFY b TEXT NULL, MODIFY c DATETIME NOT NULL');
    expect([fill('kept', 'a'), fill('kept', 'b'), fill('kept', 'c')]).toEqual([undefined, undefined, undefined]);
  });
});
