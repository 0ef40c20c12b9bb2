import { randomInt } from 'node:crypto';
import { openBinlogStream, type RowImage, type RowsEvent } from '@tapline/binlog';
import {
  type AvroEnvelope,
  type ByteSink,
  type Change,
  ChangeReader,
  compileEnvelope,
  GrowingSink,
} from '@tapline/envelope';
import { connect, type MysqlConnection, readTables } from '@tapline/mysql';
import type { Table } from '@tapline/schema';
import { openStack, type SqlAddress } from '@tapline/test-stack';
import type avsc from 'avsc';
import { PLAIN_META } from '../plain-meta.ts';
import { Sql, uniqueName } from '../scene.ts';
import { avroType, type Row, rowsOf, type TopicRecord } from '../topic.ts';
import type { Server } from './column.ts';
import { createStatement, insertStatements, type MatrixTable } from './matrix.ts';
import { addressOf, committed, selectedTexts, type TableOutcome } from './run.ts';

const OPS = { insert: 'c', update: 'u', delete: 'd' } as const;

/** Where to find the changes of a run that is over, for whoever wants to read them too. */
export interface Changes {
  readonly address: SqlAddress;
  readonly database: string;
  readonly gtidSet: string;
}

export interface EncodedOutcome extends TableOutcome {
  /** What a consumer's ChangeReader makes of each record in `streamed`. */
  readonly consumed: readonly Change[];
}

/**
 * The same as `runMatrix`, through the reader's parts instead of a reader and Kafka: rows from SELECT and from the binlog, encoded, and
 * decoded by avsc. For servers that a reader refuses, and for many rows in little time. `read` is given the changes before they are
 * dropped.
 */
export async function runEncoders<T>(
  server: Server,
  tables: readonly MatrixTable[],
  read: (changes: Changes) => Promise<T>,
): Promise<{ readonly outcomes: ReadonlyMap<string, EncodedOutcome>; readonly read: T }> {
  await using own = await openStack({});
  const address = await addressOf(server, own);
  await using sql = await Sql.open(address);
  await using root = await connect(address);
  const database = uniqueName('it');
  await sql.run(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  await sql.use(database);
  const gtidSet = await committed(sql, server);
  for (const table of tables) await sql.run(createStatement(table), ...insertStatements(table));
  const encoded = new Map<string, EncodedTable>();
  for (const table of tables) encoded.set(table.name, await EncodedTable.load(root, sql, database, table));
  for (const { name, columns } of tables) {
    // Images that differ: each row takes the values of the next.
    const taken = columns
      .filter(({ values }) => values.length > 0)
      .map((column) => `t.${column.name} = n.${column.name}`);
    await sql.run(
      `UPDATE ${name} SET touched = 1 ORDER BY id`,
      `UPDATE ${name} t JOIN ${name} n ON n.id = t.id + 1 SET ${taken.join(', ')}`,
      `DELETE FROM ${name} ORDER BY id`,
    );
  }
  // Marks the end in the binlog.
  await sql.run('CREATE TABLE done (id int PRIMARY KEY)', 'INSERT INTO done VALUES (1)');
  const changes = { address, database, gtidSet };
  await streamInto(encoded, changes, server);
  const result = await read(changes);
  await sql.run(`DROP DATABASE ${database}`);
  return { outcomes: encoded, read: result };
}

async function streamInto(
  tables: ReadonlyMap<string, EncodedTable>,
  { address, database, gtidSet }: Changes,
  server: Server,
): Promise<void> {
  const options = {
    address,
    serverId: randomInt(100_000, 2 ** 32),
    flavor: server.startsWith('mariadb') ? 'mariadb' : 'mysql',
    start: { gtidSet },
    wants: (wanted: string) => wanted === database,
    bufferBytes: 1 << 20,
    // Silence for four times as long would end it, on a machine that is busy with others too.
    heartbeatMs: 60_000,
  } as const;
  await using stream = await openBinlogStream(options, AbortSignal.timeout(300_000));
  for (;;) {
    for (const event of await stream.pull()) {
      if (event.kind !== 'rows') continue;
      if (event.table.table === 'done') return;
      await tables.get(event.table.table)?.add(event);
    }
  }
}

/** A table's rows as they would be in its topic. */
class EncodedTable implements EncodedOutcome {
  readonly selected: TableOutcome['selected'];
  readonly loaded: TopicRecord[] = [];
  readonly streamed: TopicRecord[] = [];
  readonly consumed: Change[] = [];
  readonly #table: Table;
  #streaming: Encoder | undefined;

  private constructor(table: Table, selected: TableOutcome['selected']) {
    this.#table = table;
    this.selected = selected;
  }

  static async load(
    root: MysqlConnection,
    sql: Sql,
    database: string,
    { name, columns }: MatrixTable,
  ): Promise<EncodedTable> {
    const [table] = await readTables(root, {
      matches: (inDatabase, inTable) => inDatabase === database && inTable === name,
      mayMatchIn: (inDatabase) => inDatabase === database,
    });
    if (table === undefined) throw new Error(`no table ${name}`);
    const encoded = new EncodedTable(table, await selectedTexts(sql, name, columns));
    const encoder = new Encoder(compileEnvelope({ source: 'it', table, keyColumns: ['id'] }));
    const { selectList } = encoder.envelope;
    const rows = root.stream(`SELECT ${selectList} FROM ${database}.${name} ORDER BY id`, { bufferBytes: 1 << 20 });
    for await (const batch of rows) {
      for (const row of batch) {
        const key = (sink: ByteSink): void => encoder.envelope.writeKeyFromText(sink, row);
        encoded.loaded.push(
          encoder.write(key, (sink) => encoder.envelope.writeSnapshotValue(sink, row, PLAIN_META)).record,
        );
      }
    }
    return encoded;
  }

  async add(event: RowsEvent): Promise<void> {
    const { table, op } = event;
    this.#streaming ??= new Encoder(
      compileEnvelope({ source: 'it', table: this.#table, keyColumns: ['id'], wire: table }),
    );
    const { envelope } = this.#streaming;
    while (event.next()) {
      const before: RowImage | undefined = op === 'insert' ? undefined : event.before;
      const after: RowImage | undefined = op === 'delete' ? undefined : event.after;
      const image = after ?? event.before;
      const { record, bytes } = this.#streaming.write(
        (sink) => envelope.writeKey(sink, image),
        (sink) => envelope.writeValue(sink, OPS[op], before, after, PLAIN_META),
      );
      this.streamed.push(record);
      this.consumed.push(await this.#streaming.read(bytes));
      // Whoever loaded the rows gets what follows from the binlog too.
      if (op !== 'insert') this.loaded.push(record);
    }
  }
}

interface RecordBytes {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Writes with Tapline's encoder; reads with avsc, and as a consumer does. */
class Encoder {
  readonly envelope: AvroEnvelope;
  readonly #key: avsc.types.RecordType;
  readonly #value: avsc.types.RecordType;
  readonly #reader: ChangeReader;

  constructor(envelope: AvroEnvelope) {
    this.envelope = envelope;
    envelope.bind({ key: 1, value: 2 });
    this.#key = avroType(envelope.keySchema ?? '');
    this.#value = avroType(envelope.valueSchema);
    this.#reader = new ChangeReader({
      schema: async (id) => (id === 1 ? (envelope.keySchema ?? '') : envelope.valueSchema),
    });
  }

  write(
    writeKey: (sink: ByteSink) => void,
    writeValue: (sink: ByteSink) => void,
  ): { readonly record: TopicRecord; readonly bytes: RecordBytes } {
    const key = written(writeKey);
    const value = written(writeValue);
    const decoded = this.#value.fromBuffer(value.subarray(5)) as { op: 'c'; before?: Row; after?: Row };
    const record: TopicRecord = {
      partition: 0,
      offset: '0',
      key: this.#key.fromBuffer(key.subarray(5)) as Row,
      op: decoded.op,
      bytes: key.length + value.length,
      ...rowsOf(this.#value, value, decoded),
    };
    return { record, bytes: { key, value } };
  }

  async read(bytes: RecordBytes): Promise<Change> {
    return await this.#reader.read({
      topic: 't',
      partition: 0,
      offset: '0',
      headers: { v: Buffer.alloc(8) },
      ...bytes,
    });
  }
}

function written(write: (sink: GrowingSink) => void): Buffer {
  const sink = new GrowingSink(1 << 12);
  write(sink);
  return Buffer.from(sink.written());
}
