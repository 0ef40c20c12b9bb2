import { expect, test } from '@jest/globals';
import { openStack } from '@tapline/test-stack';
import { KeptLogs } from './keep.ts';
import { chaosSeed, Random } from './random.ts';
import { readerScene } from './reader-scene.ts';
import { launchUntil, live, liveAndBeKilled, liveUntil, STREAMING, stopCleanly } from './services.ts';

const LONG = process.env.TAPLINE_CHAOS === 'long';
const KILLS = LONG ? 30 : 8;

test(`the reader killed ${KILLS} times and the broker twice: every change once and in order`, async () => {
  const seed = chaosSeed();
  console.log(`seed ${seed}: play again with TAPLINE_CHAOS_SEED=${seed}`);
  const random = new Random(seed);
  await using stack = await openStack({ mysql: true, kafka: LONG ? 3 : 1 });
  const scene = await readerScene({
    stack,
    seed,
    rows: LONG ? 5000 : 2000,
    bigRows: 20_000,
    bigTransactions: LONG ? 30 : 4,
    // Not in the short form yet: a column that comes during the first load is missing in rows loaded later.
    alterAfterRows: random.int(500, 8000),
  });
  const { reader } = scene;
  await using logs = new KeptLogs(reader);
  await using load = scene.startLoad(LONG ? 1000 : 600);
  const brokers = stack.kafka.brokers;
  // The load is running at the start, so the first kills fall into the first load; each broker restart falls between two kills.
  const restarts = [Math.floor(KILLS / 3), Math.floor((2 * KILLS) / 3)];
  for (let kill = 0; kill < KILLS; kill++) {
    const restart = restarts.indexOf(kill);
    if (restart < 0) {
      await liveAndBeKilled(reader, { random, working: STREAMING, done: () => scene.published(), lifeMs: 2000 });
      continue;
    }
    await launchUntil(reader, STREAMING);
    await live(reader, random.int(0, 1500));
    const broker = random.pick(brokers);
    await (restart === 0 ? broker.kill() : broker.stop());
    await live(reader, random.int(0, 1500));
    await broker.start();
    await live(reader, random.int(0, 3000));
    await reader.kill();
  }
  const { rows, bigTransactions } = await load.stop();
  await launchUntil(reader, STREAMING);
  await liveUntil(reader, () => scene.drained(), 'at the end of the binlog');
  await stopCleanly(reader);

  const result = await scene.compare();
  console.log(
    `load: ${rows} rows and ${bigTransactions} big transactions; topics: ${JSON.stringify({ ...result, differences: undefined })}`,
  );
  expect(result.differences).toEqual([]);
  expect(result.changes).toBeGreaterThan(100);
  expect(result.snapshotRows).toBeGreaterThan(0);
  expect(await scene.topicReader.listTopics()).not.toContain('chaos.shop.noise');
  logs.passed();
});
