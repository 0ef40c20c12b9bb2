import { type KafkaCluster, type MysqlServer, openStack, type StackBase } from '@tapline/test-stack';
import { runKafkaTool } from './kafka-tool.ts';
import type { BenchOptions } from './options.ts';
import { CpuMeter, cpuSeconds, peakRssMib, RssSampler } from './processes.ts';
import type { Measurement } from './report.ts';
import { binlogEnd, createTable, DATABASE, TABLE } from './rows.ts';
import { aliveCheck, createReader, topicOf } from './services.ts';
import { unpackedBytes } from './shapes/run.ts';
import { makeNumbers, NUMBERS } from './shapes/sql.ts';
import { TopicWatch } from './topics.ts';

type MemoryStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/** The transaction that must be read in constant memory. */
const FULL_ROWS = 20_000_000;
const ROWS_PER_STATEMENT = 1_000_000;
const MIB = 2 ** 20;
/** Kafka averages over eleven seconds by default and lets all of it through at first. */
const SHORT_QUOTA_WINDOW = { 'quota.window.num': '2' };

/**
 * The most memory that the reader takes through one transaction of so many rows, over its whole life, while Kafka takes no more than
 * `throttleMib` a second: a quota of the broker, which answers late and reads no more requests meanwhile.
 */
export async function benchMemory(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, compressed = false, throttleMib = 0, forSpeed, say } = options;
  const settings = { 'max-binlog-size': '1G', 'innodb-redo-log-capacity': '1G', 'max-allowed-packet': '1G' };
  const kafka = { settings: SHORT_QUOTA_WINDOW, forSpeed };
  await using stack = await openStack({ mysql: { settings }, kafka }, say);
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  const loadSeconds = await commitOne(stack, { rows, compressed, say });
  if (throttleMib > 0) await throttleProducers(stack.kafka, throttleMib);
  const results: (readonly Measurement[])[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}${throttleMib > 0 ? `, Kafka takes ${throttleMib} MiB a second` : ''}`);
    const measured = await measureReader(stack, `memory${run}`, gtidSet, rows);
    const minutes = ((loadSeconds + (measured.seconds ?? 0)) * FULL_ROWS) / rows / 60;
    say(`at this rate ${FULL_ROWS.toLocaleString('en')} rows take ${minutes.toFixed(1)} minutes, making them included`);
    const what = `reader, one ${compressed ? 'compressed ' : ''}transaction`;
    results.push([{ what, ...measured, figures: { ...measured.figures, loadSeconds, throttleMib } }]);
  }
  return results;
}

/** Inserts all rows in one transaction; they compress well, as real rows mostly do. @returns the seconds it took. */
async function commitOne(
  { mysql }: MemoryStack,
  { rows, compressed, say }: Pick<BenchOptions, 'rows' | 'say'> & { readonly compressed: boolean },
): Promise<number> {
  await makeNumbers(mysql);
  const unpackedBefore = await unpackedBytes(mysql);
  const connection = await mysql.connect({ database: NUMBERS });
  const started = performance.now();
  try {
    await connection.query(
      `SET SESSION unique_checks = 0, foreign_key_checks = 0, binlog_transaction_compression = ${compressed ? 'ON' : 'OFF'}; BEGIN`,
    );
    for (let base = 0; base < rows; base += ROWS_PER_STATEMENT) {
      say(`one transaction: ${base.toLocaleString('en')} of ${rows.toLocaleString('en')} rows`);
      await connection.query(
        `INSERT INTO ${DATABASE}.${TABLE} (id, k, c, pad)
           SELECT x, x % 1000, CONCAT(REPEAT('12345678901-', 9), LPAD(x, 11, '0')), CONCAT(REPEAT('12345678901-', 4), LPAD(x, 11, '0'))
           FROM (SELECT ${base} + (a.n - 1) * 1000 + b.n AS x FROM n AS a, n AS b) AS numbers WHERE x <= ${rows}`,
      );
    }
    await connection.query('COMMIT');
  } finally {
    await connection.end();
  }
  const unpacked = (await unpackedBytes(mysql)) - unpackedBefore;
  if (compressed && unpacked === 0) throw new Error('the server wrote the transaction uncompressed');
  return (performance.now() - started) / 1000;
}

/** A quota for every client: the broker holds back its answers, and what it reads, so that they stay below it on the average. */
async function throttleProducers(kafka: KafkaCluster, mib: number): Promise<void> {
  await runKafkaTool(kafka, 'kafka.admin.ConfigCommand', [
    '--bootstrap-server',
    kafka.address.brokers.join(','),
    '--alter',
    '--entity-type',
    'clients',
    '--entity-default',
    '--add-config',
    `producer_byte_rate=${Math.round(mib * MIB)}`,
  ]);
}

async function measureReader(
  stack: MemoryStack,
  name: string,
  gtidSet: string,
  rows: number,
): Promise<Omit<Measurement, 'what'>> {
  const reader = await createReader(stack, name, gtidSet);
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topicOf(name));
  const others = new CpuMeter({ broker: stack.kafka.broker(1).process.pid, mysqld: stack.mysql.process.pid });
  await reader.launch();
  const alive = aliveCheck(reader);
  await watch.until(1, alive);
  const first = performance.now();
  using rss = new RssSampler(reader.pid);
  await watch.until(rows, alive);
  const seconds = (performance.now() - first) / 1000;
  const used = { reader: cpuSeconds(reader.pid), ...others.used() };
  const peak = peakRssMib(reader.pid);
  await reader.stop();
  return { rows, seconds, cpuSeconds: used, peakRssMib: peak, figures: { medianRssMib: rss.medianMib } };
}
