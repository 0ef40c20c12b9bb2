import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { TopicWriter } from '@tapline/test-stack';
import type { WriterConfig } from '../config.ts';
import { command } from '../index.ts';
import { until, WriterFixture } from '../testing/fixture.ts';
import { WriterProcess } from '../testing/writer-process.ts';
import { LetterDesk, type Retried } from './desk.ts';

let fixture: WriterFixture;

beforeAll(async () => {
  fixture = await WriterFixture.open();
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

function flagsOf(topic: TopicWriter): Record<string, string> {
  return fixture.flags(topic, { onError: 'deadLetter', 'deadLetters.partitions': '2' });
}

function desk(flags: Readonly<Record<string, string>>): Promise<LetterDesk> {
  const config = command.load({ env: {}, flags: new Map(Object.entries(flags)) }).value as WriterConfig;
  return LetterDesk.open(config, undefined, new AbortController().signal);
}

async function outcomes(
  one: LetterDesk,
  filter: Parameters<LetterDesk['retry']>[0],
): Promise<Record<string, Retried['outcome']>> {
  const told: Retried[] = [];
  const retried = await one.retry(filter, (result) => told.push(result));
  expect(told).toEqual(retried);
  return Object.fromEntries(retried.map(({ id, outcome }) => [id.slice(id.lastIndexOf('/') + 1), outcome]));
}

test('letters are applied where nothing newer is, and never take a row back', async () => {
  await using topic = await fixture.topic(1);
  const flags = flagsOf(topic);
  const key = (id: number): string => `${topic.source}:${id}`;
  // Lists in the way make letters of 1 to 4; then 2 and 3 are changed once more, and 3 is deleted.
  for (const id of [1, 2, 3, 4]) await fixture.redis.rpush(key(id), 'in the way');
  for (const id of [1, 2, 3, 4]) topic.put({ id, name: 'parked', price: '1.00' });
  topic.putBytes(5, Buffer.from('no change event'));
  await topic.sent();
  {
    await using writer = new WriterProcess(flags);
    await until('all is parked', () => fixture.caughtUp(topic), writer);
    for (const id of [1, 2, 3, 4]) await fixture.redis.del(key(id));
    topic.put({ id: 2, name: 'newer', price: '2.00' });
    topic.put({ id: 3, name: 'newer', price: '2.00' });
    topic.remove(3);
    await topic.sent();
    await until('the newer ones are applied', () => fixture.caughtUp(topic), writer);
    expect(await writer.stop()).toBe(0);
  }
  // Somebody forgot that 3 was ever there, as the store does after a time; 4 has got a newer version past the topic.
  for (const name of await fixture.redis.keys(`${topic.source}.v:*`)) await fixture.redis.del(name);
  await fixture.redis.hset(key(4), '_v', 'ffffffffffffffff', 'name', 'newest');

  await using letters = await desk(flags);
  const all = await letters.list({});
  expect(all.map(({ key: shown, code, offset }) => [offset, shown, code])).toEqual([
    ['0', 'id=1', 'SINK_REDIS_WRONG_TYPE'],
    ['1', 'id=2', 'SINK_REDIS_WRONG_TYPE'],
    ['2', 'id=3', 'SINK_REDIS_WRONG_TYPE'],
    ['3', 'id=4', 'SINK_REDIS_WRONG_TYPE'],
    ['4', expect.any(String), 'ENVELOPE_UNREADABLE'],
  ]);
  expect(await letters.list({ code: 'ENVELOPE_UNREADABLE' })).toHaveLength(1);
  expect(await letters.list({ key: '2' })).toMatchObject([{ key: 'id=2', topic: topic.topic, op: 'r' }]);
  expect(await letters.list({ key: 'id=2', topic: 'other' })).toEqual([]);
  expect(await letters.show(`${topic.topic}/0/0`)).toMatchObject({
    changes: [{ op: 'r', key: { id: 1 }, after: { id: 1, name: 'parked', price: '1.00' }, version: '1000001' }],
  });
  await expect(letters.show(`${topic.topic}/0/9`)).rejects.toMatchObject({ code: 'LETTER_UNKNOWN' });

  expect(await outcomes(letters, {})).toEqual({
    0: 'applied',
    1: 'superseded',
    2: 'superseded',
    3: 'stale',
    4: 'kept',
  });
  const rows = await fixture.rows(topic);
  expect(rows.get(1)).toEqual({ id: '1', name: 'parked', price: '1.00' });
  expect(rows.get(2)).toEqual({ id: '2', name: 'newer', price: '2.00' });
  expect(rows.has(3)).toBe(false);
  expect(rows.get(4)).toEqual({ name: 'newest' });

  expect((await letters.list({})).map(({ offset }) => offset)).toEqual(['4']);
  expect(await letters.drop({ code: 'ENVELOPE_UNREADABLE' })).toEqual([`${topic.topic}/0/4`]);
  expect(await letters.list({})).toEqual([]);
});

test('a letter stays while its store refuses it, and where a transform fails it goes when that is mended', async () => {
  await using topic = await fixture.topic(1);
  const folder = await mkdtemp(join(tmpdir(), 'tapline-letters-'));
  try {
    const module = join(folder, 'transform.ts');
    await writeFile(module, "export default { transform() { throw new Error('not today'); } };\n");
    const flags = { ...flagsOf(topic), transform: JSON.stringify([{ module }]) };
    topic.put({ id: 1, name: 'one', price: '1.00' });
    await topic.sent();
    {
      await using writer = new WriterProcess(flags);
      await until('it is parked', () => fixture.caughtUp(topic), writer);
    }
    await using failing = await desk(flags);
    expect(await failing.list({})).toMatchObject([
      { code: 'TRANSFORM_FAILED', message: expect.stringMatching(/not today.*transform\.ts/s) },
    ]);
    expect(await outcomes(failing, {})).toEqual({ 0: 'kept' });
    await using mended = await desk({ ...flags, transform: '[]' });
    await fixture.redis.rpush(`${topic.source}:1`, 'in the way');
    expect(await outcomes(mended, {})).toEqual({ 0: 'kept' });
    await fixture.redis.del(`${topic.source}:1`);
    expect(await outcomes(mended, { key: '1' })).toEqual({ 0: 'applied' });
    expect((await fixture.rows(topic)).get(1)).toMatchObject({ name: 'one' });
    await using filtering = await desk({ ...flags, transform: '[]' });
    expect(await filtering.list({})).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
