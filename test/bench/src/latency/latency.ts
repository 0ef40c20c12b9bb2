import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaCluster, type MysqlServer, openStack, type RedisServer, type StackBase } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { BenchOptions } from '../options.ts';
import { CpuMeter } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { binlogEnd, createTable, DATABASE, TABLE } from '../rows.ts';
import { aliveCheck, createReader, createWriter, topicOf, untilLogged } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import { commitRows } from './load.ts';
import { difference, latencies, type Sightings } from './sightings.ts';
import { watchTopic } from './topic-eye.ts';

/** One row a transaction, so many a second where the caller does not say. */
const ROWS_PER_SECOND = 1000;
/** The first ones find cold code everywhere, in the broker's JVM most of all; they are not counted. */
const WARM_UP_ROWS = 10_000;
const NAME = 'latency';
const GIVE_UP_MS = 60_000;

type LatencyStack = StackBase & {
  readonly mysql: MysqlServer;
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
};

interface BothSightings extends Sightings {
  readonly inRedis: Map<number, number>;
}

/** Commit → seen by a Kafka consumer, and commit → seen in Redis, at a fixed rate. */
export async function benchLatency({
  rows,
  runs,
  rate = ROWS_PER_SECOND,
  say,
}: BenchOptions): Promise<(readonly Measurement[])[]> {
  // Redis tells its own clients of every key it writes, at the moment it does: no polling, which would disturb what is measured.
  await using stack = await openStack({ mysql: true, kafka: 1, redis: { 'notify-keyspace-events': 'Eh' } }, say);
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  const topic = topicOf(NAME);
  const reader = await createReader(stack, NAME, gtidSet);
  await reader.launch();
  await stack.mysql.execute(`INSERT INTO ${DATABASE}.${TABLE} (id) VALUES (2000000000)`);
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  await watch.until(1, aliveCheck(reader));
  const writer = await createWriter(stack, NAME, topic);
  await writer.launch();
  await untilLogged(writer, 'writer consuming');
  const meter = new CpuMeter({
    reader: reader.pid,
    writer: writer.pid,
    broker: stack.kafka.broker(1).process.pid,
    mysqld: stack.mysql.process.pid,
    redis: stack.redis.process.pid,
  });
  const sightings: BothSightings = { sent: new Map(), committed: new Map(), inKafka: new Map(), inRedis: new Map() };
  await using _eyes = await watchBoth(stack, topic, sightings);
  const results: (readonly Measurement[])[] = [];
  let next = 1;
  say('warming up');
  const warmUpRows = Math.min(WARM_UP_ROWS, rows);
  await commitRows(stack.mysql, { from: next, rows: warmUpRows, rowsPerSecond: rate }, sightings);
  next += warmUpRows;
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}: ${rows} rows at ${rate} a second`);
    const before = meter.used();
    await commitRows(stack.mysql, { from: next, rows, rowsPerSecond: rate }, sightings);
    await allSeen(sightings, next + rows - 1, () => [reader, writer].forEach((service) => aliveCheck(service)()));
    const cpuSeconds = difference(meter.used(), before);
    results.push([
      {
        what: 'commit → Kafka consumer',
        rows,
        figures: latencies(sightings.inKafka, sightings, next),
        cpuSeconds,
      },
      { what: 'commit → Redis', rows, figures: latencies(sightings.inRedis, sightings, next) },
    ]);
    next += rows;
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

async function allSeen({ inKafka, inRedis }: BothSightings, last: number, alive: () => void): Promise<void> {
  const end = performance.now() + GIVE_UP_MS;
  const missing = (): boolean => {
    for (let id = 1; id <= last; id++) if (!inKafka.has(id) || !inRedis.has(id)) return true;
    return false;
  };
  while (missing()) {
    alive();
    if (performance.now() > end) throw new Error(`not every row was seen within ${GIVE_UP_MS / 1000} s`);
    await sleep(20);
  }
}
