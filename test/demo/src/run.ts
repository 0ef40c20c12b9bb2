import { setTimeout as delay } from 'node:timers/promises';
import { TaplineError } from '@tapline/kernel';
import type { Connection } from 'mysql2/promise';
import type { LatencyProbe } from './latency.ts';
import type { Demo, DemoSink } from './scene.ts';
import type { DemoService } from './services.ts';
import { ALTER, PROBE } from './shop.ts';
import { watch } from './watch.ts';

/** A store that starts again on a machine with other work takes minutes. */
const READY_MS = 300_000;

/** What happens at which share of the duration, one after the other: whatever takes longer puts off the rest. */
const KILL_READER_AT = 0.2;
const KILL_WRITERS_AT = 0.35;
const ALTER_AT = 0.55;
const RESTART_STORES_AT = 0.65;

/** Waits until every store shows its probe's row; a service that ends meanwhile ends the demo with its log. */
export async function firstRows({ reader, sinks, screen }: Demo, began: number): Promise<void> {
  const wait = async ({ store, writer }: DemoSink): Promise<void> => {
    const end = performance.now() + READY_MS;
    while ((await store.row(PROBE, ['1']).catch(() => undefined)) === undefined) {
      for (const service of [reader, writer]) await requireRunning(service);
      if (performance.now() > end) throw await failure(writer, `no row in ${store.title} after ${READY_MS / 1000} s`);
      await delay(20);
    }
    screen.say(`first rows in ${store.title} ${((performance.now() - began) / 1000).toFixed(1)} s after the start`);
  };
  await Promise.all(sinks.map(wait));
}

export async function requireRunning(service: DemoService): Promise<void> {
  if (!service.process.running) throw await failure(service, 'ended');
}

/** With the end of the service's log. */
export async function failure(service: DemoService, what: string): Promise<TaplineError> {
  const log = (await service.process.logs(8192)).trim().split('\n').slice(-8).join('\n');
  return new TaplineError('DEMO_FAILED', {
    message: `${service.process.spec.name}: ${what}. The end of its log:\n${log}`,
  });
}

/** Load, kills, restarts and the ALTER, for the whole duration. */
export async function underLoad(demo: Demo, connections: readonly Connection[], watching: Connection): Promise<void> {
  const { load, screen, options, sinks } = demo;
  const over = new AbortController();
  const started = performance.now();
  const reach = async (share: number): Promise<void> => {
    const at = started + share * options.durationSeconds * 1000;
    while (performance.now() < at) {
      for (const service of [demo.reader, ...sinks.map(({ writer }) => writer)]) await requireRunning(service);
      await delay(Math.min(250, Math.max(0, at - performance.now())));
    }
  };
  demo.phase = 'running';
  load.start(connections);
  const { live, durationSeconds } = options;
  const shown = watch({ ...demo, live, durationSeconds, mysql: watching, phase: () => demo.phase }, over.signal);
  // The end awaits it; until then a failure is nobody's.
  shown.catch(() => undefined);
  try {
    await reach(KILL_READER_AT);
    await killAndRestart(demo, demo.reader, sinks);
    await reach(KILL_WRITERS_AT);
    for (const sink of sinks) await killAndRestart(demo, sink.writer, [sink]);
    await reach(ALTER_AT);
    await demo.mysql.query(ALTER);
    load.altered = true;
    screen.say(`${ALTER}: the column travels with the rows`);
    await reach(RESTART_STORES_AT);
    for (const sink of sinks) await restartStore(demo, sink);
    await reach(1);
    await load.stop();
    await Promise.all(sinks.map(({ probe }) => probe.stop()));
  } finally {
    over.abort();
    await shown;
    screen.end();
  }
}

/** kill -9, then what a supervisor does: start it again. Measured until changes arrive again in all stores behind it. */
async function killAndRestart(demo: Demo, service: DemoService, behind: readonly DemoSink[]): Promise<void> {
  const { name } = service.process.spec;
  const { pid } = service.process;
  await requireRunning(service);
  await disturb(demo, `${name} killed`, behind, async () => {
    await service.process.kill();
    demo.screen.say(`kill -9 ${pid}: the ${name} is gone; starting it again`);
    await service.process.launch();
  });
  demo.screen.say(`the ${name} is back (pid ${service.process.pid})`);
}

/** The store goes down and comes up with what it held; its writer waits meanwhile. */
async function restartStore(demo: Demo, sink: DemoSink): Promise<void> {
  const { title, server } = sink.store;
  await disturb(demo, `${title} restarts`, [sink], async () => {
    await server.stop();
    demo.screen.say(`${title} is down; starting it again`);
    await server.start();
  });
  demo.screen.say(`${title} is back, with the same writer (pid ${sink.writer.process.pid})`);
}

async function disturb(
  demo: Demo,
  phase: string,
  behind: readonly DemoSink[],
  action: () => Promise<void>,
): Promise<void> {
  const probes = behind.map(({ probe }) => probe);
  for (const probe of probes) probe.disturbed = true;
  demo.phase = phase;
  const began = performance.now();
  await action();
  await Promise.all(behind.map((sink) => changesArrive(demo, sink, sink.probe)));
  for (const probe of probes) probe.disturbed = false;
  demo.phase = 'running';
  demo.screen.say(`${phase}: changes arrive again after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

/** One change may have been on its way already; the one after it was committed while something was down. */
async function changesArrive({ reader }: Demo, { writer, store }: DemoSink, probe: LatencyProbe): Promise<void> {
  const { seen } = probe;
  const end = performance.now() + READY_MS;
  while (probe.seen < seen + 2) {
    for (const service of [reader, writer]) await requireRunning(service);
    if (performance.now() > end)
      throw await failure(writer, `nothing arrives in ${store.title} for ${READY_MS / 1000} s`);
    await delay(5);
  }
}
