import { setTimeout as delay } from 'node:timers/promises';
import { type Comparison, compareAll } from './compare.ts';
import { percentile } from './latency.ts';
import { failure, requireRunning } from './run.ts';
import type { Demo, DemoSink } from './scene.ts';
import { isReady } from './services.ts';
import { ADDED_COLUMN, SHOP_TABLES, type ShopTable } from './shop.ts';

const CATCH_UP_MS = 300_000;
const SHOWN_DIFFERENCES = 20;

const afterAlter = (): readonly ShopTable[] =>
  SHOP_TABLES.map((table) =>
    table.name === ADDED_COLUMN.table
      ? { ...table, columns: new Map([...table.columns, [ADDED_COLUMN.column, ADDED_COLUMN.expression]]) }
      : table,
  );

/** Compares each store until everything has arrived; what differs at the deadline is a difference. In the order of the sinks. */
export async function settle(demo: Demo): Promise<readonly Comparison[]> {
  const { screen, load, sinks } = demo;
  screen.say(`the load has stopped after ${load.rows.toLocaleString('en')} changed rows; comparing every row`);
  return await Promise.all(sinks.map((sink) => settleOne(demo, sink)));
}

async function settleOne({ mysql, reader }: Demo, { store, writer }: DemoSink): Promise<Comparison> {
  const end = performance.now() + CATCH_UP_MS;
  for (;;) {
    const comparison = await compareAll(mysql, store, afterAlter());
    if (comparison.differences.length === 0 || performance.now() > end) return comparison;
    for (const service of [reader, writer]) await requireRunning(service);
    await delay(250);
  }
}

/** A line a store; true when all are equal. */
export function tellVerdicts({ screen, sinks }: Demo, comparisons: readonly Comparison[]): boolean {
  for (const [at, { store, probe }] of sinks.entries()) {
    const { rows, found, differences } = comparisons[at] as Comparison;
    for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) screen.say(difference);
    const text = (share: number): string => percentile(probe.samples, share)?.toFixed(1) ?? '–';
    const samples = `over ${probe.samples.length} samples without kills`;
    screen.say(`commit → ${store.title}, ${samples}: p50 ${text(0.5)} ms, p99 ${text(0.99)} ms`);
    screen.say(
      `compared ${rows} rows of MySQL with ${found} of ${store.title}, its writer killed and itself restarted: ${differences.length} differences`,
    );
  }
  return comparisons.every(({ differences }) => differences.length === 0);
}

/** Leaves everything up, with what a person needs to look around. */
export async function keepAll({ stack, screen, reader, sinks }: Demo): Promise<void> {
  for (const service of [reader, ...sinks.map(({ writer }) => writer)]) {
    if (!(await isReady(service).catch(() => false))) throw await failure(service, 'is not ready');
  }
  const clients = await stack.clients();
  const mysql = clients.get('mysql') ?? `mysql -h127.0.0.1 -P${stack.mysql.port} -uroot`;
  const redis = clients.get('redis');
  await stack.keep([
    { name: 'mysql', address: mysql },
    { name: 'kafka', address: stack.kafka.address.brokers.join(',') },
    { name: 'reader', address: `${reader.adminUrl}/metrics   (${reader.configFile})` },
    ...sinks.flatMap(({ name, store, writer }) => [
      { name: name === 'mysql' ? 'copy' : name, address: (name === 'redis' ? redis : undefined) ?? store.address },
      { name: `writer-${name}`, address: `${writer.adminUrl}/metrics   (${writer.configFile})` },
    ]),
  ]);
  screen.say('everything stays up. Change a row, and look for it in the store:');
  process.stdout.write(`  ${mysql} -e "UPDATE shop.customers SET city = 'Lisboa' WHERE id = 1"\n`);
  if (redis !== undefined) process.stdout.write(`  ${redis} HGETALL customers:1\n`);
  process.stdout.write(`  curl ${reader.adminUrl}/state\n`);
  process.stdout.write(`  tapline status   (addresses, logs)\n  tapline down     (stops everything)\n`);
}
