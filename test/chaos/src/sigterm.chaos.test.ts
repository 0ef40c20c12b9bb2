import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { readerScene } from './reader-scene.ts';
import { launchUntil, live, liveUntil, STREAMING, stopCleanly } from './services.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';

test('SIGTERM drains: exit code 0, progress at the end of the topics, nothing published twice afterwards', async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({ mysql: true, kafka: 1 });
  const scene = await readerScene({ stack, seed, rows: 1000, bigRows: 5000, bigTransactions: 3 });
  const { reader, topicReader } = scene;
  await using logs = new KeptLogs(reader);
  await using load = scene.startLoad(LONG ? 1000 : 600);
  for (let life = 1; life <= (LONG ? 12 : 4); life++) {
    // Not before it handles signals: until then SIGTERM ends any process at once.
    const streams = !random.chance(0.2);
    await launchUntil(reader, streams ? STREAMING : 'admin server listening');
    await live(reader, random.int(0, 2500));
    await stopCleanly(reader);
    // Stopped while it began, it may leave its markers behind the record of the life before; the next life counts them out.
    if (!streams) continue;
    const progress = JSON.parse((await topicReader.lastValue('chaos.progress', 'chaos')) ?? '{"offsets":{}}') as {
      offsets: Record<string, string[]>;
    };
    // A stopped reader leaves nothing beyond its progress record that the next life would have to look at.
    for (const [topic, next] of Object.entries(progress.offsets))
      expect([topic, await topicReader.ends(topic)]).toEqual([topic, next]);
  }
  await load.stop();
  await launchUntil(reader, STREAMING);
  await liveUntil(reader, () => scene.drained(), 'at the end of the binlog');
  await stopCleanly(reader);
  const result = await scene.compare();
  expect(result.differences).toEqual([]);
  expect(result.changes).toBeGreaterThan(0);
  logs.passed();
});
