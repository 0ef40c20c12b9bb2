import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaCluster, type MysqlServer, openStack, type RedisServer, type StackBase } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { BenchOptions } from '../options.ts';
import { CpuMeter } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { binlogEnd, createTable, DATABASE, TABLE } from '../rows.ts';
import { aliveCheck, createReader, createWriter, topicOf, untilLogged } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import { measureLimit } from './limit.ts';
import { commitRows } from './load.ts';
import { difference, latencies, type Sightings } from './sightings.ts';
import { watchTopic } from './topic-eye.ts';

/** One row a transaction, so many a second where the caller does not say. */
const ROWS_PER_SECOND = 1000;
/** The first ones find cold code everywhere, in the broker's JVM most of all; they are not counted. */
const WARM_UP_ROWS = 10_000;
const NAME = 'latency';
const GIVE_UP_MS = 300_000;

type LatencyStack = StackBase & {
  readonly mysql: MysqlServer;
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
};

interface BothSightings extends Sightings {
  readonly inRedis: Map<number, number>;
}

/**
 * Commit → seen by a Kafka consumer, then, with a writer running as well, commit → seen in Redis, at a fixed rate. Beside it what a record sent straight to
 * the broker takes to the same consumer, in the same minute: on a shared machine the tail is the machine's.
 */
export async function benchLatency({
  rows,
  runs,
  rate = ROWS_PER_SECOND,
  forSpeed,
  say,
}: BenchOptions): Promise<(readonly Measurement[])[]> {
  // Redis tells its own clients of every key it writes, at the moment it does: no polling, which would disturb what is measured.
  await using stack = await openStack(
    { mysql: true, kafka: { forSpeed }, redis: { 'notify-keyspace-events': 'Eh' } },
    say,
  );
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  const topic = topicOf(NAME);
  const reader = await createReader(stack, NAME, gtidSet);
  await reader.launch();
  await stack.mysql.execute(`INSERT INTO ${DATABASE}.${TABLE} (id) VALUES (2000000000)`);
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  await watch.until(1, aliveCheck(reader));
  const sightings: BothSightings = { sent: new Map(), committed: new Map(), inKafka: new Map(), inRedis: new Map() };
  await using _eyes = await watchBoth(stack, topic, sightings);
  const servers = { broker: stack.kafka.broker(1).process.pid, mysqld: stack.mysql.process.pid };
  let next = 1;
  /** Commits rows and waits until the last has been seen; returns the first one's id. */
  const commit = async (count: number, inRedis: boolean, alive: () => void): Promise<number> => {
    const from = next;
    next += count;
    await commitRows(stack.mysql, { from, rows: count, rowsPerSecond: rate }, sightings);
    await allSeen(inRedis ? [sightings.inKafka, sightings.inRedis] : [sightings.inKafka], { from, to: next }, alive);
    return from;
  };
  say('warming up');
  await commit(Math.min(WARM_UP_ROWS, rows), false, aliveCheck(reader));
  const results: Measurement[][] = [];
  const intoKafka = new CpuMeter({ reader: reader.pid, ...servers });
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}: ${rows} rows at ${rate} a second to Kafka`);
    const before = intoKafka.used();
    const from = await commit(rows, false, aliveCheck(reader));
    const cpuSeconds = difference(intoKafka.used(), before);
    const figures = latencies(sightings.inKafka, sightings, from);
    say(`run ${run}: limit`);
    const load = { topic: `limit${run}`, rows: Math.ceil(rows / 3), rate };
    const limit = await measureLimit(stack.kafka.address.brokers, load);
    results.push([{ what: 'commit → Kafka consumer', rows, figures, cpuSeconds }, limit]);
  }
  const writer = await createWriter(stack, {
    name: NAME,
    topic,
    sink: { type: 'redis', address: stack.redis.address.address },
  });
  await writer.launch();
  await untilLogged(writer, '"message":"consuming"');
  const alive = (): void => [reader, writer].forEach((service) => aliveCheck(service)());
  const intoRedis = new CpuMeter({
    reader: reader.pid,
    writer: writer.pid,
    redis: stack.redis.process.pid,
    ...servers,
  });
  say('warming up the writer');
  await commit(Math.min(WARM_UP_ROWS, rows), true, alive);
  for (const [run, result] of results.entries()) {
    say(`run ${run + 1}: ${rows} rows at ${rate} a second to Redis`);
    const before = intoRedis.used();
    const from = await commit(rows, true, alive);
    const cpuSeconds = difference(intoRedis.used(), before);
    result.push({ what: 'commit → Redis', rows, figures: latencies(sightings.inRedis, sightings, from), cpuSeconds });
  }
  return results;
}

/** A Kafka consumer and a Redis client that note when they see each row. */
async function watchBoth(
  stack: LatencyStack,
  topic: string,
  { inKafka, inRedis }: BothSightings,
): Promise<AsyncDisposable> {
  const redis = new Redis(stack.redis.port);
  redis.on('message', (_channel: string, key: string) => {
    const id = Number(key.slice(TABLE.length + 1));
    if (!inRedis.has(id)) inRedis.set(id, performance.now());
  });
  await redis.subscribe('__keyevent@0__:hset');
  const eye = await watchTopic(stack.kafka.address.brokers, topic, (id, at) => inKafka.set(id, at));
  return {
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await eye[Symbol.asyncDispose]();
    },
  };
}

async function allSeen(
  places: readonly ReadonlyMap<number, number>[],
  { from, to }: { readonly from: number; readonly to: number },
  alive: () => void,
): Promise<void> {
  const end = performance.now() + GIVE_UP_MS;
  const missing = (): boolean => {
    for (let id = from; id < to; id++) if (places.some((seen) => !seen.has(id))) return true;
    return false;
  };
  while (missing()) {
    alive();
    if (performance.now() > end) throw new Error(`not every row was seen within ${GIVE_UP_MS / 1000} s`);
    await sleep(20);
  }
}
