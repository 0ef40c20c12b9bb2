import { setTimeout as sleep } from 'node:timers/promises';
import { openStack } from '@tapline/test-stack';
import type { BenchOptions } from '../options.ts';
import { CpuMeter } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { binlogEnd, createTable, DATABASE, TABLE } from '../rows.ts';
import { aliveCheck, createReader, topicOf } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import { commitRows, type Load } from './load.ts';
import { difference, latencies, type Sightings } from './sightings.ts';
import { watchTopic } from './topic-eye.ts';

const ROWS_PER_TRANSACTION = 20;
/** So many a second make the run's length out of its rows, as in the bench at a fixed rate. */
const NOMINAL_ROWS_PER_SECOND = 1000;
const FIRST_ID = 2_000_000_000;
const NAME = 'half';
const GIVE_UP_MS = 300_000;

/**
 * Commit → seen by a Kafka consumer at half of the rate that the whole chain sustains in the same run: first MySQL, the reader, the broker and
 * the consumer as fast as they go together, on this machine; then half as fast.
 */
export async function benchHalfRate({ rows, runs, forSpeed, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
  await using stack = await openStack({ mysql: true, kafka: { forSpeed } }, say);
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  const reader = await createReader(stack, NAME, gtidSet);
  await reader.launch();
  await stack.mysql.execute(`INSERT INTO ${DATABASE}.${TABLE} (id) VALUES (${FIRST_ID})`);
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topicOf(NAME));
  await watch.until(1, aliveCheck(reader));
  const sightings: Sightings = { sent: new Map(), committed: new Map(), inKafka: new Map() };
  await using _eye = await watchTopic(stack.kafka.address.brokers, topicOf(NAME), (id, at) => {
    if (id % ROWS_PER_TRANSACTION === 0) sightings.inKafka.set(id, at);
  });
  const meter = new CpuMeter({
    reader: reader.pid,
    broker: stack.kafka.broker(1).process.pid,
    mysqld: stack.mysql.process.pid,
  });
  const seconds = rows / NOMINAL_ROWS_PER_SECOND;
  let next = 1;
  /** @returns the seconds until the last row was seen. */
  const drive = async (wanted: number, rowsPerSecond: number): Promise<number> => {
    const load: Load = {
      from: next,
      rows: wholeTransactions(wanted),
      rowsPerTransaction: ROWS_PER_TRANSACTION,
      rowsPerSecond,
    };
    next += load.rows;
    const started = performance.now();
    await commitRows(stack.mysql, load, sightings);
    await seen(sightings, next - 1, aliveCheck(reader));
    return (performance.now() - started) / 1000;
  };
  say('warming up');
  let rate = await fastest(drive, seconds / 4);
  const results: (readonly Measurement[])[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}: as fast as it goes`);
    rate = await fastest(drive, seconds / 4, rate);
    say(`run ${run}: ${Math.round(rate / 2)} rows a second`);
    const before = meter.used();
    const from = next;
    await drive((rate / 2) * seconds, rate / 2);
    results.push([
      {
        what: 'commit → Kafka consumer, half rate',
        rows: next - from,
        figures: { rowsPerSecond: rate / 2, ...latencies(sightings.inKafka, sightings, from) },
        cpuSeconds: difference(meter.used(), before),
      },
    ]);
  }
  return results;
}

/** Rows a second that the whole chain takes, over about so many seconds, where it took `guess` before. */
async function fastest(
  drive: (rows: number, rowsPerSecond: number) => Promise<number>,
  seconds: number,
  guess = 10 * NOMINAL_ROWS_PER_SECOND,
): Promise<number> {
  const rows = wholeTransactions(guess * seconds);
  return rows / (await drive(rows, Number.POSITIVE_INFINITY));
}

function wholeTransactions(rows: number): number {
  return Math.max(1, Math.round(rows / ROWS_PER_TRANSACTION)) * ROWS_PER_TRANSACTION;
}

/** Waits until every transaction that was committed has been seen, and the one that ends with `last`: partitions are not in step. */
async function seen({ inKafka, committed }: Sightings, last: number, alive: () => void): Promise<void> {
  const end = performance.now() + GIVE_UP_MS;
  const missing = (): boolean => !inKafka.has(last) || [...committed.keys()].some((id) => !inKafka.has(id));
  while (missing()) {
    alive();
    if (performance.now() > end) throw new Error(`not every row was seen within ${GIVE_UP_MS / 1000} s`);
    await sleep(5);
  }
}
