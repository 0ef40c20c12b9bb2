import {
  type KafkaCluster,
  type ManagedProcess,
  type MysqlServer,
  openStack,
  type SqlServer,
  type StackBase,
} from '@tapline/test-stack';
import type { BenchOptions } from '../options.ts';
import { CpuMeter } from '../processes.ts';
import { countRecords } from '../record-count.ts';
import { type BinlogEnd, binlogEnd } from '../rows.ts';
import { aliveCheck, createReader, topicOf, untilLogged } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import { type PartName, SHAPES, type Shape, type ShapeName } from './shapes.ts';
import { makeNumbers } from './sql.ts';

export type ShapeStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/** The table that gets a row before the load and one after each of its parts: their records say when the reader is there. */
const EDGE = 'edge';
/** Rows of the narrow shape when all are at their full length. */
const FULL_ROWS = SHAPES.narrow.rows;
const COMPLETE_MS = 300_000;
/** A reader that stands still while rows are loaded must not take the time for silence of its source when it goes on: that would be four of these. */
const HEARTBEAT_MS = 60_000;

export async function openShapeStack({ forSpeed, say }: Pick<BenchOptions, 'forSpeed' | 'say'>): Promise<ShapeStack> {
  const servers = {
    // One tablespace: thousands of files would make the tables slower to create, which is not measured.
    mysql: { settings: { 'innodb-file-per-table': 'OFF' } },
    // Room for the topics of 10,000 tables.
    kafka: { forSpeed, heapMib: 1024, settings: { 'broker.session.timeout.ms': '30000' } },
  };
  const stack = await openStack(servers, say);
  await makeNumbers(stack.mysql);
  return stack;
}

/** Rows of this shape, where the narrow one has `rows`. */
export function rowsOf(name: ShapeName, rows: number): number {
  return Math.max(2, Math.ceil((SHAPES[name].rows * rows) / FULL_ROWS));
}

/** What a shape has put into the binlog. */
export interface Logged {
  readonly name: ShapeName;
  readonly database: string;
  /** Of the parts that are in the binlog already, and of those that will be. */
  readonly parts: readonly LoggedPart[];
  readonly start: BinlogEnd;
  /** Bytes of its transactions in the binlog before they were compressed; undefined where none was. */
  readonly unpackedBytes: number | undefined;
}

export interface LoggedPart {
  readonly name: PartName;
  readonly rows: number;
  /** Puts it into the binlog, and an edge behind it; undefined of the first one, which is there. */
  readonly log: (() => Promise<void>) | undefined;
}

export async function makeTables({ mysql }: ShapeStack, name: ShapeName, rows: number): Promise<void> {
  const database = databaseOf(name);
  const edge = `CREATE TABLE ${database}.${EDGE} (id INT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL)`;
  await mysql.execute(`CREATE DATABASE ${database}; ${edge}`);
  await SHAPES[name].prepare({ mysql, database, rows });
}

/** Logs the rows of a shape whose tables are made. Of one that has parts it is the first part, and who reads them logs the others: each run needs a log of its own. */
export async function logRows({ mysql }: ShapeStack, name: ShapeName, rows: number): Promise<Logged> {
  const shape: Shape = SHAPES[name];
  const database = databaseOf(name);
  const start = await binlogEnd(mysql);
  const unpackedBefore = await unpackedBytes(mysql);
  const edge = async (): Promise<void> => mysql.execute(`INSERT INTO ${database}.${EDGE} (k) VALUES (1)`);
  const load = async (from: number, to: number): Promise<void> => {
    await shape.load({ mysql, database, rows, from, to });
    await edge();
  };
  await edge();
  const parts: LoggedPart[] = [];
  let from = 0;
  for (const part of shape.parts?.(rows) ?? [{ name: 'open', rows }]) {
    const [first, end] = [from, from + part.rows];
    if (first === 0) await load(first, end);
    parts.push({ ...part, log: first === 0 ? undefined : async () => load(first, end) });
    from = end;
  }
  const unpacked = (await unpackedBytes(mysql)) - unpackedBefore;
  return { name, database, parts, start, unpackedBytes: unpacked === 0 ? undefined : unpacked };
}

const databaseOf = (name: ShapeName): string => `bench_${name}`;

/** Bytes of all transactions that were compressed since the server began, before they were. */
export async function unpackedBytes(mysql: SqlServer): Promise<number> {
  const connection = await mysql.connect();
  try {
    const [rows] = await connection.query(
      "SELECT COALESCE(SUM(UNCOMPRESSED_BYTES_COUNTER), 0) AS bytes FROM performance_schema.binary_log_transaction_compression_stats WHERE LOG_TYPE = 'BINARY' AND COMPRESSION_TYPE = 'ZSTD'",
    );
    return Number((rows as { bytes: string | number }[])[0]?.bytes);
  } finally {
    await connection.end();
  }
}

export interface CatchUp {
  readonly reader: ManagedProcess;
  readonly startupSeconds: number;
  readonly parts: readonly MeasuredPart[];
}

export interface MeasuredPart {
  readonly name: PartName;
  readonly rows: number;
  /** The record in front of it was there and the reader ran, its last record was there: ms of performance.now(). */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Between the two. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

/**
 * Runs a reader through what was logged, from its launch to the last record's acknowledgement; it runs on. The reader stands still while a part behind the first one is
 * logged: rows of two parts at once could not be told apart.
 *
 * @throws when a record is missing, or one of a part that has not begun is there.
 */
export async function catchUp(
  stack: ShapeStack,
  source: string,
  { name, database, parts, start }: Logged,
  nodeFlags: readonly string[] = [],
): Promise<CatchUp> {
  const { partitions } = SHAPES[name];
  const difference = { database, partitions, nodeFlags, heartbeatMs: HEARTBEAT_MS };
  const reader = await createReader(stack, source, start.gtidSet, difference);
  await using edge = await TopicWatch.open(stack.kafka.address.brokers, topicOf(source, database, EDGE));
  const launchedMs = performance.now();
  await reader.launch();
  const alive = aliveCheck(reader);
  // Looking for the edge lists all topics, which takes the broker's time where they are thousands.
  if (name === 'many') await untilLogged(reader, '"message":"streaming"');
  await edge.until(1, alive);
  const startupSeconds = (performance.now() - launchedMs) / 1000;
  const pids = { reader: reader.pid, broker: stack.kafka.broker(1).process.pid, mysqld: stack.mysql.process.pid };
  const measured: MeasuredPart[] = [];
  let records = 1;
  for (const { name: what, rows, log } of parts) {
    if (log !== undefined) {
      reader.pause();
      await log();
      if ((await edge.records()) > measured.length + 1)
        throw new Error(`rows of the part ${what} were read before it began`);
      reader.resume();
    }
    const meter = new CpuMeter(pids);
    const firstMs = performance.now();
    await edge.until(measured.length + 2, alive);
    measured.push({ name: what, rows, firstMs, lastMs: performance.now(), cpuSeconds: meter.used() });
    records += rows + 1;
  }
  await allThere(stack, `${source}.${database}.`, records, alive);
  return { reader, startupSeconds, parts: measured };
}

/** The edge's last record is the last one appended, not always the last one acknowledged. @throws when a record is missing for good. */
async function allThere(stack: ShapeStack, prefix: string, records: number, alive: () => void): Promise<void> {
  const end = performance.now() + COMPLETE_MS;
  for (;;) {
    alive();
    const found = await countRecords(stack.kafka, prefix);
    if (found === records) return;
    if (found > records || performance.now() > end) {
      throw new Error(`${found} records stand in the topics ${prefix}*, there should be ${records}`);
    }
  }
}
