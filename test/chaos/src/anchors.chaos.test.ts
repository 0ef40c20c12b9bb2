import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
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

  const load = scene.startLoad(600);
  await live(reader, random.int(1500, 3000));
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
