import { classifyKafkaError, type Kafka, openKafka } from '@tapline/kafka';
import { sleep } from '@tapline/kernel';
import { openRegistry, type Registry } from '@tapline/registry';
import { type ItemRow, openStack, type RedisServer, type Stack, TopicWriter, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { WriterProcess } from './writer-process.ts';

/** Long enough for a machine that is busy with other things. */
const WITHIN_MS = 300_000;

let topics = 0;

/** A topic, and the source in it that the writer is called after. */
type Place = Pick<TopicWriter, 'source' | 'topic'>;

/** The servers of the writer's end-to-end tests: the run's own Kafka, and a Redis that may be killed and then still has every acknowledged write. */
export class WriterFixture implements AsyncDisposable {
  readonly kafka: Kafka;
  readonly registry: Registry;
  readonly server: RedisServer;
  readonly redis: Redis;
  readonly #brokers: readonly string[];
  readonly #stack: Stack;

  private constructor(parts: {
    kafka: Kafka;
    registry: Registry;
    server: RedisServer;
    brokers: readonly string[];
    stack: Stack;
  }) {
    this.kafka = parts.kafka;
    this.registry = parts.registry;
    this.server = parts.server;
    this.#brokers = parts.brokers;
    this.#stack = parts.stack;
    this.redis = new Redis({ host: parts.server.host, port: parts.server.port, maxRetriesPerRequest: null });
    this.redis.on('error', () => undefined);
  }

  static async open(): Promise<WriterFixture> {
    const { brokers } = (await testServers('kafka')).kafka;
    const kafka = openKafka({ brokers });
    const registry = await openRegistry({ type: 'topic' }, { kafka });
    const stack = await openStack({});
    const server = await stack.add('redis', { appendonly: 'yes', appendfsync: 'no' });
    return new WriterFixture({ kafka, registry, server, brokers, stack });
  }

  /** A new topic of a source with a name of its own. */
  topic(partitions = 4): Promise<TopicWriter> {
    const source = `wt${process.pid}n${++topics}r${Math.random().toString(36).slice(2, 8)}`;
    return TopicWriter.open(this.kafka, this.registry, source, partitions);
  }

  /** Command line of a writer for the topic. */
  flags(topic: TopicWriter, more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      name: `${topic.source}-writer`,
      'source.brokers': this.#brokers.join(','),
      'source.topics': topic.topic,
      'source.commitMs': '100',
      // A writer that loses its partitions on a machine that stands still applies changes twice, and counts them so.
      'source.sessionTimeoutMs': '30000',
      'sink.type': 'redis',
      'sink.address': this.server.address.address,
      'sink.key': `${topic.source}:\${key.id}`,
      'sink.versionPrefix': `${topic.source}.v:`,
      ...more,
    };
  }

  /** The topic's rows in Redis by id, without their versions. */
  async rows(topic: TopicWriter): Promise<Map<number, Record<string, string>>> {
    const rows = new Map<number, Record<string, string>>();
    for (const key of await this.redis.keys(`${topic.source}:*`)) {
      const { _v, ...row } = await this.redis.hgetall(key);
      rows.set(Number(key.slice(topic.source.length + 1)), row);
    }
    return rows;
  }

  /** What the writer's group has committed, by partition. A coordinator that is only being found counts as nothing yet. */
  async committed(topic: Place): Promise<ReadonlyMap<number, string>> {
    const admin = await this.kafka.admin();
    const found = await admin
      .fetchOffsets({ groupId: `${topic.source}-writer`, topics: [topic.topic] })
      .catch((error: unknown) => (classifyKafkaError(error).disposition === 'retryable' ? [] : Promise.reject(error)));
    return new Map(found[0]?.partitions.map(({ partition, offset }) => [partition, offset]));
  }

  /** Whether the group has committed the end of every partition. */
  async caughtUp(topic: Place): Promise<boolean> {
    const ends = await this.kafka.reader.endOffsets(topic.topic);
    const committed = await this.committed(topic);
    return ends.every((end, partition) => end === 0n || committed.get(partition) === String(end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
    await this.registry[Symbol.asyncDispose]();
    await this.kafka[Symbol.asyncDispose]();
    await this.#stack[Symbol.asyncDispose]();
  }
}

/** Polls until it holds; the writer's log is in the error when it does not. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  writer?: Pick<WriterProcess, 'log'>,
  withinMs = WITHIN_MS,
): Promise<void> {
  await seen(what, async () => await holds(), Boolean, writer, withinMs);
}

/** Polls until an answer is as it must be, and gives that very answer: the next one may be another. */
export async function seen<T>(
  what: string,
  ask: () => Promise<T>,
  holds: (answer: T) => boolean,
  writer?: Pick<WriterProcess, 'log'>,
  withinMs = WITHIN_MS,
): Promise<T> {
  const end = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    if (performance.now() > end)
      throw new Error(
        `not within ${withinMs} ms: ${what}; last: ${JSON.stringify(answer)}\n${writer?.log.slice(-4000) ?? ''}`,
      );
    await sleep(50);
  }
}

/** What the writer says of itself as soon as it consumes. */
export function consuming(writer: WriterProcess): ReturnType<WriterProcess['state']> {
  return seen(
    'the writer consumes',
    () => writer.state(),
    (told) => told?.['writer'] === 'consuming',
    writer,
  );
}

export function expectedRow({ id, name, price }: ItemRow): Record<string, string> {
  return { id: String(id), ...(name === null ? {} : { name }), price };
}
