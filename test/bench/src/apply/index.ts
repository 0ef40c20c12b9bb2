import { setTimeout as sleep } from 'node:timers/promises';
import { openStack } from '@tapline/test-stack';
import { fillTopic } from '../filled-topic.ts';
import type { BenchOptions } from '../options.ts';
import { CpuMeter, peakRssMib } from '../processes.ts';
import type { Measurement } from '../report.ts';
import { aliveCheck, createWriter } from '../services.ts';
import { TopicWatch } from '../topics.ts';
import { openHBase } from './hbase.ts';
import { openMysqlTarget } from './mysql.ts';
import { openRedis } from './redis.ts';
import { openSearchStore } from './search.ts';
import type { ApplyRun, ApplyStack, OpenApplyStore, OpenStore } from './store.ts';

/** What a writer is measured into, by the name in `--sink`; a further store is a module here and a line. */
export const APPLY_STORES = {
  redis: openRedis,
  elasticsearch: openSearchStore('elasticsearch'),
  opensearch: openSearchStore('opensearch'),
  hbase: openHBase,
  mysql: openMysqlTarget,
} as const satisfies Record<string, OpenApplyStore>;

export type ApplyStoreName = keyof typeof APPLY_STORES;

/**
 * Rows that are in a topic already → rows in the store, versions compared; beside it what the store takes by itself. Both write into an empty place of a
 * store that an earlier writer, which is not measured, has warmed up.
 */
export async function benchApply(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, say } = options;
  const name = options.sink ?? 'redis';
  await using stack = await openStack({ mysql: true, kafka: 1 }, say);
  const topic = await fillTopic(stack, { rows, say });
  await using store = await APPLY_STORES[name](stack);
  const results: (readonly Measurement[])[] = [];
  for (let run = 0; run <= runs; run++) {
    say(run === 0 ? 'warming up' : `run ${run}`);
    const writer = await measureWriter(stack, store, name, { topic, rows, run });
    if (run > 0) results.push([writer, ...(await store.limits({ topic, rows, run }))]);
  }
  return results;
}

const POLL_MS = 20;
/** Commits are what is counted. */
const COMMIT_MS = 100;

/** Counts by the offsets that the writer commits, which is the same for every store: only what is applied is committed. */
async function measureWriter(
  stack: ApplyStack,
  store: OpenStore,
  name: ApplyStoreName,
  apply: ApplyRun,
): Promise<Measurement> {
  const { topic, rows, run } = apply;
  const group = `${name}-writer${run}`;
  const writer = await createWriter(stack, {
    name: group,
    topic,
    sink: await store.sink(apply),
    source: { commitMs: COMMIT_MS },
  });
  await using watch = await TopicWatch.open(stack.kafka.address.brokers, topic);
  const alive = aliveCheck(writer);
  const untilCommitted = async (count: number): Promise<{ at: number; committed: number }> => {
    for (;;) {
      const committed = await watch.committed(group);
      if (committed >= count) return { at: performance.now(), committed };
      alive();
      await sleep(POLL_MS);
    }
  };
  const launched = performance.now();
  await writer.launch();
  const first = await untilCommitted(1);
  const pids = { writer: writer.pid, [name]: store.process.pid, broker: stack.kafka.broker(1).process.pid };
  const meter = new CpuMeter(pids);
  const last = await untilCommitted(rows);
  const cpuSeconds = meter.used();
  const peak = peakRssMib(writer.pid);
  await writer.stop();
  await store.check(apply);
  // Few rows may all be in the first commit.
  const counted = last.committed - first.committed;
  return {
    what: `tapline writer → ${name}`,
    rows: counted === 0 ? rows : counted,
    seconds: (last.at - (counted === 0 ? launched : first.at)) / 1000,
    cpuSeconds,
    peakRssMib: peak,
    figures: { startupSeconds: (first.at - launched) / 1000 },
  };
}
