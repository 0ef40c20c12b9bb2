import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type ManagedProcess, openStack } from '@tapline/test-stack';
import { FileScene } from './file-scene.ts';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { launchUntil, live, STREAMING, stopCleanly } from './services.ts';

test('without GTIDs: a replica with other file names is promoted while the reader is down in the middle of the load: nothing lost, doubled or reordered', async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({ kafka: 1 });
  await using scene = await FileScene.open({ stack, servers: 2, seed, rows: 500 });
  const { topology, reader } = scene;
  await using logs = new KeptLogs(reader);
  await launchUntil(reader, STREAMING);
  await scene.passed(await scene.end(), 'through the first load');

  // The table is altered, and XA transactions are prepared and decided, on the way from the anchor to the end.
  const load = scene.startLoad(600, { alterAfterRows: random.int(600, 1500), xaConnections: 2 });
  await scene.anchored();
  await live(reader, random.int(2000, 3500));
  await scene.changed(load, 300);
  // Records stand in the topics behind the newest progress record: they lie between the anchor and the end of what is published.
  await reader.kill();
  await load.stop();
  await topology.caughtUp();
  await topology.source.kill();
  const downMs = performance.now();
  await topology.promote(topology.replica());
  await using more = scene.startLoad(600);
  await launchUntil(reader, STREAMING);
  await scene.passed(await scene.end(), 'on the promoted server');
  console.log(`time without flow: ${((performance.now() - downMs) / 1000).toFixed(1)} s`);
  await more.stop();
  await scene.passed(await scene.end(), 'at the end of the binlog');
  await stopCleanly(reader);

  expect(await reader.logs()).toContain('goes on at an anchor');
  const result = await scene.compare();
  expect(result.differences).toEqual([]);
  expect(result.changes).toBeGreaterThan(100);
  expect(result.snapshotRows).toBeGreaterThan(0);
  expect(await scene.topicReader.listTopics()).not.toContain('chaos.__db_mysync.t_binlog_record');
  logs.passed();
});

test('without GTIDs: a promoted replica that lacks what was published last is refused, before and behind its first own changes', async () => {
  const seed = chaosSeed();
  await using stack = await openStack({ kafka: 1 });
  await using scene = await FileScene.open({ stack, servers: 2, seed, rows: 100 });
  const { reader } = scene;
  await using logs = new KeptLogs(reader);
  await launchUntil(reader, STREAMING);
  await loseTail(scene);
  expect((await reader.exited).code).toBe(1);
  expect(await lostTail(reader)).toMatch(/The server never got what was published last: \d+ records/);

  const before = await scene.records();
  await using more = scene.startLoad(300);
  while (more.stats.transactions < 10) await sleep(50);
  await reader.launch();
  expect((await reader.exited).code).toBe(1);
  await more.stop();
  expect((await lostTail(reader)).length).toBeGreaterThan(0);
  expect(await scene.records()).toBe(before);
  logs.passed();
});

test('without GTIDs: a lost tail that cannot be retracted, then all tables loaded again; and again after a reset', async () => {
  const seed = chaosSeed();
  await using stack = await openStack({ kafka: 1 });
  const source = { failover: { lostTail: 'retract' } };
  await using scene = await FileScene.open({ stack, servers: 2, seed, rows: 100, source });
  const { topology } = scene;
  await using logs = new KeptLogs(scene.reader);
  await launchUntil(scene.reader, STREAMING);
  await loseTail(scene);
  expect((await scene.reader.exited).code).toBe(1);
  expect(await lostTail(scene.reader)).toContain('cannot be retracted: set source.failover.lostTail to resnapshot');

  const reader = await scene.withSource({ failover: { lostTail: 'resnapshot', policy: 'resnapshot' } });
  await reader.launch();
  await using load = scene.startLoad(300);
  await live(reader, 1500);
  await load.stop();
  await scene.passed(await scene.end(), 'loaded again on the promoted server');
  await stopCleanly(reader);
  expect(await scene.compareRows()).toEqual([]);

  await topology.source.execute(
    'SET sql_log_bin = 0; DELETE FROM shop.accounts LIMIT 20; SET sql_log_bin = 1; RESET BINARY LOGS AND GTIDS',
  );
  await launchUntil(reader, STREAMING);
  await scene.passed(await scene.end(), 'loaded again after the reset');
  await stopCleanly(reader);
  expect(await reader.logs()).toMatch(/loaded again.*SOURCE_LOST_TAIL[^]*loaded again.*SOURCE_(BINLOG_RESET|PURGED)/);
  expect(await scene.compareRows()).toEqual([]);
  logs.passed();
});

/** What is published last never reaches the replica, which is promoted. */
async function loseTail(scene: FileScene): Promise<void> {
  const { topology, reader } = scene;
  await using first = scene.startLoad(300);
  await live(reader, 1500);
  await scene.anchored();
  await first.stop();
  await topology.caughtUp();
  await topology.stopReplication(topology.replica());
  await using lost = scene.startLoad(300);
  await live(reader, 1000);
  await scene.changed(lost, 50);
  await lost.stop();
  await scene.passed(await scene.end(), 'at the end of what will be lost');
  await topology.source.kill();
  await topology.promote(topology.replica());
}

/** What the log says of the lost tail, the last time. */
async function lostTail(reader: ManagedProcess): Promise<string> {
  const line = (await reader.logs()).split('\n').findLast((text) => text.includes('SOURCE_LOST_TAIL'));
  return line ?? '';
}

test('without GTIDs: the source is killed under load and comes back: the reader goes on exactly where it was in the files', async () => {
  const seed = chaosSeed();
  await using stack = await openStack({ kafka: 1 });
  await using scene = await FileScene.open({ stack, servers: 1, seed, rows: 200 });
  const { topology, reader } = scene;
  await using logs = new KeptLogs(reader);
  await launchUntil(reader, STREAMING);
  const kills = process.env.TAPLINE_CHAOS === 'long' ? 5 : 1;
  for (let kill = 0; kill < kills; kill++) {
    await using load = scene.startLoad(600);
    await live(reader, 1500);
    await scene.changed(load, 300);
    const downMs = performance.now();
    await topology.source.kill();
    await load.stop().catch(() => undefined);
    await topology.source.start();
    await scene.passed(await scene.end(), 'on the server that came back');
    console.log(`time without flow: ${((performance.now() - downMs) / 1000).toFixed(1)} s`);
  }
  await stopCleanly(reader);
  const result = await scene.compare();
  expect(result.differences).toEqual([]);
  expect(result.changes).toBeGreaterThan(100);
  logs.passed();
});
