import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TaplineError } from '@tapline/kernel';
import { openStack, testServers } from '@tapline/test-stack';
import { type Kafka, openKafka } from '../kafka.ts';
import { uniqueName } from '../numbered.ts';
import { NO_HEADERS } from '../record-batch.ts';
import type { Fence, ProducerLife } from './fence.ts';

let kafka: Kafka;
const made: string[] = [];

beforeAll(async () => {
  kafka = openKafka({ brokers: (await testServers('kafka')).kafka.brokers });
});

afterAll(async () => {
  await kafka.topics.delete(made);
  await kafka[Symbol.asyncDispose]();
});

async function newTopic(partitions = 1): Promise<string> {
  const topic = uniqueName('fence');
  made.push(topic);
  await kafka.topics.ensure([{ topic, partitions, replicationFactor: 1 }]);
  return topic;
}

/** Sends one record; gives the next offset. */
async function send(client: Kafka, life: ProducerLife, topic: string, key: string): Promise<bigint | undefined> {
  await using producer = client.producer({ life });
  producer.failed.catch(() => undefined);
  const lane = producer.lane(topic, 0);
  producer.append(lane, Buffer.from(key), null, Date.now(), NO_HEADERS);
  return (await producer.mark()).get(lane);
}

async function keysOf(client: Kafka, topic: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const records of client.reader.read({ topic, partition: 0 }))
    keys.push(...records.map(({ offset, key }) => `${offset}:${String(key)}`));
  return keys;
}

describe('a life that shuts earlier ones out', () => {
  test('what an earlier life sends is refused, also where it never wrote; the later one writes from sequence 0 on', async () => {
    const [written, unwritten, untouched] = [await newTopic(), await newTopic(), await newTopic()];
    const transactionalId = uniqueName('lives');
    const first = await kafka.fence({ transactionalId });
    await using producer = kafka.producer({ life: first });
    producer.failed.catch(() => undefined);
    const lane = producer.lane(written, 0);
    producer.append(lane, Buffer.from('a'), null, Date.now(), NO_HEADERS);
    await producer.mark();

    const second = await kafka.fence({ transactionalId });
    expect(second.identity).toEqual({ id: first.identity.id, epoch: first.identity.epoch + 1 });
    await second.shutOut([written, unwritten]);
    producer.append(lane, Buffer.from('late'), null, Date.now(), NO_HEADERS);
    await expect(producer.mark()).rejects.toMatchObject({ code: 'KAFKA_FENCED', place: { topic: written } });
    await expect(send(kafka, first, unwritten, 'late')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    await send(kafka, first, untouched, 'only what was named is shut');
    expect(await send(kafka, second, written, 'b')).toBe(3n);
    // The marker is a gap: no record of anybody's.
    expect(await keysOf(kafka, written)).toEqual(['0:a', '2:b']);
    expect(await kafka.reader.writtenEnds(unwritten)).toEqual([1n]);
  });

  test('an earlier life cannot shut out the later one', async () => {
    const topic = await newTopic();
    const transactionalId = uniqueName('lives');
    const first = await kafka.fence({ transactionalId });
    await kafka.fence({ transactionalId });
    await expect(first.shutOut([topic])).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
  });

  test('a life that ended between its fence and its first record, several times: markers one behind the other, and the last record in front of them', async () => {
    const topic = await newTopic();
    const transactionalId = uniqueName('lives');
    const first = await kafka.fence({ transactionalId });
    await send(kafka, first, topic, 'a');
    for (let life = 0; life < 12; life++) await (await kafka.fence({ transactionalId })).shutOut([topic]);
    const [to] = (await kafka.reader.writtenEnds(topic)) as [bigint];
    const [tail] = await kafka.reader.tails([{ topic, partition: 0, from: 0n, to }]);
    expect(tail?.markers).toHaveLength(12);
    expect(tail?.last.map(({ offset }) => offset)).toEqual([to - 13n]);
    const [behind] = await kafka.reader.tails([{ topic, partition: 0, from: to - 3n, to }]);
    expect(behind).toEqual({ last: [], markers: [to - 3n, to - 2n, to - 1n] });
  });

  test('what its owner holds to be over sends nothing more', async () => {
    const topic = await newTopic();
    const over = new TaplineError('KAFKA_FENCED', { message: 'the session ended' });
    const session: { ended?: TaplineError } = {};
    const life = await kafka.fence({ transactionalId: uniqueName('lives'), over: () => session.ended });
    await send(kafka, life, topic, 'a');
    session.ended = over;
    await expect(send(kafka, life, topic, 'b')).rejects.toBe(over);
    expect(await kafka.reader.writtenEnds(topic)).toEqual([1n]);
  });

  test('a sequence that the broker holds to be wrong ends the life: the next epoch belongs to the next one', async () => {
    const topic = await newTopic();
    const life = await kafka.fence({ transactionalId: uniqueName('lives') });
    await send(kafka, life, topic, 'a');
    await using producer = kafka.producer({ life });
    producer.failed.catch(() => undefined);
    const lane = producer.lane(topic, 0, { nextOffset: 1n });
    Object.assign(lane, { sequence: 7 });
    producer.append(lane, Buffer.from('c'), null, Date.now(), NO_HEADERS);
    await expect(producer.mark()).rejects.toMatchObject({ code: 'KAFKA_SEQUENCE_LOST', disposition: 'retryable' });
  });

  test('an id that is renewed writes no marker', async () => {
    const topic = await newTopic();
    const life = await kafka.fence({ transactionalId: uniqueName('lives') });
    await life.shutOut([topic]);
    await life.shutOut([]);
    await life.renew();
    expect(await kafka.reader.writtenEnds(topic)).toEqual([1n]);
    expect(await send(kafka, life, topic, 'a')).toBe(2n);
  });
});

// Half a minute of nothing but epochs.
if (process.env.TAPLINE_CHAOS === 'long') {
  test('the last epoch of a producer id shuts earlier lives out and is written under by nobody; then there is another id', async () => {
    const topic = await newTopic();
    const transactionalId = uniqueName('lives');
    const begin = async (): Promise<Fence> => {
      const life = await kafka.fence({ transactionalId });
      if (life.identity.epoch >= 32_764) await life.shutOut([topic]);
      else await life[Symbol.asyncDispose]();
      return life;
    };
    let life = await begin();
    while (life.identity.epoch < 32_765) life = await begin();
    expect(life.spent).toBe(false);
    expect(await send(kafka, life, topic, 'a')).toBe(3n);
    const spent = await begin();
    expect(spent.spent).toBe(true);
    await expect(send(kafka, life, topic, 'late')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    const next = await begin();
    expect(next.identity.id).not.toBe(spent.identity.id);
    await next.shutOut([topic]);
    await expect(send(kafka, life, topic, 'late')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
    expect(await send(kafka, next, topic, 'b')).toBe(6n);
  });
}

test('the fence holds when the partition gets another leader, and is up within one broker’s death', async () => {
  await using stack = await openStack({ kafka: { brokers: 3 } });
  await using cluster = openKafka({ brokers: stack.kafka.address.brokers });
  const topic = 'moved';
  await cluster.topics.ensure([{ topic, partitions: 1, replicationFactor: 3 }]);
  const transactionalId = 'lives';
  const first = await cluster.fence({ transactionalId });
  await send(cluster, first, topic, 'a');
  const second = await cluster.fence({ transactionalId });
  await second.shutOut([topic]);
  const admin = await cluster.admin();
  const leader = async (): Promise<number> =>
    (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]?.partitions[0]?.leader ?? -1;
  await stack.kafka.broker(await leader()).kill();
  await expect(send(cluster, first, topic, 'late')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
  expect(await send(cluster, second, topic, 'b')).toBe(3n);
  const third = await cluster.fence({ transactionalId });
  await third.shutOut([topic]);
  await expect(send(cluster, second, topic, 'late')).rejects.toMatchObject({ code: 'KAFKA_FENCED' });
  expect(await send(cluster, third, topic, 'c')).toBe(5n);
  expect(await keysOf(cluster, topic)).toEqual(['0:a', '2:b', '4:c']);
});
