import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { encodeHeaders, type Kafka, openKafka } from '@tapline/kafka';
import { testServers } from '@tapline/test-stack';
import { deadletter } from './index.ts';

const name = `letters-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
const topic = `${name}.dead-letters`;
let kafka: Kafka;
let folder: string;
let file: string;
let printed = '';

beforeAll(async () => {
  const { brokers } = (await testServers('kafka')).kafka;
  kafka = openKafka({ brokers });
  folder = await mkdtemp(join(tmpdir(), 'tapline-letters-'));
  file = join(folder, 'writer.yaml');
  await writeFile(file, JSON.stringify({ name, source: { brokers, topics: ['a.b.c'] }, sink: { type: 'redis' } }));
  await kafka.topics.ensure([{ topic, partitions: 2, replicationFactor: 1 }]);
  await using producer = kafka.producer();
  for (const [offset, code] of ['ENVELOPE_UNREADABLE', 'SINK_REDIS_WRONG_TYPE', 'ENVELOPE_UNREADABLE'].entries()) {
    const said = {
      topic: 'a.b.c',
      partition: 0,
      offset,
      timestamp: 1,
      code,
      message: 'why',
      attempts: 1,
      parked: '2026-02-28T00:00:00Z',
    };
    const headers = Object.entries({ ...said, key: `k${offset}` }).map(([key, value]) => [
      `dl.${key}`,
      Buffer.from(String(value)),
    ]);
    const key = Buffer.from(`a.b.c/0/${offset}`);
    producer.append(
      producer.lane(topic, producer.partitionFor(key, 2)),
      key,
      Buffer.from('?'),
      1,
      encodeHeaders(Object.fromEntries(headers) as Record<string, Buffer>),
    );
  }
  await producer.mark();
});

afterAll(async () => {
  await kafka?.topics.delete([topic]);
  await kafka?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

beforeEach(() => {
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

test('letters are listed and dropped by name or by what chooses them, and all only when that is said', async () => {
  expect(await deadletter.run(['list', file, '--json'])).toBe(0);
  expect(JSON.parse(printed)).toMatchObject([
    { id: 'a.b.c/0/0', key: 'k0', op: null, code: 'ENVELOPE_UNREADABLE', message: 'why', attempts: 1 },
    { id: 'a.b.c/0/1', key: 'k1' },
    { id: 'a.b.c/0/2', key: 'k2' },
  ]);
  printed = '';
  expect(await deadletter.run(['list', file, '--code', 'SINK_REDIS_WRONG_TYPE'])).toBe(0);
  expect(printed).toMatch(/^a\.b\.c\/0\/1\n.*k1.*\n {2}SINK_REDIS_WRONG_TYPE: why\n1 letter\n$/);
  await expect(deadletter.run(['drop', file, '--key', 'k1'])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(deadletter.run(['drop', file, 'a.b.c/0/9'])).rejects.toMatchObject({ code: 'LETTER_UNKNOWN' });
  await expect(deadletter.run(['burn', file])).rejects.toMatchObject({ code: 'CONFIG_UNKNOWN_KEY' });
  printed = '';
  expect(await deadletter.run(['drop', file, '--all', '--key', 'k1'])).toBe(0);
  expect(printed).toBe('dropped    a.b.c/0/1\n');
  expect(await deadletter.run(['drop', file, 'a.b.c/0/2'])).toBe(0);
  printed = '';
  expect(await deadletter.run(['list', file])).toBe(0);
  expect(printed).toMatch(/^a\.b\.c\/0\/0\n.*\n.*\n1 letter\n$/);
});
