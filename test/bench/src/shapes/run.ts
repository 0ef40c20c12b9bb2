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
const COMPLETE_MS = 60_000;

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
  readonly rows: number;
  readonly parts: readonly { readonly name: PartName; readonly rows: number }[];
  readonly start: BinlogEnd;
  /** Bytes of its transactions in the binlog before they were compressed; undefined where none was. */
  readonly unpackedBytes: number | undefined;
}

export async function logRows({ mysql }: ShapeStack, name: ShapeName, rows: number): Promise<Logged> {
  const shape: Shape = SHAPES[name];
  const database = `bench_${name}`;
  await mysql.execute(`CREATE DATABASE ${database}; CREATE TABLE ${database}.${EDGE} (id INT PRIMARY KEY)`);
  await shape.prepare({ mysql, database, rows });
  const start = await binlogEnd(mysql);
  const unpackedBefore = await unpackedBytes(mysql);
  const edge = async (id: number): Promise<void> => mysql.execute(`INSERT INTO ${database}.${EDGE} VALUES (${id})`);
  const parts = shape.parts?.(rows) ?? [{ name: 'open', rows }];
  await edge(1);
  let from = 0;
  for (const [part, { rows: length }] of parts.entries()) {
    await shape.load({ mysql, database, rows, from, to: from + length });
    from += length;
    await edge(part + 2);
  }
  const unpacked = (await unpackedBytes(mysql)) - unpackedBefore;
  return { name, database, rows, parts, start, unpackedBytes: unpacked === 0 ? undefined : unpacked };
}

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
  /** The first record was there, the last one was, ms of performance.now(). */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly startupSeconds: number;
  /** Between the two. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  readonly parts: readonly MeasuredPart[];
}

export interface MeasuredPart {
  readonly name: PartName;
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: Readonly<Record<string, number>>;
}

/** Runs a reader through what was logged, from its launch to the last record's acknowledgement; it runs on. @throws when a record is missing. */
export async function catchUp(
  stack: ShapeStack,
  source: string,
  { name, database, rows, parts: logged, start }: Logged,
  nodeFlags: readonly string[] = [],
): Promise<CatchUp> {
  const { partitions } = SHAPES[name];
  const reader = await createReader(stack, source, start.gtidSet, { database, partitions, nodeFlags });
  const broker = stack.kafka.broker(1);
  await using edge = await TopicWatch.open(stack.kafka.address.brokers, topicOf(source, database, EDGE));
  const launchedMs = performance.now();
  await reader.launch();
  const alive = aliveCheck(reader);
  // Looking for the edge lists all topics, which takes the broker's time where they are thousands.
  if (name === 'many') await untilLogged(reader, '"message":"streaming"');
  await edge.until(1, alive);
  const pids = { reader: reader.pid, broker: broker.process.pid, mysqld: stack.mysql.process.pid };
  const meter = new CpuMeter(pids);
  const firstMs = performance.now();
  const parts: MeasuredPart[] = [];
  for (const [part, { name: what, rows: length }] of logged.entries()) {
    const partMeter = new CpuMeter(pids);
    const partMs = performance.now();
    await edge.until(part + 2, alive);
    const seconds = (performance.now() - partMs) / 1000;
    parts.push({ name: what, rows: length, seconds, cpuSeconds: partMeter.used() });
  }
  const lastMs = performance.now();
  const cpuSeconds = meter.used();
  await allThere(stack, `${source}.${database}.`, rows + logged.length + 1, alive);
  return { reader, firstMs, lastMs, startupSeconds: (firstMs - launchedMs) / 1000, cpuSeconds, parts };
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
