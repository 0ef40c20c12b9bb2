import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type ManagedProcess, openStack, type StackBase } from '@tapline/test-stack';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { readerScene } from './reader-scene.ts';
import { killedAt, launchUntil, lifeUntilKilled, live, liveUntil, stopCleanly } from './services.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
const FAULTS = LONG ? 60 : 4;
const SESSION_MS = 2_000;
const READERS = 3;
const KINDS = ['kill', 'sleep', 'stop', 'takeover', 'broker'] as const;
const JOINING = 'joining the readers';

/** What the reader says of itself; undefined while it does not answer. */
async function roleOf(reader: ManagedProcess): Promise<string | undefined> {
  const url = [...(await reader.logs(16 << 20)).matchAll(/"admin server listening".*?"url":"([^"]+)"/g)].at(-1)?.[1];
  if (url === undefined || !reader.running) return undefined;
  const response = await fetch(`${url}/state`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
  const state = (await response?.json().catch(() => undefined)) as { role?: string; gtidSet?: string } | undefined;
  // A leader that has not opened its session yet is not at work.
  return state?.role === 'leader' && state.gtidSet === undefined ? 'opening' : state?.role;
}

/** The reader that streams, but not `not`. */
async function leaderOf(readers: readonly ManagedProcess[], not?: ManagedProcess): Promise<ManagedProcess> {
  for (const end = performance.now() + 300_000; performance.now() < end; await sleep(100)) {
    for (const reader of readers) if (reader !== not && (await roleOf(reader)) === 'leader') return reader;
  }
  throw new Error('no reader leads');
}

/** The leader is killed, and so is the only standby, when it has shut the leader out and nothing says so; then all of them come back. */
async function dieTakingOver(
  stack: StackBase,
  leader: ManagedProcess,
  readers: readonly ManagedProcess[],
): Promise<void> {
  const others = readers.filter((reader) => reader !== leader);
  for (const reader of others) await stopCleanly(reader);
  const joined = Promise.withResolvers<void>();
  const doomed = killedAt(stack, others[0] as ManagedProcess, 'fenced', 1);
  const dying = lifeUntilKilled(doomed, { working: JOINING, onWorking: joined.resolve, longestMs: 300_000 });
  await Promise.race([joined.promise, dying]);
  await leader.kill();
  expect(await dying).toBe('fenced');
  for (const reader of readers) await launchUntil(reader, JOINING);
}

test(`three readers of one source, the leader killed, stopped or asleep ${FAULTS} times under load, and one killed while it takes over: every change once and in order`, async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({ mysql: true, kafka: LONG ? 3 : 1 });
  const scene = await readerScene({
    stack,
    seed,
    rows: 1000,
    bigRows: 5000,
    bigTransactions: LONG ? 10 : 2,
    config: { leadership: { enabled: true, sessionTimeoutMs: SESSION_MS }, admin: { port: 0 } },
  });
  const { spec } = scene.reader;
  const readers = Array.from({ length: READERS }, (_, i) =>
    stack.process({ ...spec, name: `reader ${i}`, logFile: join(stack.folder, `reader-${i}.log`) }),
  );
  await using logs = new KeptLogs(...readers);
  await using load = scene.startLoad(LONG ? 600 : 400);
  for (const reader of readers) await launchUntil(reader, JOINING);

  for (let fault = 0; fault < FAULTS; fault++) {
    const leader = await leaderOf(readers);
    await live(leader, random.int(0, 1500));
    const kind = LONG ? random.pick(KINDS) : KINDS[fault % 4];
    if (kind === 'kill') await leader.kill();
    else if (kind === 'stop') await stopCleanly(leader);
    if (kind === 'kill' || kind === 'stop') {
      await live(await leaderOf(readers, leader), random.int(0, 1000));
      await launchUntil(leader, JOINING);
    } else if (kind === 'takeover') {
      await dieTakingOver(stack, leader, readers);
    } else if (kind === 'sleep') {
      leader.pause();
      await live(await leaderOf(readers, leader), random.int(0, 1000));
      leader.resume();
    } else {
      const broker = random.pick(stack.kafka.brokers);
      await (random.chance(0.5) ? broker.kill() : broker.stop());
      await sleep(random.int(0, 2000));
      await broker.start();
    }
  }
  await load.stop();
  await liveUntil(await leaderOf(readers), () => scene.drained(), 'at the end of the binlog');
  for (const reader of readers) await stopCleanly(reader);

  const result = await scene.compare();
  expect(result.differences).toEqual([]);
  expect(result.changes).toBeGreaterThan(100);
  logs.passed();
});
