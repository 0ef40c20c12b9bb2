import { type KafkaCluster, type MysqlServer, openStack, type StackBase } from '@tapline/test-stack';
import { type Debezium, prepareDebezium } from './debezium.ts';
import { measureDrain } from './drain.ts';
import type { BenchOptions } from './options.ts';
import { measurePerfTool } from './perf-tool.ts';
import { CpuMeter, cpuSeconds, peakRssMib } from './processes.ts';
import type { Measurement } from './report.ts';
import { type BinlogEnd, binlogEnd, createTable, loadRows } from './rows.ts';
import { aliveCheck, createReader, type FormatName, topicOf } from './services.ts';
import { TopicWatch } from './topics.ts';

type CatchupStack = StackBase & { readonly mysql: MysqlServer; readonly kafka: KafkaCluster };

/** Rows that are in the binlog already → acknowledged in Kafka; beside it the socket undecoded and Kafka's own producer tool. */
export async function benchCatchup(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, format, forSpeed, say } = options;
  await using stack = await openStack({ mysql: true, kafka: { forSpeed } }, say);
  await createTable(stack.mysql);
  const peer = options.peer === 'debezium' ? await prepareDebezium(stack, say) : undefined;
  const start = await binlogEnd(stack.mysql);
  say(`loading ${rows} rows`);
  await loadRows(stack.mysql, rows);
  const results: (readonly Measurement[])[] = [];
  for (let run = 1; run <= runs; run++) results.push(await measureRun(stack, { start, rows, run, peer, format, say }));
  return results;
}

interface RunOptions {
  readonly start: BinlogEnd;
  readonly rows: number;
  readonly run: number;
  readonly peer: Debezium | undefined;
  readonly format: FormatName | undefined;
  readonly say: (line: string) => void;
}

async function measureRun(stack: CatchupStack, options: RunOptions): Promise<Measurement[]> {
  const { start, rows, run, peer, say } = options;
  say(`run ${run}: reader`);
  const { measurement, recordBytes } = await measureReader(stack, `bench${run}`, options);
  const results = [measurement];
  if (peer !== undefined) {
    say(`run ${run}: Debezium`);
    results.push(await peer.measure(rows));
  }
  say(`run ${run}: limits`);
  results.push(await measureDrain(stack.mysql, start, rows));
  results.push(await measurePerfTool(stack.kafka, { rows, recordBytes, topic: `perf${run}` }));
  return results;
}

async function measureReader(
  stack: CatchupStack,
  name: string,
  { start, rows, format }: RunOptions,
): Promise<{ measurement: Measurement; recordBytes: number }> {
  const reader = await createReader(stack, name, start.gtidSet, format === undefined ? {} : { format });
  const broker = stack.kafka.broker(1);
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topicOf(name));
  const others = new CpuMeter({ broker: broker.process.pid, mysqld: stack.mysql.process.pid });
  const launched = performance.now();
  await reader.launch();
  const alive = aliveCheck(reader);
  await watch.until(1, alive);
  const first = performance.now();
  await watch.until(rows, alive);
  const last = performance.now();
  const measurement: Measurement = {
    what: format === undefined ? 'tapline reader' : `tapline reader, ${format}`,
    rows,
    seconds: (last - first) / 1000,
    cpuSeconds: { reader: cpuSeconds(reader.pid), ...others.used() },
    peakRssMib: peakRssMib(reader.pid),
    figures: { startupSeconds: (first - launched) / 1000 },
  };
  await reader.stop();
  return { measurement, recordBytes: await watch.recordBytes() };
}
