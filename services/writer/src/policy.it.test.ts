import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type KafkaRecord, readHeader } from '@tapline/kafka';
import { consuming, seen, until, WriterFixture } from './testing/fixture.ts';
import { WriterProcess } from './testing/writer-process.ts';

let fixture: WriterFixture;

beforeAll(async () => {
  fixture = await WriterFixture.open();
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

describe('a change that can never be applied', () => {
  test('onError: stop leaves the writer standing at it, with what came before committed and the reason to be seen', async () => {
    await using topic = await fixture.topic(1);
    const flags = fixture.flags(topic);
    topic.put({ id: 1, name: 'fine', price: '1.00' });
    topic.putBytes(2, Buffer.from('no change event'));
    topic.put({ id: 3, name: 'behind it', price: '3.00' });
    await topic.sent();
    await using writer = new WriterProcess(flags);
    const state = await seen(
      'the writer stops',
      () => writer.state(),
      (told) => told?.['writer'] === 'stopped',
      writer,
    );
    const place = { topic: topic.topic, partition: 0, offset: '1' };
    expect(state).toMatchObject({ error: { code: 'ENVELOPE_UNREADABLE', place } });
    await until('what came before is committed', async () => (await fixture.committed(topic)).get(0) === '1', writer);
    expect([...(await fixture.rows(topic)).keys()]).toEqual([1]);
    const stopped = /^tapline_writer_stopped\{.*\} 1$/m;
    await until('that is counted', async () => stopped.test((await writer.metrics()) ?? ''), writer);
    expect(await writer.stop()).toBe(1);
  });

  test('onError: deadLetter parks it with everything that puts it back, and goes on', async () => {
    await using topic = await fixture.topic(1);
    const flags = fixture.flags(topic, { onError: 'deadLetter', 'deadLetters.partitions': '1' });
    await fixture.redis.rpush(`${topic.source}:2`, 'in the way');
    const damaged = Buffer.concat([Buffer.from('no change event'), Buffer.alloc(300_000, 7)]);
    topic.put({ id: 1, name: 'fine', price: '1.00' });
    topic.putBytes(9, damaged);
    topic.put({ id: 2, name: 'meets a list', price: '2.00' });
    topic.put({ id: 3, name: 'behind them', price: '3.00' });
    await topic.sent();
    await using writer = new WriterProcess(flags);
    await until('all is committed', () => fixture.caughtUp(topic), writer);
    await fixture.redis.del(`${topic.source}:2`);
    expect(new Set((await fixture.rows(topic)).keys())).toEqual(new Set([1, 3]));
    const state = await consuming(writer);
    expect(state).toMatchObject({ counts: { applied: 2, deadLetters: 2 } });

    const letters: KafkaRecord[] = [];
    const dead = `${flags['name']}.dead-letters`;
    for await (const records of fixture.kafka.reader.read({ topic: dead, partition: 0 })) letters.push(...records);
    const header = (letter: KafkaRecord | undefined, name: string): Buffer | null | undefined =>
      letter && readHeader(letter.headers, name);
    // Their order is that of what refused them, not of their records.
    const letterOf = (offset: number): KafkaRecord | undefined =>
      letters.find((letter) => String(letter.key) === `${topic.topic}/0/${offset}`);
    const [unreadable, wrongType] = [letterOf(1), letterOf(2)];
    expect(letters).toHaveLength(2);
    expect(unreadable?.value?.equals(damaged)).toBe(true);
    expect(String(header(unreadable, 'dl.code'))).toBe('ENVELOPE_UNREADABLE');
    expect(header(unreadable, 'v')?.readBigInt64BE(0)).toBe(1_000_002n);
    expect(String(header(wrongType, 'dl.code'))).toBe('SINK_REDIS_WRONG_TYPE');
    expect(String(header(wrongType, 'dl.offset'))).toBe('2');
    expect(String(header(wrongType, 'dl.topic'))).toBe(topic.topic);
    expect(header(wrongType, 'dl.key')?.length).toBeGreaterThan(5);
    expect(await writer.stop()).toBe(0);
  });
});

test('markers of a reader’s lives are committed past: the group’s lag is 0 also where a partition ends in them, or holds nothing else', async () => {
  await using topic = await fixture.topic(2);
  topic.put({ id: 1, name: 'in one of the partitions', price: '1.00' });
  await topic.sent();
  const life = await fixture.kafka.fence({ transactionalId: topic.source });
  await life.shutOut([topic.topic]);
  await using writer = new WriterProcess(fixture.flags(topic));
  await until('all is committed', () => fixture.caughtUp(topic), writer);
  expect([...(await fixture.committed(topic)).values()].toSorted()).toEqual(['1', '2']);
  await life.shutOut([topic.topic]);
  await until('all is committed again', () => fixture.caughtUp(topic), writer);
  expect([...(await fixture.committed(topic)).values()].toSorted()).toEqual(['2', '3']);
  expect([...(await fixture.rows(topic)).keys()]).toEqual([1]);
});

test('a configuration file that changes is followed without a restart: topics and transforms, and what is wrong in it changes nothing', async () => {
  await using topic = await fixture.topic();
  await using another = await fixture.topic();
  const folder = await mkdtemp(join(tmpdir(), 'tapline-writer-'));
  const file = join(folder, 'writer.yaml');
  const {
    'sink.type': type,
    'sink.address': address,
    'sink.key': key,
    name,
    'source.brokers': brokers,
  } = fixture.flags(topic);
  const write = (topics: readonly string[], more: object): Promise<void> =>
    writeFile(
      file,
      JSON.stringify({
        name,
        source: { brokers: [brokers], topics, commitMs: 100 },
        sink: { type, address, key },
        ...more,
      }),
    );
  await write([topic.topic], { admin: { port: 0 } });
  await using writer = new WriterProcess({ config: file });
  topic.put({ id: 1, name: 'first', price: '1.00' });
  await topic.sent();
  await until('the first row', async () => (await fixture.rows(topic)).has(1), writer);

  await write([topic.topic], { transfrom: [] });
  await until('the mistake is told', () => writer.log.includes('CONFIG_UNKNOWN_KEY'), writer);
  topic.put({ id: 2, name: 'second', price: '2.00' });
  await topic.sent();
  await until('the second row', async () => (await fixture.rows(topic)).has(2), writer);

  another.put({ id: 3, name: 'of the new topic', price: '3.00' });
  await another.sent();
  await write([topic.topic, another.topic], { admin: { port: 0 }, transform: [{ exclude: ['price'] }] });
  await until('the row of the new topic', async () => (await fixture.rows(topic)).has(3), writer);
  topic.put({ id: 2, name: 'again', price: '2.00' });
  await topic.sent();
  await until('the transform', async () => (await fixture.rows(topic)).get(2)?.['name'] === 'again', writer);
  expect(await fixture.rows(topic)).toEqual(
    new Map([
      [1, { id: '1', name: 'first', price: '1.00' }],
      [2, { id: '2', name: 'again' }],
      [3, { id: '3', name: 'of the new topic' }],
    ]),
  );
  expect(await writer.stop()).toBe(0);
  await rm(folder, { recursive: true });
});
