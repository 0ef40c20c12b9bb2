import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type LogFields, silentLogger, type TaplineError } from '@tapline/kernel';
import { testServers } from '@tapline/test-stack';
import { type Kafka, openKafka } from './kafka.ts';
import { produceNumbered, uniqueName } from './numbered.ts';

let brokers: readonly string[];
let kafka: Kafka;
const made: string[] = [];

beforeAll(async () => {
  ({ brokers } = (await testServers('kafka')).kafka);
  kafka = openKafka({ brokers });
});

afterAll(async () => {
  await kafka.topics.delete(made);
  await kafka[Symbol.asyncDispose]();
});

function newName(): string {
  const topic = uniqueName('topics');
  made.push(topic);
  return topic;
}

test('missing topics are made with the right settings; asking again, also by two at once, changes nothing', async () => {
  const topic = newName();
  const spec = { topic, partitions: 3, replicationFactor: 1, config: { 'max.message.bytes': '2000000' } };
  expect(await kafka.topics.describe(topic)).toBeUndefined();
  await using other = openKafka({ brokers });
  await Promise.all([kafka.topics.ensure([spec]), other.topics.ensure([spec])]);
  await kafka.topics.ensure([spec]);
  expect(await kafka.topics.describe(topic)).toMatchObject({
    partitions: 3,
    config: { 'cleanup.policy': 'compact', 'max.message.bytes': '2000000', 'min.compaction.lag.ms': '3600000' },
  });
  expect(await kafka.topics.list()).toContain(topic);
});

test('an existing topic that is not compacted is refused with the command that mends it, and the other way round', async () => {
  const kept = newName();
  const compacted = newName();
  const spec = { partitions: 1, replicationFactor: 1 };
  await kafka.topics.ensure([
    { ...spec, topic: kept, compacted: false },
    { ...spec, topic: compacted },
  ]);
  await expect(kafka.topics.ensure([{ ...spec, topic: kept }])).rejects.toMatchObject({
    code: 'TOPIC_NOT_COMPACTED',
    place: { topic: kept },
    remedy: `kafka-configs.sh --bootstrap-server ${brokers.join(', ')} --alter --entity-type topics --entity-name ${kept} --add-config cleanup.policy=compact`,
  });
  await expect(kafka.topics.ensure([{ ...spec, topic: compacted, compacted: false }])).rejects.toMatchObject({
    code: 'TOPIC_COMPACTED',
    place: { topic: compacted },
  });
});

test('an existing topic with another partition count is refused', async () => {
  const topic = newName();
  await kafka.topics.ensure([{ topic, partitions: 2, replicationFactor: 1 }]);
  await expect(kafka.topics.ensure([{ topic, partitions: 3, replicationFactor: 1 }])).rejects.toMatchObject({
    code: 'TOPIC_PARTITIONS',
    message: expect.stringContaining('has 2 partitions, configured are 3') as unknown,
  });
});

test('a range of a partition is read exactly, and its ends are known', async () => {
  const numbered = { topic: newName(), partitions: 2, count: 10_000 };
  await kafka.topics.ensure([{ topic: numbered.topic, partitions: 2, replicationFactor: 1 }]);
  await using producer = kafka.producer({ batchBytes: 16_384 });
  await produceNumbered(producer, numbered);
  const read = async (from?: bigint, to?: bigint): Promise<number[]> => {
    const keys: number[] = [];
    const range = { topic: numbered.topic, partition: 1, from, to, fetchBytes: 20_000 };
    for await (const records of kafka.reader.read(range)) keys.push(...records.map(({ key }) => Number(key)));
    return keys;
  };
  const all = Array.from({ length: 5_000 }, (_, n) => n * 2 + 1);
  expect(await read()).toEqual(all);
  expect(await read(1_234n, 1_300n)).toEqual(all.slice(1_234, 1_300));
  expect(await read(4_999n)).toEqual(all.slice(4_999));
  expect(await read(5_000n)).toEqual([]);
  expect(await kafka.reader.endOffsets(numbered.topic)).toEqual([5_000n, 5_000n]);
  expect(await kafka.reader.startOffsets(numbered.topic)).toEqual([0n, 0n]);
  await expect(read(4_999n, 5_001n)).rejects.toMatchObject({ code: 'KAFKA_LOG_TRUNCATED' });
});

test('progress is found again by the next life, and a second writer is stopped', async () => {
  const options = { topic: newName(), replicationFactor: 1 };
  {
    await using first = await kafka.progress(options);
    expect(first.get('source')).toBeUndefined();
    await first.save('source', Buffer.from('one'));
    await Promise.all([first.save('source', Buffer.from('two')), first.save('other', Buffer.from('x'))]);
    await first.save('gone', Buffer.from('y'));
    await first.save('gone', null);
    expect(String(first.get('source'))).toBe('two');
  }
  await using second = await kafka.progress(options);
  expect(['source', 'other', 'gone'].map((key) => second.get(key)?.toString())).toEqual(['two', 'x', undefined]);
  await using third = await kafka.progress(options);
  await third.save('source', Buffer.from('three'));
  await expect(second.save('source', Buffer.from('late'))).rejects.toMatchObject({ code: 'TOPIC_SECOND_WRITER' });
});

test('brokers that do not answer are KAFKA_UNREACHABLE with their addresses, and waited for as long as told', async () => {
  // A port that the system gave and took back may be somebody else's by now.
  const address = '127.0.0.1:1';
  await using lost = openKafka({ brokers: [address] }, { patienceMs: 300 });
  const expected = {
    code: 'KAFKA_UNREACHABLE',
    disposition: 'retryable',
    message: expect.stringContaining(address) as unknown,
  };
  await expect(lost.check()).rejects.toMatchObject(expected);
  await expect(lost.topics.ensure([{ topic: 't', partitions: 1, replicationFactor: 1 }])).rejects.toMatchObject(
    expected,
  );
  await using patient = openKafka({ brokers: [address] });
  const stop = new AbortController();
  const waiting = patient.reader.endOffsets('t', stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
});

test('no broker, or one without a port, is refused at once', () => {
  expect(() => openKafka({ brokers: [] })).toThrow(expect.objectContaining({ code: 'KAFKA_CONFIG' }));
  expect(() => openKafka({ brokers: ['localhost'] })).toThrow(expect.objectContaining({ code: 'KAFKA_CONFIG' }));
});

test('more copies than there are brokers: said with a code, and tried again, as it passes when a broker comes back', async () => {
  const codes: unknown[] = [];
  const log = (_: string, fields?: LogFields): void => {
    codes.push((fields?.error as TaplineError | undefined)?.code);
  };
  await using patient = openKafka({ brokers }, { logger: { ...silentLogger, warn: log, debug: log } });
  const stop = new AbortController();
  const ensured = patient.topics.ensure([{ topic: newName(), partitions: 1, replicationFactor: 3 }], stop.signal);
  ensured.catch(() => undefined);
  while (codes.filter((code) => code === 'KAFKA_TOO_FEW_BROKERS').length < 3) {
    await Promise.race([ensured, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  stop.abort();
  await expect(ensured).rejects.toMatchObject({ name: 'AbortError' });
});
