import { openStack } from '@tapline/test-stack';
import type { BenchOptions } from './options.ts';
import { CpuMeter, cpuSeconds, peakRssMib } from './processes.ts';
import type { Measurement } from './report.ts';
import { binlogEnd, createTable, DATABASE, TABLE } from './rows.ts';
import { aliveCheck, createReader, topicOf } from './services.ts';
import { TopicWatch } from './topics.ts';

/** The most memory that the reader takes through one transaction of so many rows. */
export async function benchMemory({ rows, runs, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
  await using stack = await openStack({ mysql: { settings: { 'max-binlog-size': '1G' } }, kafka: 1 }, say);
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  say(`one transaction of ${rows} rows`);
  await stack.mysql.execute(
    `SET SESSION cte_max_recursion_depth = ${rows + 1};
     INSERT INTO ${DATABASE}.${TABLE} (id, k, c, pad)
       WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rows})
       SELECT n, n % 1000, CONCAT(REPEAT('12345678901-', 9), LPAD(n, 11, '0')), CONCAT(REPEAT('12345678901-', 4), LPAD(n, 11, '0')) FROM numbers`,
  );
  const results: (readonly Measurement[])[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}`);
    const name = `memory${run}`;
    const reader = await createReader(stack, name, gtidSet);
    await using watch = await TopicWatch.open(stack.kafka.address.brokers, topicOf(name));
    const others = new CpuMeter({ broker: stack.kafka.broker(1).process.pid, mysqld: stack.mysql.process.pid });
    await reader.launch();
    const alive = aliveCheck(reader);
    await watch.until(1, alive);
    const first = performance.now();
    await watch.until(rows, alive);
    const seconds = (performance.now() - first) / 1000;
    const used = { reader: cpuSeconds(reader.pid), ...others.used() };
    results.push([
      { what: 'reader, one transaction', rows, seconds, cpuSeconds: used, peakRssMib: peakRssMib(reader.pid) },
    ]);
    await reader.stop();
  }
  return results;
}
