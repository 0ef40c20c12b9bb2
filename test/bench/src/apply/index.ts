import { openStack } from '@tapline/test-stack';
import { fillTopic } from '../filled-topic.ts';
import type { BenchOptions } from '../options.ts';
import type { Measurement } from '../report.ts';
import { createWriter, registryAt } from '../services.ts';
import { openHBase } from './hbase.ts';
import { openMysqlTarget } from './mysql.ts';
import { measureGroup } from './progress.ts';
import { openRedis } from './redis.ts';
import { openSearchStore } from './search.ts';
import type { ApplyRun, ApplyStack, Consumer, OpenApplyStore, OpenStore } from './store.ts';

/** What a writer is measured into, by the name in `--sink`; a further store is a module here and a line. */
export const APPLY_STORES = {
  redis: openRedis,
  elasticsearch: openSearchStore('elasticsearch'),
  opensearch: openSearchStore('opensearch'),
  hbase: openHBase,
  mysql: openMysqlTarget('row'),
  'mysql-transactions': openMysqlTarget('transaction'),
} as const satisfies Record<string, OpenApplyStore>;

export type ApplyStoreName = keyof typeof APPLY_STORES;

/**
 * Rows that are in a topic already → rows in the store, versions compared; beside it what the store takes by itself. Both write into an empty place of a
 * store that an earlier writer, which is not measured, has warmed up.
 */
export async function benchApply(options: BenchOptions): Promise<(readonly Measurement[])[]> {
  const { rows, runs, peer, format, forSpeed, say } = options;
  const { sink: name = peer === undefined ? 'redis' : 'mysql' } = options;
  await using stack = await openStack({ mysql: true, kafka: { forSpeed } }, say);
  // Of Avro, Kafka Connect finds the schemas in a server only.
  const isShared = peer !== undefined && (format ?? 'avro') === 'avro';
  const registry = isShared ? (await stack.add('registry')).address : undefined;
  const difference = {
    ...(format === undefined ? {} : { format }),
    ...(registry === undefined ? {} : { registry: registry.url }),
    transactions: name === 'mysql-transactions',
  };
  const topic = await fillTopic(stack, { rows, difference, say });
  await using store = await APPLY_STORES[name](stack);
  const results: (readonly Measurement[])[] = [];
  for (let run = 0; run <= runs; run++) {
    say(run === 0 ? 'warming up' : `run ${run}`);
    const each = { topic, rows, run, registry, peer };
    const measured = await measureRun(stack, store, name, each);
    if (run > 0) results.push(measured);
  }
  return results;
}

/** The writer and its limits, in this order. */
async function measureRun(
  stack: ApplyStack,
  store: OpenStore,
  name: ApplyStoreName,
  run: ApplyRun,
): Promise<Measurement[]> {
  if (store.inTurns !== undefined && run.run > 0)
    return await store.inTurns(run, await writerOf(stack, store, name, run));
  const writer = await measureWriter(stack, store, name, run);
  // What goes by turns is warmed up on both sides.
  const limits = run.run > 0 || store.inTurns !== undefined ? await store.limits(run) : [];
  return [writer, ...limits];
}

/** Commits are what is counted. */
const COMMIT_MS = 100;

async function measureWriter(
  stack: ApplyStack,
  store: OpenStore,
  name: ApplyStoreName,
  run: ApplyRun,
): Promise<Measurement> {
  const { group, process: consumer } = await writerOf(stack, store, name, run);
  const servers = { [name]: store.process.pid };
  const uncountedRows = run.rows * (store.uncountedShare ?? 0);
  const what = `tapline writer → ${name}`;
  const measurement = await measureGroup(stack, { what, consumer, group, servers, run, uncountedRows });
  await consumer.stop();
  await store.check(run);
  return measurement;
}

/** A writer for a place that is empty; not launched yet. */
async function writerOf(stack: ApplyStack, store: OpenStore, name: ApplyStoreName, run: ApplyRun): Promise<Consumer> {
  const group = `${name}-writer${run.run}`;
  const sink = await store.sink(run);
  const source = {
    commitMs: COMMIT_MS,
    ...store.source,
    ...(run.registry === undefined ? {} : { registry: registryAt(run.registry.url) }),
  };
  return { group, process: await createWriter(stack, { name: group, topic: run.topic, sink, source }) };
}
