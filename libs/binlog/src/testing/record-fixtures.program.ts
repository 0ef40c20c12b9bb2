/*
 * Records the golden files anew: node libs/binlog/src/testing/record-fixtures.program.ts [name …]
 * Each is the first binlog file of a fresh server, with its lines as the decoder of today gives them; look at the difference, and let
 * golden.it.test.ts compare the lines with mysqlbinlog, before they are committed.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStack, type ServerKind } from '@tapline/test-stack';
import { decodeFile, eventLines } from './decode-file.ts';
import {
  commonTypes,
  compressedColumns,
  mariadbTypes,
  mysqlTypes,
  partialJson,
  rowImages,
  statements,
  vectors,
  xa,
} from './fixture-statements.ts';

type Kind = ServerKind & ('mysql' | 'mysql80' | 'mysql57' | 'mariadb' | 'mariadb105' | 'mariadb118');

interface Fixture {
  readonly server: Kind;
  readonly settings?: Readonly<Record<string, string>>;
  readonly statements: readonly string[];
}

const NO_GTIDS = { 'gtid-mode': 'OFF', 'enforce-gtid-consistency': 'OFF', 'binlog-checksum': 'NONE' };
const COMPRESSED = { 'binlog-transaction-compression': 'ON' };
const MARIADB_COMPRESSED = { 'log-bin-compress': 'ON', 'log-bin-compress-min-len': '10' };

const FIXTURES: Readonly<Record<string, Fixture>> = {
  'mysql-5.7': { server: 'mysql57', statements: [...commonTypes, ...mysqlTypes, ...statements] },
  'mysql-5.7-nochecksum': { server: 'mysql57', settings: NO_GTIDS, statements: [...rowImages, ...xa] },
  'mysql-8.0': { server: 'mysql80', statements: [...commonTypes, ...mysqlTypes, ...statements] },
  'mysql-8.0-partial-json': { server: 'mysql80', statements: [...partialJson, ...xa] },
  'mysql-9.7-images': { server: 'mysql', statements: [...rowImages, ...vectors, ...xa] },
  'mysql-9.7-partial-json': { server: 'mysql', statements: partialJson },
  'mysql-9.7-compressed-xa': { server: 'mysql', settings: COMPRESSED, statements: [...partialJson, ...xa] },
  'mariadb-10.5': { server: 'mariadb105', statements: [...commonTypes, ...rowImages, ...xa] },
  'mariadb-10.11-columns': { server: 'mariadb', statements: [...mariadbTypes, ...compressedColumns, ...xa] },
  'mariadb-11.8': { server: 'mariadb118', statements: [...commonTypes, ...mariadbTypes, ...rowImages, ...xa] },
  'mariadb-11.8-compressed': {
    server: 'mariadb118',
    settings: MARIADB_COMPRESSED,
    statements: [...compressedColumns, ...statements],
  },
};

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures');

async function record(name: string, { server: kind, settings = {}, statements: given }: Fixture): Promise<void> {
  await using stack = await openStack({});
  const server = await stack.add(kind, { settings });
  const connection = await server.connect({ charset: 'utf8mb4', multipleStatements: false });
  const prelude = [
    "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00', timestamp = 1700000000",
    'CREATE DATABASE shop CHARACTER SET utf8mb4',
    'USE shop',
  ];
  for (const statement of [...prelude, ...given, 'FLUSH BINARY LOGS']) {
    // On one line, as each event is one line of the text.
    await connection.query(statement.replaceAll(/\n\s*/g, ''));
  }
  await connection.end();
  const file = await readFile(join(stack.folder, kind, 'data', 'binlog.000001'));
  const lines: string[] = [];
  await decodeFile(file, (event) => lines.push(...eventLines(event)));
  await writeFile(join(FOLDER, `${name}.bin`), file);
  await writeFile(join(FOLDER, `${name}.txt`), `${lines.join('\n')}\n`);
}

const asked = process.argv.slice(2);
for (const [name, fixture] of Object.entries(FIXTURES)) {
  if (asked.length === 0 || asked.includes(name)) await record(name, fixture);
}
