import { setTimeout as delay } from 'node:timers/promises';
import { TaplineError } from '@tapline/kernel';
import { openStack, requireNothingStanding, type Stack } from '@tapline/test-stack';
import { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import { type Comparison, compareAll } from './compare.ts';
import { LatencyProbe, percentile } from './latency.ts';
import { ShopLoad } from './load.ts';
import { Screen } from './screen.ts';
import { createServices, type DemoService, isReady } from './services.ts';
import { ADDED_COLUMN, ALTER, DATABASE, loadShop, SHOP_TABLES, type ShopTable } from './shop.ts';
import { watch } from './watch.ts';

export interface DemoOptions {
  /** How long the load runs. */
  readonly durationSeconds: number;
  /** Rows changed a second. */
  readonly rowsPerSecond: number;
  /** Leave everything running at the end. */
  readonly keep: boolean;
  /** A terminal that can redraw lines; otherwise plain lines. */
  readonly live: boolean;
}

const LOAD_CONNECTIONS = 4;
const READY_MS = 120_000;
const CATCH_UP_MS = 120_000;
const SHOWN_DIFFERENCES = 20;

/** What happens at which share of the duration. */
const KILL_READER_AT = 0.3;
const ALTER_AT = 0.5;
const KILL_WRITER_AT = 0.65;

type DemoStack = Stack<{ mysql: true; kafka: 1; redis: true }>;

interface Demo {
  readonly options: DemoOptions;
  readonly screen: Screen;
  readonly stack: DemoStack;
  readonly reader: DemoService;
  readonly writer: DemoService;
  readonly mysql: Connection;
  readonly redis: Redis;
  readonly load: ShopLoad;
  readonly probe: LatencyProbe;
  phase: string;
}

/** Runs the demo; resolves to true when Redis holds exactly what MySQL holds at the end. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  if (options.keep) await requireNothingStanding();
  const screen = new Screen(options.live);
  const began = performance.now();
  screen.say('starting MySQL, Kafka and Redis on this machine');
  await using stack = await openStack({ mysql: true, kafka: 1, redis: true }, (line) => {
    screen.say(line);
  });
  await using open = new AsyncDisposableStack();
  const connect = async (database?: string): Promise<Connection> => {
    const connection = await stack.mysql.connect(database === undefined ? {} : { database });
    open.defer(() => connection.end());
    return connection;
  };
  const mysql = await connect();
  await loadShop(mysql);
  screen.say('the shop database is loaded; starting reader and writer');
  const { reader, writer } = await createServices(stack);
  await reader.process.launch();
  await writer.process.launch();
  const redis = new Redis({ host: stack.redis.host, port: stack.redis.port });
  open.defer(() => {
    redis.disconnect();
  });
  const load = new ShopLoad(options.rowsPerSecond);
  const demo: Demo = {
    options,
    screen,
    stack,
    reader,
    writer,
    mysql,
    redis,
    load,
    probe: new LatencyProbe(),
    phase: 'first load',
  };
  await firstRow(demo);
  screen.say(`first row in Redis ${((performance.now() - began) / 1000).toFixed(1)} s after the start`);
  const connections = await Promise.all(Array.from({ length: LOAD_CONNECTIONS }, () => connect(DATABASE)));
  const probing = { mysql: await connect(), watching: await connect() };
  await underLoad(demo, connections, probing);
  const comparison = await settle(demo);
  report(demo, comparison);
  if (options.keep && comparison.differences.length === 0) await keep(demo);
  return comparison.differences.length === 0;
}

/** Waits for the first hash; a service that ends meanwhile ends the demo with its log. */
async function firstRow(demo: Demo): Promise<void> {
  const end = performance.now() + READY_MS;
  while (Number(await demo.redis.dbsize()) === 0) {
    for (const service of [demo.reader, demo.writer]) await requireRunning(service);
    if (performance.now() > end) throw await failure(demo.writer, `no row in Redis after ${READY_MS / 1000} s`);
    await delay(20);
  }
}

async function requireRunning(service: DemoService): Promise<void> {
  if (!service.process.running) throw await failure(service, 'ended');
}

async function failure(service: DemoService, what: string): Promise<TaplineError> {
  const log = (await service.process.logs(8192)).trim().split('\n').slice(-8).join('\n');
  return new TaplineError('DEMO_FAILED', {
    message: `${service.process.spec.name}: ${what}. The end of its log:\n${log}`,
  });
}

/** Load, kills and the ALTER, for the whole duration. */
async function underLoad(
  demo: Demo,
  connections: readonly Connection[],
  probing: { readonly mysql: Connection; readonly watching: Connection },
): Promise<void> {
  const { load, probe, screen, options } = demo;
  const over = new AbortController();
  const started = performance.now();
  const reach = async (share: number): Promise<void> => {
    const at = started + share * options.durationSeconds * 1000;
    while (performance.now() < at) {
      for (const service of [demo.reader, demo.writer]) await requireRunning(service);
      await delay(Math.min(250, Math.max(0, at - performance.now())));
    }
  };
  demo.phase = 'running';
  load.start(connections);
  probe.start(probing.mysql, demo.redis);
  const watching = watch(
    {
      ...demo,
      live: options.live,
      mysql: probing.watching,
      durationSeconds: options.durationSeconds,
      phase: () => demo.phase,
    },
    over.signal,
  );
  // The end awaits it; until then a failure is nobody's.
  watching.catch(() => undefined);
  try {
    await reach(KILL_READER_AT);
    await killAndRestart(demo, demo.reader);
    await reach(ALTER_AT);
    await demo.mysql.query(ALTER);
    load.altered = true;
    screen.say(`${ALTER}: the column travels with the rows`);
    await reach(KILL_WRITER_AT);
    await killAndRestart(demo, demo.writer);
    await reach(1);
    await load.stop();
    await probe.stop();
  } finally {
    over.abort();
    await watching;
    screen.end();
  }
}

/** kill -9, then what a supervisor does: start it again. Measured until the pipeline delivers again. */
async function killAndRestart(demo: Demo, service: DemoService): Promise<void> {
  const { name } = service.process.spec;
  const { probe, screen } = demo;
  const { pid } = service.process;
  await requireRunning(service);
  probe.disturbed = true;
  demo.phase = `${name} killed`;
  const killed = performance.now();
  await service.process.kill();
  screen.say(`kill -9 ${pid}: the ${name} is gone; starting it again`);
  const { seen } = probe;
  await service.process.launch();
  // One change may have been on its way already; the one after it was committed while the service was down.
  while (probe.seen < seen + 2) {
    await requireRunning(service);
    if (performance.now() - killed > READY_MS)
      throw await failure(service, `delivers nothing ${READY_MS / 1000} s after its restart`);
    await delay(5);
  }
  probe.disturbed = false;
  demo.phase = 'running';
  screen.say(
    `the ${name} is back (pid ${service.process.pid}); changes arrive again ${((performance.now() - killed) / 1000).toFixed(1)} s after the kill`,
  );
}

const afterAlter = (): readonly ShopTable[] =>
  SHOP_TABLES.map((table) =>
    table.name === ADDED_COLUMN.table
      ? { ...table, columns: new Map([...table.columns, [ADDED_COLUMN.column, ADDED_COLUMN.expression]]) }
      : table,
  );

/** Compares until everything has arrived or nothing more changes; what differs at the deadline is a difference. */
async function settle(demo: Demo): Promise<Comparison> {
  demo.screen.say(
    `the load has stopped after ${demo.load.rows.toLocaleString('en')} changed rows; comparing every row`,
  );
  const end = performance.now() + CATCH_UP_MS;
  for (;;) {
    const comparison = await compareAll(demo.mysql, demo.redis, afterAlter());
    if (comparison.differences.length === 0 || performance.now() > end) return comparison;
    for (const service of [demo.reader, demo.writer]) await requireRunning(service);
    await delay(250);
  }
}

function report({ screen, probe }: Demo, { rows, keys, differences }: Comparison): void {
  for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) screen.say(difference);
  const text = (share: number): string => percentile(probe.samples, share)?.toFixed(1) ?? '–';
  screen.say(
    `commit → Redis, over ${probe.samples.length} samples without kills: p50 ${text(0.5)} ms, p99 ${text(0.99)} ms`,
  );
  screen.say(`compared ${rows} rows of MySQL with ${keys} keys of Redis: ${differences.length} differences`);
}

async function keep({ stack, screen, reader, writer }: Demo): Promise<void> {
  for (const service of [reader, writer]) {
    if (!(await isReady(service).catch(() => false))) throw await failure(service, 'is not ready');
  }
  const clients = await stack.clients();
  const mysql = clients.get('mysql') ?? `mysql -h127.0.0.1 -P${stack.mysql.port} -uroot`;
  const redis = clients.get('redis') ?? `redis-cli -p ${stack.redis.port}`;
  const addresses = [
    { name: 'mysql', address: mysql },
    { name: 'redis', address: redis },
    { name: 'kafka', address: stack.kafka.address.brokers.join(',') },
    { name: 'reader', address: `${reader.adminUrl}/metrics   (${reader.configFile})` },
    { name: 'writer', address: `${writer.adminUrl}/metrics   (${writer.configFile})` },
  ];
  await stack.keep(addresses);
  screen.say('everything stays up. Change a row, and look at it in Redis:');
  process.stdout.write(`  ${mysql} -e "UPDATE shop.customers SET city = 'Lisboa' WHERE id = 1"\n`);
  process.stdout.write(`  ${redis} HGETALL customers:1\n`);
  process.stdout.write(`  curl ${reader.adminUrl}/state\n`);
  process.stdout.write(`  tapline status   (addresses, logs)\n  tapline down     (stops everything)\n`);
}
