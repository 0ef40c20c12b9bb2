import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type ManagedProcess, openStack } from '@tapline/test-stack';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { readerScene } from './reader-scene.ts';
import { launchUntil, live, liveUntil, stopCleanly } from './services.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
const FAULTS = LONG ? 60 : 4;
const SESSION_MS = 2_000;
const READERS = 3;

/** What the reader says of itself; undefined while it does not answer. */
async function roleOf(reader: ManagedProcess): Promise<string | undefined> {
  const url = [...(await reader.logs(16 << 20)).matchAll(/"admin server listening".*?"url":"([^"]+)"/g)].at(-1)?.[1];
  if (url === undefined || !reader.running) return undefined;
  const response = await fetch(`${url}/state`, { signal: AbortSignal.timeout(500) }).catch(() => undefined);
  const state = (await response?.json().catch(() => undefined)) as { role?: string; gtidSet?: string } | undefined;
  // A leader that has not opened its session yet is not at work.
  return state?.role === 'leader' && state.gtidSet === undefined ? 'opening' : state?.role;
}

/** The reader that streams, but not `not`. */
async function leaderOf(readers: readonly ManagedProcess[], not?: ManagedProcess): Promise<ManagedProcess> {
  for (const end = performance.now() + 120_000; performance.now() < end; await sleep(100)) {
    for (const reader of readers) if (reader !== not && (await roleOf(reader)) === 'leader') return reader;
  }
  throw new Error('no reader leads');
}

test(`three readers of one source, the leader killed, stopped or asleep ${FAULTS} times under load: every change once and in order`, async () => {
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
  for (const reader of readers) await launchUntil(reader, 'joining the readers');

  for (let fault = 0; fault < FAULTS; fault++) {
    const leader = await leaderOf(readers);
    await live(leader, random.int(0, 1500));
    const kind = (['kill', 'sleep', 'stop', 'broker'] as const)[LONG ? random.int(0, 3) : fault % 3];
    if (kind === 'kill') await leader.kill();
    else if (kind === 'stop') await stopCleanly(leader);
    if (kind === 'kill' || kind === 'stop') {
      await live(await leaderOf(readers, leader), random.int(0, 1000));
      await launchUntil(leader, 'joining the readers');
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
