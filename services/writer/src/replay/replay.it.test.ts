import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLogger } from '@tapline/kernel';
import type { TopicWriter } from '@tapline/test-stack';
import type { WriterConfig } from '../config.ts';
import { command } from '../index.ts';
import { until, WriterFixture } from '../testing/fixture.ts';
import { Load, Watcher } from '../testing/load.ts';
import { ReplayProcess } from '../testing/replay-process.ts';
import { WriterProcess } from '../testing/writer-process.ts';
import { Replay, type ReplayOptions, type ReplayResult } from './replay.ts';

let fixture: WriterFixture;

beforeAll(async () => {
  fixture = await WriterFixture.open();
});

afterAll(async () => {
  await fixture?.[Symbol.asyncDispose]();
});

type Flags = Readonly<Record<string, string>>;

function open(flags: Flags, options: Partial<ReplayOptions> = {}): Promise<Replay> {
  const config = command.load({ env: {}, flags: new Map(Object.entries(flags)) }).value as WriterConfig;
  return Replay.open(config, undefined, {
    log: silentLogger,
    signal: new AbortController().signal,
    ...options,
  });
}

async function replay(flags: Flags, options: Partial<ReplayOptions> = {}): Promise<ReplayResult> {
  await using one = await open(flags, options);
  return await one.run(new AbortController().signal, () => undefined);
}

/** Everything that Redis holds for the topic, to the byte, lifetimes included. */
async function store({ redis }: WriterFixture, { source }: TopicWriter): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const key of await redis.keys(`${source}*`)) {
    const bytes = (await redis.dumpBuffer(key)).toString('base64');
    found.set(key, `${bytes} until ${await redis.pexpiretime(key)}`);
  }
  return found;
}

test('from the start into the live store nothing changes, and what changes meanwhile converges without a row going back', async () => {
  await using topic = await fixture.topic();
  const flags = fixture.flags(topic);
  const load = new Load(topic, 200);
  await using writer = new WriterProcess(flags);
  load.run(4000);
  await topic.sent();
  await until('all is committed', () => fixture.caughtUp(topic), writer);
  const before = await store(fixture, topic);
  expect(before.size).toBeGreaterThan(200);

  await using watcher = new Watcher(fixture.redis, topic, 200);
  await using quiet = await open(flags);
  expect(quiet.plan).toMatchObject({
    recordsAtMost: 4000,
    resumed: false,
    target: expect.stringMatching(/^redis \(address .*\)$/),
    ranges: expect.arrayContaining([
      expect.objectContaining({ partition: 0, from: 0n, firstMs: expect.any(Number), lastMs: expect.any(Number) }),
    ]),
  });
  expect(await quiet.run(new AbortController().signal, () => undefined)).toMatchObject({
    finished: true,
    passed: 4000,
    applied: 0,
    stale: 4000,
  });
  expect(await store(fixture, topic)).toEqual(before);

  // The same while rows change.
  const changing = replay(flags, { recordsPerSecond: 8000 });
  for (let step = 0; step < 10; step++) {
    load.run(200);
    await topic.sent();
  }
  expect((await changing).finished).toBe(true);
  await until('all is committed', () => fixture.caughtUp(topic), writer);
  await load.assertIn(fixture);
  expect(watcher.wentBack).toEqual([]);
});

test('killed in the middle it is gone on with, and an unfinished one is not begun anew by accident', async () => {
  await using topic = await fixture.topic();
  const flags = fixture.flags(topic);
  const load = new Load(topic, 500);
  load.run(3000);
  await topic.sent();
  const stored = async (): Promise<number> => {
    const offsets = await fixture.kafka.offsets(`${flags['name']}.replay.live`).stored();
    return offsets.reduce((sum, { offset }) => sum + Number(offset), 0);
  };
  {
    await using killed = await ReplayProcess.start(flags, ['--yes', '--rate', '100']);
    await until('some of it is stored', async () => (await stored()) > 0, killed);
    killed.signal('SIGKILL');
    await killed.ended;
  }
  const place = await stored();
  expect(place).toBeGreaterThan(0);
  expect(place).toBeLessThan(3000);
  await expect(open(flags)).rejects.toMatchObject({ code: 'REPLAY_UNFINISHED' });

  await using resumed = await ReplayProcess.start(flags, ['--yes', '--resume']);
  expect([await resumed.ended, resumed.log]).toEqual([0, expect.stringContaining('goes on with the replay')]);
  expect(resumed.log).toMatch(/replayed: applied \d/);
  await load.assertIn(fixture);
  expect(await stored()).toBe(0);
  // Nobody to ask: nothing is done.
  await using unasked = await ReplayProcess.start(flags, []);
  expect(await unasked.ended).toBe(2);
  expect(unasked.log).toMatch(/3,000 at most.*--yes/s);
});
