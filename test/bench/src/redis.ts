import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type KafkaCluster, type MysqlServer, openStack, type RedisServer, type StackBase } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { BenchOptions } from './options.ts';
import { CpuMeter, cpuSeconds, peakRssMib } from './processes.ts';
import type { Measurement } from './report.ts';
import { binlogEnd, createTable, loadRows, rowOf, TABLE } from './rows.ts';
import { aliveCheck, createReader, createWriter, topicOf } from './services.ts';
import { TopicWatch } from './topics.ts';

type RedisStack = StackBase & {
  readonly mysql: MysqlServer;
  readonly kafka: KafkaCluster;
  readonly redis: RedisServer;
};

/** Rows that are in a topic already → rows in Redis, versions compared; beside it the same HSETs without versions, pipelined on a raw socket. */
export async function benchRedis({ rows, runs, say }: BenchOptions): Promise<(readonly Measurement[])[]> {
  await using stack = await openStack({ mysql: true, kafka: 1, redis: true }, say);
  const topic = topicOf('source');
  await createTable(stack.mysql);
  const { gtidSet } = await binlogEnd(stack.mysql);
  say(`filling the topic with ${rows} rows`);
  await loadRows(stack.mysql, rows);
  const reader = await createReader(stack, 'source', gtidSet);
  await reader.launch();
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  await watch.until(rows, aliveCheck(reader), 100);
  await reader.stop();
  await stack.mysql.stop();
  const results: (readonly Measurement[])[] = [];
  for (let run = 1; run <= runs; run++) {
    say(`run ${run}`);
    results.push([
      await measureWriter(stack, { name: `writer${run}`, topic, rows }),
      await measureRaw(stack.redis, rows),
    ]);
  }
  return results;
}

async function measureWriter(
  stack: RedisStack,
  { name, topic, rows }: { name: string; topic: string; rows: number },
): Promise<Measurement> {
  const redis = new Redis(stack.redis.port);
  try {
    await redis.flushall();
    const writer = await createWriter(stack, name, topic);
    const others = new CpuMeter({ redis: stack.redis.process.pid, broker: stack.kafka.broker(1).process.pid });
    const launched = performance.now();
    await writer.launch();
    const alive = aliveCheck(writer);
    const first = await untilSize(redis, 1, alive);
    const last = await untilSize(redis, rows, alive);
    const measurement: Measurement = {
      what: 'tapline writer → Redis',
      rows,
      seconds: (last - first) / 1000,
      cpuSeconds: { writer: cpuSeconds(writer.pid), ...others.used() },
      peakRssMib: peakRssMib(writer.pid),
      figures: { startupSeconds: (first - launched) / 1000 },
    };
    await writer.stop();
    return measurement;
  } finally {
    redis.disconnect();
  }
}

/** Polls until Redis holds so many keys. @returns when that was. */
async function untilSize(redis: Redis, keys: number, alive: () => void): Promise<number> {
  while ((await redis.dbsize()) < keys) {
    alive();
    await sleep(10);
  }
  return performance.now();
}

const PIPELINE_ROWS = 1000;
/** So many writes are on their way at once: Redis always has the next one. */
const PIPELINES = 4;
/** The bytes of all rows are made beforehand, so that making them is no part of the limit; more rows would not fit well. */
const RAW_ROWS = 300_000;

/** The limit: the rows' HSETs, 1,000 a write. */
async function measureRaw(server: RedisServer, wanted: number): Promise<Measurement> {
  const rows = Math.min(wanted, RAW_ROWS);
  const redis = new Redis(server.port);
  await redis.flushall();
  redis.disconnect();
  const writes: Buffer[] = [];
  for (let from = 1; from <= rows; from += PIPELINE_ROWS) {
    writes.push(Buffer.from(hsets(from, Math.min(PIPELINE_ROWS, rows - from + 1)), 'latin1'));
  }
  const socket = connect(server.port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  try {
    const meter = new CpuMeter({ redis: server.process.pid });
    const cpu = process.cpuUsage();
    const started = performance.now();
    await writeAll(socket, writes, rows);
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return {
      what: 'plain HSETs on a raw socket',
      rows,
      seconds,
      cpuSeconds: { client: (user + system) / 1e6, ...meter.used() },
    };
  } finally {
    socket.destroy();
  }
}

/** Resolves when all `rows` commands are answered, one line each. */
async function writeAll(socket: Socket, writes: readonly Buffer[], rows: number): Promise<void> {
  let written = 0;
  let answered = 0;
  const writeMore = (): void => {
    while (written < writes.length && written * PIPELINE_ROWS < answered + PIPELINES * PIPELINE_ROWS) {
      socket.write(writes[written++] as Buffer);
    }
  };
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte === LINE_FEED) answered++;
      if (answered >= rows) resolve();
      else writeMore();
    });
    writeMore();
  });
}

const LINE_FEED = 10;

/** HSET sbtest1:ID id … k … c … pad … as RESP; all texts are ASCII, so that lengths are bytes. */
function hsets(from: number, count: number): string {
  let out = '';
  for (let i = from; i < from + count; i++) {
    const { k, c, pad } = rowOf(i);
    const id = String(i);
    const key = `${TABLE}:${id}`;
    out += `*10\r\n$4\r\nHSET\r\n${bulk(key)}$2\r\nid\r\n${bulk(id)}$1\r\nk\r\n${bulk(String(k))}$1\r\nc\r\n${bulk(c)}$3\r\npad\r\n${bulk(pad)}`;
  }
  return out;
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}
