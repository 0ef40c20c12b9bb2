import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type MariadbServer, openStack, openTopology, type Stack, type Topology } from '@tapline/test-stack';
import { purgeBinlogs } from './failover/purge.ts';
import { StepsScene, type StepsSceneOptions } from './failover/steps-scene.ts';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { launchUntil, live, liveUntil, STREAMING, stopCleanly } from './services.ts';

/** Commit times are whole seconds: what is replayed should be of several. */
const LOAD_MS = process.env.TAPLINE_CHAOS === 'long' ? 10_000 : 1500;

const seed = chaosSeed();
const random = new Random(seed);
let stack: Stack<{ kafka: 1 }>;

beforeAll(async () => {
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  stack = await openStack({ kafka: 1 });
});

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

let topologies = 0;

async function topologyOf(): Promise<Topology<MariadbServer>> {
  topologies++;
  return await openTopology(stack, { kind: 'mariadb', name: `case-${topologies}`, servers: 2 });
}

async function sceneOf(options: Pick<StepsSceneOptions, 'topology' | 'source'>): Promise<StepsScene> {
  return await StepsScene.open({ stack, seed: random.int(0, 2 ** 31), ...options });
}

test('MariaDB, planned swaps, with the reader killed in front of the first and alive at the second: every change once and in order', async () => {
  await using topology = await topologyOf();
  const scene = await sceneOf({ topology, source: { failover: { prefer: 'source' } } });
  const { reader } = scene;
  await using logs = new KeptLogs(reader);
  await launchUntil(reader, STREAMING);
  await scene.drained();
  const [first] = topology.servers as [MariadbServer];

  await using before = scene.startLoad();
  await scene.flows();
  await live(reader, LOAD_MS);
  // What is published beyond its progress is counted on the other server.
  await reader.kill();
  await before.stop();
  await topology.swap();
  await first.kill();
  await launchUntil(reader, STREAMING);
  await using between = scene.startLoad();
  await scene.flows();

  await first.start();
  await topology.follow(first);
  await live(reader, LOAD_MS);
  await between.stop();
  const second = topology.source;
  await topology.swap(first);
  const swappedMs = performance.now();
  await second.kill();
  await using behind = scene.startLoad();
  await scene.flows();
  report('planned swap', swappedMs);
  await behind.stop();
  await scene.drained();
  await stopCleanly(reader);
  expect(await scene.compareChanges()).toEqual([]);
  logs.passed();
});

test('MariaDB, kill -9 of the source and promotion of a replica that lacks the tail: the reader stops and says what is lost', async () => {
  await using topology = await topologyOf();
  const scene = await sceneOf({ topology });
  await using logs = new KeptLogs(scene.reader);
  await launchUntil(scene.reader, STREAMING);
  await loseTail(scene);
  const error = await scene.refusal();
  expect(error.code).toBe('SOURCE_LOST_TAIL');
  expect(error.remedy).toContain('retract');
  logs.passed();
});

test.each(['retract', 'resnapshot'] as const)(
  'MariaDB, the same with lostTail %s: the topics end as the new source is',
  async (lostTail) => {
    await using topology = await topologyOf();
    const scene = await sceneOf({ topology, source: { failover: { lostTail } } });
    const { reader } = scene;
    await using logs = new KeptLogs(reader);
    await launchUntil(reader, STREAMING);
    await loseTail(scene);
    const promotedMs = performance.now();
    await using load = scene.startLoad();
    await scene.flows();
    report(`lost tail, ${lostTail}`, promotedMs);
    // In the middle of taking back, too.
    await reader.kill();
    await launchUntil(reader, STREAMING);
    await load.stop();
    await scene.drained();
    const lost = (await scene.progress())?.lost ?? [];
    expect(lost).toHaveLength(1);
    expect(lost[0]?.records).toBeGreaterThan(0);
    await stopCleanly(reader);
    expect(await scene.compareRows()).toEqual([]);
    logs.passed();
  },
);

test('MariaDB, policy resnapshot: purged while the reader is down, then reset while it lives: the topics end as the tables', async () => {
  await using topology = await openTopology(stack, { kind: 'mariadb', name: 'alone', servers: 1 });
  const scene = await sceneOf({ topology, source: { failover: { policy: 'resnapshot' } } });
  const { reader } = scene;
  const { source } = topology;
  await using logs = new KeptLogs(reader);
  await launchUntil(reader, STREAMING);
  await scene.drained();
  await stopCleanly(reader);
  await source.execute('DELETE FROM shop.steps WHERE id = 3; FLUSH BINARY LOGS');
  await purgeBinlogs(source);
  await launchUntil(reader, STREAMING);
  await using first = scene.startLoad();
  await scene.flows();
  await first.stop();
  await scene.drained();
  expect(await scene.compareRows()).toEqual([]);

  const resetMs = performance.now();
  await source.execute('SET sql_log_bin = 0; DELETE FROM shop.steps WHERE id = 4; SET sql_log_bin = 1; RESET MASTER');
  const again = /loaded again.*SOURCE_PURGED[^]*loaded again.*SOURCE_BINLOG_RESET/;
  await liveUntil(reader, async () => again.test(await reader.logs()), 'loading again');
  await using second = scene.startLoad();
  await scene.flows();
  report('reset, loaded again', resetMs);
  await second.stop();
  await scene.drained();
  await stopCleanly(reader);
  expect(await scene.compareRows()).toEqual([]);
  logs.passed();
});

function report(what: string, sinceMs: number): void {
  console.log(`MariaDB, ${what}: ${Math.round(performance.now() - sinceMs)} ms until changes flow`);
}

/** The replica stops receiving, the load goes on and is published, the source dies, the replica is promoted without that tail. */
async function loseTail(scene: StepsScene): Promise<void> {
  const { reader, topology } = scene;
  await scene.drained();
  await using load = scene.startLoad();
  await scene.flows();
  await live(reader, LOAD_MS);
  await topology.stopReplication(topology.replica());
  await topology.source.execute('DELETE FROM shop.steps WHERE id = 3; INSERT INTO shop.steps VALUES (1000, 1)');
  // What is published next may still be what the replica has.
  await scene.passes(topology.replica());
  await scene.flows();
  await load.stop();
  await topology.source.kill();
  await topology.promote(topology.replica());
}
