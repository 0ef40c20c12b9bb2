import { describe, expect, test } from '@jest/globals';
import { openStack, testServers } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import { Scene } from './scene.ts';
import { TopicReader } from './topic.ts';

const ids = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const insert = (from: number, to: number): string =>
  `INSERT INTO t VALUES ${ids(from, to)
    .map((id) => `(${id}, REPEAT('x', 1000))`)
    .join(', ')}`;

/** The ids in the topic, in each partition's order, with doubles. */
async function published(topics: TopicReader, topic: string): Promise<unknown[]> {
  return (await topics.read(topic)).map((record) => record.key?.id).toSorted((a, b) => Number(a) - Number(b));
}

describe('a server that is down is named, waited for, and nothing is lost', () => {
  test('MySQL not there yet, then killed in the middle', async () => {
    const { kafka } = await testServers('kafka');
    await using stack = await openStack({});
    const mysql = await stack.add('mysql');
    await using scene = await Scene.open({ mysql: mysql.address, brokers: kafka.brokers });
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY, v text)', insert(1, 10));
    const [closed = 0] = await stack.reserve(1);
    const nowhere = await scene.reader({ name: `${scene.source}_x`, source: { port: closed } });
    const refused = await nowhere.errorOf('SOURCE_UNREACHABLE');
    expect(refused.message).toContain(`127.0.0.1:${closed}`);
    expect(refused.remedy).toContain('source.port');
    expect(nowhere.running).toBe(true);
    expect(await nowhere.stop()).toBe(0);

    const reader = await scene.reader();
    await scene.records(reader, 't', 10);
    await mysql.kill();
    await reader.errorOf('SOURCE_UNREACHABLE');
    await mysql.start();
    await scene.sql.reopen();
    await scene.sql.run(insert(11, 20));
    await scene.records(reader, 't', 20);
    expect(await reader.stop()).toBe(0);
    expect(await published(scene.topics, scene.topic('t'))).toEqual(ids(1, 20));
  });

  test('Kafka killed in the middle', async () => {
    const { mysql } = await testServers('mysql');
    await using stack = await openStack({ kafka: 1 });
    const { brokers } = stack.kafka.address;
    await using scene = await Scene.open({ mysql, brokers });
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY, v text)', insert(1, 10));
    const reader = await scene.reader();
    await scene.records(reader, 't', 10);
    await scene.sql.run(insert(11, 500));
    await stack.kafka.brokers[0]?.kill();
    await scene.sql.run(insert(501, 1000));
    const error = await reader.errorOf('KAFKA_UNREACHABLE');
    expect(error.remedy ?? '').not.toBe('');
    await stack.kafka.brokers[0]?.start();
    await scene.sql.run(insert(1001, 1010));
    await scene.records(reader, 't', 1010);
    expect(await reader.stop()).toBe(0);
    expect(await published(scene.topics, scene.topic('t'))).toEqual(ids(1, 1010));
  });

  test('the schema registry not there yet', async () => {
    const { mysql, kafka } = await testServers('mysql', 'kafka');
    await using stack = await openStack({ registry: true });
    const { url } = stack.registry.address;
    await stack.registry.stop();
    await using scene = await Scene.open({ mysql, brokers: kafka.brokers });
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY, v text)', insert(1, 10));
    const reader = await scene.reader({ registry: { type: 'confluent', url } });
    const error = await reader.errorOf('REGISTRY_UNREACHABLE');
    expect(error.remedy).toContain('registry.url');
    expect(reader.running).toBe(true);
    await stack.registry.start();
    await scene.records(reader, 't', 10);
    expect(await reader.stop()).toBe(0);
    const topics = new TopicReader(kafka.brokers, { url });
    expect(await published(topics, scene.topic('t'))).toEqual(ids(1, 10));
  });

  test('Redis not there yet, then full', async () => {
    const { mysql, kafka } = await testServers('mysql', 'kafka');
    await using stack = await openStack({ redis: { maxmemory: '3mb', 'maxmemory-policy': 'noeviction' } });
    const { address, port } = stack.redis.address;
    await stack.redis.stop();
    await using scene = await Scene.open({ mysql, brokers: kafka.brokers });
    await scene.sql.run('CREATE TABLE t (id int PRIMARY KEY, v text)', insert(1, 3000));
    const reader = await scene.reader();
    await scene.records(reader, 't', 3000);
    const writer = await scene.writer('t', address);
    expect((await writer.errorOf('SINK_REDIS_UNREACHABLE')).remedy).toContain('sink.address');
    await stack.redis.start();
    expect((await writer.errorOf('SINK_REDIS_FULL')).remedy).toContain('maxmemory');
    expect(writer.running).toBe(true);

    const redis = new Redis({ port });
    const rows = async (): Promise<number> => (await redis.keys(`${scene.database}:*`)).length;
    expect(await rows()).toBeLessThan(3000);
    await redis.config('SET', 'maxmemory', '0');
    await scene.sql.run('UPDATE t SET v = id', 'DELETE FROM t WHERE id > 2990');
    await scene.records(reader, 't', 3000 + 3000 + 20);
    await scene.settled(writer, await scene.topics.read(scene.topic('t')));
    expect(await rows()).toBe(2990);
    for (const id of ids(1, 2990)) expect(await redis.hget(`${scene.database}:${id}`, 'v')).toBe(String(id));
    redis.disconnect();
    expect(await writer.stop()).toBe(0);
    expect(await reader.stop()).toBe(0);
  });
});
