import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { classifyKafkaError, type Kafka, openKafka } from '@tapline/kafka';
import { sleep } from '@tapline/kernel';
import { openRegistry, type Registry } from '@tapline/registry';
import { openStack, type RedisServer, type Stack, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { type ItemRow, TopicWriter } from './testing/topic-writer.ts';
import { WriterProcess } from './testing/writer-process.ts';

let kafka: Kafka;
let registry: Registry;
let brokers: readonly string[];
let stack: Stack;
let server: RedisServer;
let redis: Redis;
let runs = 0;

// Kafka is the run's own; this Redis keeps every acknowledged write over a kill, and is killed here.
beforeAll(async () => {
  const shared = await testServers('kafka');
  brokers = shared.kafka.brokers;
  kafka = openKafka({ brokers });
  registry = await openRegistry({ type: 'topic' }, { kafka });
  stack = await openStack({});
  server = await stack.add('redis', { appendonly: 'yes', appendfsync: 'no' });
  redis = new Redis({ host: server.host, port: server.port, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
}, 300_000);

afterAll(async () => {
  redis?.disconnect();
  await registry?.[Symbol.asyncDispose]();
  await kafka?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

function uniqueSource(): string {
  return `wt${process.pid}n${++runs}r${Math.random().toString(36).slice(2, 8)}`;
}

function flagsFor(topic: TopicWriter, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const name = topic.topic.split('.')[0] ?? '';
  return {
    name: `${name}-writer`,
    'source.brokers': brokers.join(','),
    'source.topics': topic.topic,
    'source.commitMs': '100',
    'source.sessionTimeoutMs': '6000',
    'sink.type': 'redis',
    'sink.address': server.address.address,
    'sink.key': `${name}:\${key.id}`,
    'sink.versionPrefix': `${name}.v:`,
    ...more,
  };
}

async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  writer?: WriterProcess,
  withinMs = 60_000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end)
      throw new Error(`not within ${withinMs} ms: ${what}\n${writer?.log.slice(-4000) ?? ''}`);
    await sleep(50);
  }
}

async function rowsInRedis(topic: TopicWriter): Promise<Map<number, Record<string, string>>> {
  const prefix = `${topic.topic.split('.')[0]}:`;
  const rows = new Map<number, Record<string, string>>();
  for (const key of await redis.keys(`${prefix}*`)) {
    const { _v, ...row } = await redis.hgetall(key);
    rows.set(Number(key.slice(prefix.length)), row);
  }
  return rows;
}

function expectedRow({ id, name, price }: ItemRow): Record<string, string> {
  return { id: String(id), ...(name === null ? {} : { name }), price };
}

/** Changes at random among a few rows, and the table that results. */
class Load {
  readonly table = new Map<number, ItemRow>();
  readonly #topic: TopicWriter;
  readonly #ids: number;

  constructor(topic: TopicWriter, ids: number) {
    this.#topic = topic;
    this.#ids = ids;
  }

  run(changes: number): void {
    for (let step = 0; step < changes; step++) {
      const id = Math.floor(Math.random() * this.#ids);
      if (Math.random() < 0.15) {
        this.#topic.remove(id);
        this.table.delete(id);
      } else {
        const row = {
          id,
          name: Math.random() < 0.1 ? null : `name ${this.#topic.version}`,
          price: `${step % 1000}.25`,
        };
        this.#topic.put(row);
        this.table.set(id, row);
      }
    }
  }

  async assertIn(topic: TopicWriter): Promise<void> {
    const expected = new Map([...this.table].map(([id, row]) => [id, expectedRow(row)]));
    expect(await rowsInRedis(topic)).toEqual(expected);
  }
}

/** Polls every row's version and remembers whether one ever went back. */
class Watcher implements AsyncDisposable {
  readonly wentBack: string[] = [];
  polls = 0;
  readonly #seen = new Map<number, string>();
  readonly #prefix: string;
  readonly #ids: number;
  #on = true;
  readonly #done: Promise<void>;

  constructor(topic: TopicWriter, ids: number) {
    this.#prefix = topic.topic.split('.')[0] ?? '';
    this.#ids = ids;
    this.#done = this.#watch();
  }

  async #watch(): Promise<void> {
    while (this.#on) {
      const pipeline = redis.pipeline();
      for (let id = 0; id < this.#ids; id++) pipeline.hget(`${this.#prefix}:${id}`, '_v');
      const answers = await pipeline.exec().catch(() => null);
      for (const [id, [error, version]] of (answers ?? []).entries()) {
        if (error !== null || typeof version !== 'string') continue;
        const before = this.#seen.get(id) ?? '';
        if (version < before) this.wentBack.push(`row ${id}: ${before} → ${version}`);
        this.#seen.set(id, version);
      }
      this.polls++;
      await sleep(2);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#on = false;
    await this.#done;
  }
}

/** Whether the group has committed the end of every partition. A coordinator that is only being found counts as not yet. */
async function caughtUp(topic: TopicWriter, flags: Readonly<Record<string, string>>): Promise<boolean> {
  const admin = await kafka.admin();
  const ends = await admin.fetchTopicOffsets(topic.topic);
  const found = await admin
    .fetchOffsets({ groupId: flags['name'] ?? '', topics: [topic.topic] })
    .catch((error: unknown) => (classifyKafkaError(error).disposition === 'retryable' ? [] : Promise.reject(error)));
  return ends.every(({ partition, offset }) => {
    const at = found[0]?.partitions.find((one) => one.partition === partition)?.offset ?? '-1';
    return offset === '0' || at === offset;
  });
}

async function appliedBy(writer: WriterProcess): Promise<number> {
  return ((await writer.state())?.['counts'] as { applied: number } | undefined)?.applied ?? 0;
}

describe('the writer, as a process', () => {
  test('brings inserts, updates, deletes and NULLs to Redis, commits, and stops within a second when idle', async () => {
    await using topic = await TopicWriter.open(kafka, registry, uniqueSource());
    const flags = flagsFor(topic);
    await using writer = new WriterProcess(flags);
    topic.put({ id: 1, name: 'first', price: '1.50' });
    topic.put({ id: 2, name: 'zażółć 🐧', price: '-2.00' });
    topic.put({ id: 3, name: 'gone soon', price: '0.00' });
    topic.put({ id: 1, name: null, price: '99999999.99' });
    topic.remove(3);
    await topic.sent();
    await until('all is committed', () => caughtUp(topic, flags), writer);
    expect(await rowsInRedis(topic)).toEqual(
      new Map([
        [1, { id: '1', price: '99999999.99' }],
        [2, { id: '2', name: 'zażółć 🐧', price: '-2.00' }],
      ]),
    );
    expect(await writer.state()).toMatchObject({ writer: 'consuming', counts: { applied: 5, stale: 0 } });
    const metrics = (await writer.metrics()) ?? '';
    expect(metrics).toMatch(/^tapline_writer_applied_total\{.*\} 5$/m);
    expect(metrics).toMatch(/^tapline_writer_lag_seconds\{.*\} 0$/m);
    expect(metrics).toMatch(/^tapline_writer_lag_records\{.*\} 0$/m);
    const asked = performance.now();
    expect(await writer.stop()).toBe(0);
    // The promise is one second; the test machine may be busy with everything else.
    expect(performance.now() - asked).toBeLessThan(5000);
  });

  test('kill -9 of the writer and of Redis under load: the end is right, and no row is ever seen to go back', async () => {
    await using topic = await TopicWriter.open(kafka, registry, uniqueSource());
    const flags = flagsFor(topic);
    const load = new Load(topic, 200);
    await using watcher = new Watcher(topic, 200);
    for (const redisDies of [false, true, false]) {
      await using writer = new WriterProcess(flags);
      load.run(3000);
      await topic.sent();
      await until('the writer applies', async () => (await appliedBy(writer)) > 0, writer);
      if (redisDies) await server.kill();
      load.run(3000);
      await topic.sent();
      if (redisDies) {
        await until('the writer retries', async () => (await writer.state())?.['writer'] === 'retrying', writer);
        await server.start();
        await until('the writer goes on', async () => (await writer.state())?.['writer'] === 'consuming', writer);
      }
      await writer.kill();
    }
    await using last = new WriterProcess(flags);
    await until('all is committed', () => caughtUp(topic, flags), last);
    await load.assertIn(topic);
    expect(watcher.wentBack).toEqual([]);
    expect(watcher.polls).toBeGreaterThan(10);
  }, 300_000);
});
