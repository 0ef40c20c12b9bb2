import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaCluster, type MysqlServer, openStack, type RedisServer, type StackBase } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import type { BenchOptions } from './options.ts';
import { CpuMeter } from './processes.ts';
import { type Measurement, percentile } from './report.ts';
import { binlogEnd, createTable, DATABASE, rowOf, TABLE } from './rows.ts';
import { aliveCheck, createReader, createWriter, topicOf, untilLogged } from './services.ts';
import { TopicWatch } from './topics.ts';

/** One row a transaction, so many a second. */
const ROWS_PER_SECOND = 1000;
const CONNECTIONS = 4;
/** The first ones find cold code everywhere, in the broker's JVM most of all; they are not counted. */
const WARM_UP_ROWS = 10_000;
const NAME = 'latency';
const GIVE_UP_MS = 60_000;

type LatencyStack = StackBase & {
  readonly mysql: MysqlServer;
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
};

/** When each row was committed and seen, ms on this process's clock, by id. */
interface Sightings {
  /** Before the statement was sent. */
  readonly sent: Map<number, number>;
  /** The answer to the commit. */
  readonly committed: Map<number, number>;
  readonly inKafka: Map<number, number>;
  readonly inRedis: Map<number, number>;
}

/** Commit → seen by a Kafka consumer, and commit → seen in Redis, at 1,000 rows a second. */
export async function benchLatency({ rows, runs, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
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
  const sightings: Sightings = { sent: new Map(), committed: new Map(), inKafka: new Map(), inRedis: new Map() };
  await using _eyes = await watchBoth(stack, topic, sightings);
  const results: (readonly Measurement[])[] = [];
  let next = 1;
  say('warming up');
  const warmUpRows = Math.min(WARM_UP_ROWS, rows);
  await commitRows(stack.mysql, next, warmUpRows, sightings);
  next += warmUpRows;
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}: ${rows} rows at ${ROWS_PER_SECOND} a second`);
    const before = meter.used();
    await commitRows(stack.mysql, next, rows, sightings);
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

/** Inserts rows `from` … on a fixed schedule, over some connections; a late answer does not hold the next ones back. */
async function commitRows(
  mysql: MysqlServer,
  from: number,
  rows: number,
  { sent, committed }: Sightings,
): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => mysql.connect({ database: DATABASE })),
  );
  try {
    const started = performance.now();
    await Promise.all(
      connections.map(async (connection, worker) => {
        for (let id = from + worker; id < from + rows; id += CONNECTIONS) {
          const dueMs = started + ((id - from) / ROWS_PER_SECOND) * 1000 - performance.now();
          if (dueMs >= 1) await sleep(dueMs);
          const { k, c, pad } = rowOf(id);
          sent.set(id, performance.now());
          await connection.query(`INSERT INTO ${TABLE} (id, k, c, pad) VALUES (${id}, ${k}, '${c}', '${pad}')`);
          committed.set(id, performance.now());
        }
      }),
    );
  } finally {
    await Promise.all(connections.map((connection) => connection.end()));
  }
}

/** A Kafka consumer and a Redis client that note when they see each row. */
async function watchBoth(
  stack: LatencyStack,
  topic: string,
  { inKafka, inRedis }: Sightings,
): Promise<AsyncDisposable> {
  const redis = new Redis(stack.redis.port);
  redis.on('message', (_channel: string, key: string) => {
    const id = Number(key.slice(TABLE.length + 1));
    if (!inRedis.has(id)) inRedis.set(id, performance.now());
  });
  await redis.subscribe('__keyevent@0__:hset');
  const kafka = new Kafka({ brokers: [...stack.kafka.address.brokers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'latency-eye', maxWaitTimeInMs: 500, minBytes: 1 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consuming(consumer, inKafka);
  return {
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await consumer.disconnect();
    },
  };
}

/** Resolves when the consumer has its first record. */
async function consuming(consumer: Consumer, inKafka: Map<number, number>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: ({ batch }) => {
          const now = performance.now();
          for (const { key } of batch.messages) if (key !== null) inKafka.set(keyId(key), now);
          resolve();
          return Promise.resolve();
        },
      })
      .catch(reject);
  });
}

/** The id in a message key: 0x00, schema id in 4 bytes, then the one field, an Avro int (zigzag varint). */
export function keyId(key: Buffer): number {
  let value = 0;
  let scale = 1;
  for (let at = 5; ; at++) {
    const byte = key[at] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    scale *= 128;
  }
}

async function allSeen({ inKafka, inRedis }: Sightings, last: number, alive: () => void): Promise<void> {
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

/**
 * Milliseconds from the commit's answer; a row that was seen before its writer had the answer counts as 0. And from the statement's
 * sending, which no late look at the answer can make smaller.
 */
function latencies(
  seen: ReadonlyMap<number, number>,
  { sent, committed }: Sightings,
  from: number,
): Record<string, number> {
  const since = (start: ReadonlyMap<number, number>): number[] =>
    [...start].filter(([id]) => id >= from).map(([id, at]) => Math.max(0, (seen.get(id) ?? Number.NaN) - at));
  const samples = since(committed);
  return {
    p50Ms: percentile(samples, 0.5),
    p99Ms: percentile(samples, 0.99),
    maxMs: percentile(samples, 1),
    p99FromStatementMs: percentile(since(sent), 0.99),
  };
}

function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]));
}
