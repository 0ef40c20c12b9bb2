import { openStack, type SqlAddress, type StackBase, testServers } from '@tapline/test-stack';
import { Scene, type Sql } from '../scene.ts';
import type { Config } from '../service.ts';
import type { Row, TopicReader, TopicRecord } from '../topic.ts';
import type { Server, TypeColumn } from './column.ts';
import { createStatement, insertStatements, type MatrixTable } from './matrix.ts';

/** What came of one table: by row, the first column of the key rising. */
export interface TableOutcome {
  /** What SELECT prints of each column. */
  readonly selected: readonly (readonly (string | null)[])[];
  /** The records of the reader that loaded the rows, and of the one that saw them in the binlog. */
  readonly loaded: readonly TopicRecord[];
  readonly streamed: readonly TopicRecord[];
}

/** How the readers write, and how their topics are read. */
export interface MatrixFormat {
  readonly config: Config;
  read(topics: TopicReader, topic: string): Promise<TopicRecord[]>;
}

/**
 * How much the binlog says of columns while rows are inserted, and while they are updated: what an insert made must be, byte for byte, what the update
 * begins with. On a server of the run's own, as there is one setting for all of its sessions.
 */
export interface MetadataChange {
  readonly inserts: 'MINIMAL' | 'NO_LOG';
  readonly updates: 'FULL';
}

const AVRO: MatrixFormat = { config: {}, read: (topics, topic) => topics.read(topic) };

const SHARED = ['mysql', 'mysql80', 'mariadb'] as const;

/** Records of one kind in the order of their keys. */
export function ofOp(records: readonly TopicRecord[], op: TopicRecord['op']): TopicRecord[] {
  return records.filter((record) => record.op === op).sort((a, b) => Number(a.key?.id) - Number(b.key?.id));
}

/** The decoded column in the words of a SELECT. */
export function decodedText(row: Row | undefined, { name, text }: TypeColumn): string | null {
  const value = row?.[name];
  return value === null || value === undefined ? null : text(value as never);
}

/**
 * Fills the tables of the matrix on this server and follows them with two readers: one begins with a first load, the other gets the
 * same rows from the binlog; both get them once more as images of updates and deletes. A version that no other test uses runs only
 * as long as this takes.
 */
export async function runMatrix(
  server: Server,
  tables: readonly MatrixTable[],
  format: MatrixFormat = AVRO,
  metadata?: MetadataChange,
): Promise<ReadonlyMap<string, TableOutcome>> {
  await using own = await openStack({});
  const { kafka } = await testServers('kafka');
  const address = metadata === undefined ? await addressOf(server, own) : (await own.add(server)).address;
  await using scene = await Scene.open({ mysql: address, brokers: kafka.brokers });
  const { sql, source } = scene;
  const beforeTables = await committed(sql, server);
  for (const table of tables) await sql.run(createStatement(table));
  // Where the binlog does not name the members of ENUMs, only the statement that made them does so exactly.
  const gtidSet = metadata === undefined ? await committed(sql, server) : beforeTables;
  if (SINCE_FUNCTIONAL_KEYS.has(server)) await sql.run('CREATE INDEX by_sum ON types ((touched + 1))');
  if (metadata !== undefined) await sql.run(`SET GLOBAL binlog_row_metadata = ${metadata.inserts}`);
  for (const table of tables) await sql.run(...insertStatements(table));
  const selected = new Map<string, (string | null)[][]>();
  for (const { name, columns } of tables) selected.set(name, await selectedTexts(sql, name, columns));
  const rowsOf = (name: string): number => selected.get(name)?.length ?? 0;

  const wide = { ...format.config, topics: { config: { 'max.message.bytes': String(32 << 20) } } };
  const loads = await scene.reader(wide);
  const streams = await scene.reader({
    ...wide,
    name: `${source}_s`,
    snapshot: { mode: 'never' },
    start: { gtidSet },
  });
  const arrived = async (factor: number): Promise<void> => {
    for (const { name } of tables) {
      await scene.records(loads, name, rowsOf(name) * factor);
      await scene.records(streams, name, rowsOf(name) * factor, `${source}_s`);
    }
  };
  await arrived(1);
  if (metadata !== undefined) await sql.run(`SET GLOBAL binlog_row_metadata = ${metadata.updates}`);
  for (const { name } of tables) {
    await sql.run(`UPDATE ${name} SET touched = 1 ORDER BY id`, `DELETE FROM ${name} ORDER BY id`);
  }
  await arrived(4);
  for (const reader of [loads, streams]) {
    const code = await reader.stop();
    if (code !== 0) throw new Error(`a reader ended with ${code}: ${await reader.output()}`);
  }
  const outcomes = tables.map(
    async ({ name }): Promise<[string, TableOutcome]> => [
      name,
      {
        selected: selected.get(name) ?? [],
        loaded: await format.read(scene.topics, scene.topic(name)),
        streamed: await format.read(scene.topics, scene.topic(name, `${source}_s`)),
      },
    ],
  );
  return new Map(await Promise.all(outcomes));
}

/** Such an index makes a hidden column, which a reader must not take for one of the table's. */
const SINCE_FUNCTIONAL_KEYS: ReadonlySet<Server> = new Set(['mysql80', 'mysql']);

/** What the server has committed, as a place to begin at. */
export async function committed(sql: Sql, server: Server): Promise<string> {
  const variable = server.startsWith('mariadb') ? '@@GLOBAL.gtid_binlog_pos' : '@@GLOBAL.gtid_executed';
  return (await sql.value(`SELECT ${variable}`)).replaceAll(/\s/g, '');
}

/** The address of a server that many tests share, or of one started in `own`. */
export async function addressOf(server: Server, own: StackBase): Promise<SqlAddress> {
  const shared = SHARED.find((name) => name === server);
  if (shared !== undefined) return (await testServers(shared))[shared];
  return (await own.add(server)).address;
}

/** What SELECT prints of each column, by row. */
export async function selectedTexts(
  sql: Sql,
  table: MatrixTable['name'],
  columns: readonly TypeColumn[],
): Promise<(string | null)[][]> {
  const list = columns.map(({ name, select }) => select ?? name).join(', ');
  const rows = await sql.rows(`SELECT ${list} FROM ${table} ORDER BY id`);
  return rows.map((row) => row.map((text, at) => comparable(text, columns[at])));
}

/** A SELECT's numbers in the form that JavaScript prints; the sign of zero stays. */
function comparable(text: string | null, column: TypeColumn | undefined): string | null {
  if (text === null || column === undefined || !/^(?:float|double)/.test(column.type)) return text;
  const value = Number(text);
  return Object.is(value, -0) ? '-0' : String(value);
}
