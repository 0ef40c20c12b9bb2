import { type KafkaCluster, type MysqlServer, openStack, type SqlServer, type StackBase } from '@tapline/test-stack';
import { measureDrain } from '../drain.ts';
import type { BenchOptions } from '../options.ts';
import { CpuMeter, peakRssMib } from '../processes.ts';
import { countRecords } from '../record-count.ts';
import type { Measurement } from '../report.ts';
import { type BinlogEnd, binlogEnd } from '../rows.ts';
import { aliveCheck, createReader, topicOf } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import { SHAPES, type Shape, type ShapeName } from './shapes.ts';
import { makeNumbers } from './sql.ts';

export { SHAPES, type ShapeName } from './shapes.ts';

type ShapeStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/** The table that gets a row before the load and one after it: their records say when the reader is at its begin and at its end. */
const EDGE = 'edge';

/** Rows of the narrow shape when all are at their full length. */
const FULL_ROWS = SHAPES.narrow.rows;
const MIB = 2 ** 20;

/**
 * One line a kind of load, all through the same servers: rows that are in the binlog already → acknowledged in Kafka. A kind whose CPU time a
 * gigabyte and a row is far above its neighbours' is a cliff. `rows` is for the narrow shape; the others are as much longer or shorter.
 */
export async function benchShapes({ rows, runs, shape: only, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
  const names = only === undefined ? (Object.keys(SHAPES) as ShapeName[]) : [only];
  await using stack = await openStack({ mysql: { settings: { 'innodb-file-per-table': 'OFF' } }, kafka: 1 }, say);
  await makeNumbers(stack.mysql);
  const results: Measurement[][] = Array.from({ length: runs }, () => []);
  for (const name of names) {
    const shaped = Math.max(2, Math.ceil((SHAPES[name].rows * rows) / FULL_ROWS));
    say(`${name}: loading ${shaped} rows`);
    const logged = await logRows(stack, name, shaped);
    for (const [run, measurements] of results.entries()) {
      say(`${name}: run ${run + 1}`);
      measurements.push(await measureShape(stack, `${name}-${run + 1}`, logged));
    }
  }
  return results;
}

/** What a shape has put into the binlog. */
interface Logged {
  readonly name: ShapeName;
  readonly database: string;
  readonly rows: number;
  readonly start: BinlogEnd;
  /** Bytes of its transactions in the binlog before they were compressed; undefined where none was. */
  readonly unpackedBytes: number | undefined;
}

async function logRows({ mysql }: ShapeStack, name: ShapeName, rows: number): Promise<Logged> {
  const shape: Shape = SHAPES[name];
  const database = `bench_${name}`;
  await mysql.execute(`CREATE DATABASE ${database}; CREATE TABLE ${database}.${EDGE} (id INT PRIMARY KEY)`);
  await shape.prepare({ mysql, database, rows });
  const start = await binlogEnd(mysql);
  const unpackedBefore = await unpackedBytes(mysql);
  await mysql.execute(`INSERT INTO ${database}.${EDGE} VALUES (1)`);
  await shape.load({ mysql, database, rows });
  await mysql.execute(`INSERT INTO ${database}.${EDGE} VALUES (2)`);
  const unpacked = (await unpackedBytes(mysql)) - unpackedBefore;
  return { name, database, rows, start, unpackedBytes: unpacked === 0 ? undefined : unpacked };
}

/** Bytes of all transactions that were compressed since the server began, before they were. */
async function unpackedBytes(mysql: SqlServer): Promise<number> {
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

async function measureShape(stack: ShapeStack, source: string, logged: Logged): Promise<Measurement> {
  const { name, database, rows, start } = logged;
  const reader = await createReader(stack, source, start.gtidSet, { database, partitions: SHAPES[name].partitions });
  const broker = stack.kafka.broker(1);
  await using edge = await TopicWatch.open(stack.kafka.address.brokers, topicOf(source, database, EDGE));
  const launched = performance.now();
  await reader.launch();
  const alive = aliveCheck(reader);
  await edge.until(1, alive);
  const meter = new CpuMeter({ reader: reader.pid, broker: broker.process.pid, mysqld: stack.mysql.process.pid });
  const first = performance.now();
  await edge.until(2, alive);
  const seconds = (performance.now() - first) / 1000;
  const cpuSeconds = meter.used();
  await allThere(stack, `${source}.${database}.`, rows + 2, alive);
  const peak = peakRssMib(reader.pid);
  await reader.stop();
  const drain = await measureDrain(stack.mysql, start, rows);
  const mib = (drain.seconds ?? 0) * (drain.figures?.['mibPerSecond'] ?? 0);
  const perGib = (cpu: number | undefined): number => ((cpu ?? 0) / mib) * 1024;
  return {
    what: name,
    rows,
    separate: true,
    seconds,
    cpuSeconds,
    peakRssMib: peak,
    figures: {
      mib,
      ...(logged.unpackedBytes === undefined ? {} : { unpackedMib: logged.unpackedBytes / MIB }),
      mibPerSecond: mib / seconds,
      readerCpuPerGib: perGib(cpuSeconds['reader']),
      drainMibPerSecond: drain.figures?.['mibPerSecond'] ?? 0,
      drainCpuPerGib: perGib(drain.cpuSeconds?.['client']),
      startupSeconds: (first - launched) / 1000,
    },
  };
}

const COMPLETE_MS = 60_000;

/** The edge's second record is the last one appended, not always the last one acknowledged. @throws when a record is missing for good. */
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
