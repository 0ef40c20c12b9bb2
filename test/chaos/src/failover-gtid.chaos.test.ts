import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sleep } from '@tapline/kernel';
import { MovingAddress, openStack, openTopology, type Stack, type Topology } from '@tapline/test-stack';
import { LostTransactions } from './failover/lost-transactions.ts';
import { purgeBinlogs } from './failover/purge.ts';
import { FailoverScene, type FailoverSceneOptions, flowOf, type Outcome } from './failover/scene.ts';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { launchUntil, live, liveUntil, STREAMING, stopCleanly } from './services.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
/** How long the load goes on before and after a failover. */
const LOAD_MS = LONG ? 10_000 : 1000;

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

/** Two servers (or more) of their own for a case. */
async function topologyOf(servers = 2): Promise<Topology> {
  topologies++;
  return await openTopology(stack, { kind: 'mysql', name: `case-${topologies}`, servers });
}

async function sceneOf(options: Partial<FailoverSceneOptions> & { topology: Topology }): Promise<FailoverScene> {
  return await FailoverScene.open({ stack, kafka: stack.kafka, seed: random.int(0, 2 ** 31), ...options });
}

/** Everything once and in order, and the row states too. */
async function expectExact(scene: FailoverScene): Promise<Outcome> {
  const outcome = await scene.compare();
  expect(outcome.differences).toEqual([]);
  expect(outcome.changes).toBeGreaterThan(50);
  expect(await scene.compareRows(outcome.topics)).toEqual([]);
  return outcome;
}

function report(what: string, { withoutFlowMs, withoutCommitsMs }: ReturnType<typeof flowOf>): void {
  console.log(
    `${what}: longest time without flow ${withoutFlowMs} ms, of which the source had no commits for ${withoutCommitsMs} ms`,
  );
}

/** Another load behind a failover: all of it is published, the reader stops, and everything is exact. */
async function goesOnExactly(scene: FailoverScene, what: string): Promise<void> {
  const load = scene.startLoad();
  await scene.flows();
  await load.stop();
  await scene.drained();
  await stopCleanly(scene.reader);
  report(what, await expectExact(scene));
}

describe('failover by GTID, under load', () => {
  test('planned swap: the reader goes on from the new source; every change once and in order', async () => {
    await using topology = await topologyOf();
    const scene = await sceneOf({ topology, source: { failover: { prefer: 'source' } } });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const first = scene.startLoad();
    await scene.flows();
    await live(scene.reader, LOAD_MS);
    const old = topology.source;
    await first.stop();
    await topology.swap();
    await old.kill();
    const second = scene.startLoad();
    await scene.flows();
    await live(scene.reader, LOAD_MS);
    await second.stop();
    await scene.drained();
    const state = await scene.state();
    expect(state?.failover).toMatchObject({ failovers: 1, server: { role: 'source' } });
    await stopCleanly(scene.reader);
    report('planned swap', await expectExact(scene));
    logs.passed();
  });

  test('kill -9 of the source and promotion of a replica that has everything', async () => {
    await using topology = await topologyOf();
    const scene = await sceneOf({ topology });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const first = scene.startLoad();
    await scene.flows();
    await live(scene.reader, LOAD_MS);
    await first.stop();
    await topology.caughtUp();
    await topology.source.kill();
    await topology.promote(topology.replica());
    await goesOnExactly(scene, 'kill -9 and promotion');
    logs.passed();
  });

  test('kill -9 of the source and promotion of a replica that lacks the tail, lostTail fail: the reader stops and says what is lost', async () => {
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
    'the same with lostTail %s: what is lost is told and taken back, and the topics end as the new source is',
    async (lostTail) => {
      await using topology = await topologyOf();
      const scene = await sceneOf({ topology, source: { failover: { lostTail } } });
      await using logs = new KeptLogs(scene.reader);
      await launchUntil(scene.reader, STREAMING);
      const failedMs = await loseTail(scene);
      const second = scene.startLoad();
      await scene.flows();
      // In the middle of taking back, too.
      await scene.reader.kill();
      await launchUntil(scene.reader, STREAMING);
      await live(scene.reader, LOAD_MS);
      await second.stop();
      await scene.drained();
      const lost = (await scene.progress())?.lost ?? [];
      expect(lost).toEqual([expect.objectContaining({ gtidSet: expect.stringContaining(':') })]);
      expect(lost[0]?.records).toBeGreaterThan(0);
      await stopCleanly(scene.reader);
      const outcome = await scene.compare(topology.source, new LostTransactions(lost[0]?.gtidSet ?? '', failedMs));
      expect(outcome.differences).toEqual([]);
      expect(await scene.compareRows(outcome.topics)).toEqual([]);
      report(`lost tail, ${lostTail}: ${lost[0]?.transactions} transactions lost`, outcome);
      logs.passed();
    },
  );

  test('a replica that lags is waited for: nothing is taken for lost', async () => {
    await using topology = await topologyOf();
    const scene = await sceneOf({ topology, source: { failover: { lagTimeoutMs: 500 } } });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const replica = topology.replica();
    await topology.stopReplication(replica, 'applier');
    const first = scene.startLoad();
    await scene.flows();
    await live(scene.reader, LOAD_MS);
    await first.stop();
    await scene.drained();
    await receivedAll(topology);
    await topology.source.kill();
    await liveUntil(
      scene.reader,
      async () => JSON.stringify((await scene.state())?.trouble ?? '').includes('lacks'),
      'behind',
    );
    await topology.startReplication(replica, 'applier');
    await liveUntil(scene.reader, async () => (await scene.state())?.failover.failovers === 1, 'the replica');
    await topology.promote(replica);
    await goesOnExactly(scene, 'replica lag');
    logs.passed();
  });

  test('nobody there: a clear state, and the reader goes on when a server comes', async () => {
    await using topology = await topologyOf();
    const scene = await sceneOf({ topology });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const first = scene.startLoad();
    await scene.flows();
    await first.stop();
    const source = topology.source;
    await Promise.all(topology.servers.map((server) => server.kill()));
    const gone = async (): Promise<boolean> => {
      const state = await scene.state();
      const hosts = Object.values(state?.failover.hosts ?? {});
      const isTold = JSON.stringify(state?.trouble ?? '').includes(`127.0.0.1:${source.port}`);
      return isTold && hosts.length === 2 && hosts.every((found) => found === 'SOURCE_UNREACHABLE');
    };
    await liveUntil(scene.reader, gone, 'both gone, and told');
    await source.start();
    await goesOnExactly(scene, 'vanished hosts');
    logs.passed();
  });

  test('two clusters mixed by mistake: the other one is refused by its history', async () => {
    await using topology = await topologyOf(1);
    await using other = await topologyOf(1);
    await other.source.execute('CREATE DATABASE shop; CREATE TABLE shop.accounts (id INT PRIMARY KEY)');
    await using address = await MovingAddress.open(topology.source.port);
    const scene = await sceneOf({ topology, source: { host: address.host, port: address.port } });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const load = scene.startLoad();
    await scene.flows();
    await load.stop();
    address.moveTo(other.source.port);
    expect((await scene.refusal()).code).toBe('SOURCE_OTHER_TOPOLOGY');
    address.moveTo(topology.source.port);
    await launchUntil(scene.reader, STREAMING);
    await scene.drained();
    await stopCleanly(scene.reader);
    await expectExact(scene);
    logs.passed();
  });

  test('errant transactions on the new source: harmless ones are told, one on a captured table is refused, or answered by a new load', async () => {
    await using topology = await topologyOf();
    const scene = await sceneOf({ topology });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    await scene.drained();
    const [first] = topology.servers as [Topology['source']];
    await failOverAfter(scene, 'CREATE DATABASE monitoring');
    const load = scene.startLoad();
    await scene.flows();
    await load.stop();
    await scene.drained();
    expect(await scene.reader.logs()).toContain('they touch no captured table');

    await first.start();
    await topology.follow(first);
    await topology.caughtUp();
    await failOverAfter(scene, 'UPDATE shop.accounts SET owner = 7 LIMIT 1');
    const refusal = await scene.refusal();
    expect(refusal.code).toBe('SOURCE_ERRANT_GTIDS');
    expect(refusal.message).toContain('1 transactions on captured tables');

    const again = await scene.withSource({ failover: { policy: 'resnapshot' } });
    await launchUntil(again, STREAMING);
    const fourth = scene.startLoad();
    await scene.flows();
    await fourth.stop();
    await scene.drained();
    await stopCleanly(again);
    const topics = await scene.read();
    expect(await scene.compareRows(topics)).toEqual([]);
    report('errant transactions, harmless and loaded again', flowOf([...topics.values()]));
    logs.passed();
  });

  test('RESET BINARY LOGS AND GTIDS on the source: the reader stops and says so', async () => {
    await using topology = await topologyOf(1);
    const scene = await sceneOf({ topology });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const load = scene.startLoad();
    await scene.flows();
    await load.stop();
    await scene.drained();
    await topology.source.execute('RESET BINARY LOGS AND GTIDS; CREATE DATABASE IF NOT EXISTS after_reset');
    expect((await scene.refusal()).code).toBe('SOURCE_BINLOG_RESET');
    logs.passed();
  });

  test('purged while the reader is down, and while it lives without a connection: never silent', async () => {
    await using topology = await topologyOf(1);
    await using address = await MovingAddress.open(topology.source.port);
    const scene = await sceneOf({ topology, source: { host: address.host, port: address.port } });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    await scene.drained();
    address.moveTo(undefined);
    await purge(topology);
    address.moveTo(topology.source.port);
    expect((await scene.refusal()).code).toBe('SOURCE_PURGED');
    await scene.reader.launch();
    expect((await scene.refusal()).code).toBe('SOURCE_PURGED');
    logs.passed();
  });

  test('policy resnapshot: purged while the reader is down, then reset while it lives: each time the topics end as the tables, without the rows that vanished', async () => {
    await using topology = await topologyOf(1);
    const scene = await sceneOf({ topology, source: { failover: { policy: 'resnapshot' } } });
    const { reader } = scene;
    await using logs = new KeptLogs(reader);
    await launchUntil(reader, STREAMING);
    await scene.drained();
    await stopCleanly(reader);
    const { source } = topology;
    await source.execute(
      `DELETE FROM shop.accounts WHERE id <= 20; UPDATE shop.order_lines SET quantity = 77 LIMIT 20;
       ALTER TABLE shop.accounts ADD COLUMN extra INT`,
    );
    await purge(topology);
    await launchUntil(reader, STREAMING);
    const first = scene.startLoad();
    await scene.flows();
    // In the middle of loading again, or behind it.
    await reader.kill();
    await launchUntil(reader, STREAMING);
    await first.stop();
    await scene.isAt(source);
    expect(await scene.compareRows(await scene.read())).toEqual([]);

    await source.execute(
      'SET sql_log_bin = 0; DELETE FROM shop.accounts LIMIT 20; SET sql_log_bin = 1; RESET BINARY LOGS AND GTIDS',
    );
    const again = /loaded again.*SOURCE_PURGED[^]*loaded again.*SOURCE_BINLOG_RESET/;
    await liveUntil(reader, async () => again.test(await reader.logs()), 'loading again');
    const second = scene.startLoad();
    await scene.flows();
    await second.stop();
    await scene.isAt(source);
    await stopCleanly(reader);
    const topics = await scene.read();
    expect(await scene.compareRows(topics)).toEqual([]);
    report('purged and reset, loaded again', flowOf([...topics.values()]));
    logs.passed();
  });

  test('an address that moves in the middle of transactions, again and again', async () => {
    await using topology = await topologyOf();
    await using address = await MovingAddress.open(topology.source.port);
    const scene = await sceneOf({ topology, source: { host: address.host, port: address.port } });
    await using logs = new KeptLogs(scene.reader);
    await launchUntil(scene.reader, STREAMING);
    const load = scene.startLoad();
    for (let move = 0; move < (LONG ? 20 : 4); move++) {
      await scene.flows();
      await live(scene.reader, random.int(0, 500));
      address.moveTo((topology.servers[(move + 1) % 2] as (typeof topology.servers)[0]).port);
    }
    await scene.flows();
    await load.stop();
    await scene.drained();
    const state = await scene.state();
    expect(state?.failover.failovers).toBeGreaterThanOrEqual(2);
    await stopCleanly(scene.reader);
    report('an address that moves', await expectExact(scene));
    logs.passed();
  });
});

/** The replica stops receiving, the load goes on and is published, the source dies, the replica is promoted without that tail. @returns when it died. */
async function loseTail(scene: FailoverScene): Promise<number> {
  const { topology } = scene;
  await scene.drained();
  const first = scene.startLoad();
  await scene.flows();
  await live(scene.reader, LOAD_MS);
  await topology.stopReplication(topology.replica());
  // What is published next may still be what the replica has.
  await scene.passes(topology.replica());
  await scene.flows();
  await first.stop();
  await topology.source.kill();
  const failedMs = Date.now();
  await topology.promote(topology.replica());
  return failedMs;
}

/** A statement is run on the replica itself, the load goes on, the source dies, the replica is promoted. */
async function failOverAfter(scene: FailoverScene, errant: string): Promise<void> {
  const { topology } = scene;
  await topology.replica().execute(`SET GLOBAL super_read_only=OFF; ${errant}`);
  const load = scene.startLoad();
  await scene.flows();
  await load.stop();
  await scene.drained();
  await topology.caughtUp();
  await topology.source.kill();
  await topology.promote(topology.replica());
}

/** The replica has everything in its relay log. */
async function receivedAll(topology: Topology): Promise<void> {
  const [executed] = await topology.source.rows('SELECT @@GLOBAL.gtid_executed AS gtids');
  const wanted = String(executed?.['gtids']);
  for (;;) {
    const [status] = await topology.replica().rows('SHOW REPLICA STATUS');
    const received = String(status?.['Retrieved_Gtid_Set']).replaceAll('\n', '');
    const [row] = await topology
      .replica()
      .rows(`SELECT GTID_SUBSET('${wanted}', CONCAT('${received},', @@GLOBAL.gtid_executed)) AS has`);
    if (Number(row?.['has']) === 1) return;
    await sleep(50);
  }
}

/** Something is committed, and its binlog file deleted. */
async function purge({ source }: Topology): Promise<void> {
  await source.execute('CREATE DATABASE gone; FLUSH BINARY LOGS');
  await purgeBinlogs(source);
}
