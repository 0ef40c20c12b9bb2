import { openStack, requireNothingStanding } from '@tapline/test-stack';
import type { Connection } from 'mysql2/promise';
import { LatencyProbe } from './latency.ts';
import { ShopLoad } from './load.ts';
import { firstRows, underLoad } from './run.ts';
import type { Demo, DemoOptions, DemoSink } from './scene.ts';
import { Screen } from './screen.ts';
import { createReader, createWriter } from './services.ts';
import { DATABASE, loadShop } from './shop.ts';
import { STORES } from './stores/index.ts';
import { keepAll, settle, tellVerdicts } from './verdict.ts';

const LOAD_CONNECTIONS = 4;

/** Runs the demo; resolves to true when every store holds exactly what MySQL holds at the end. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  if (options.keep) await requireNothingStanding();
  const screen = new Screen(options.live);
  const began = performance.now();
  screen.say(`starting MySQL, Kafka and ${options.sinks.join(', ')} on this machine`);
  await using stack = await openStack({ mysql: true, kafka: 1 }, (line) => {
    screen.say(line);
  });
  await using open = new AsyncDisposableStack();
  const connect = async (database?: string): Promise<Connection> => {
    const connection = await stack.mysql.connect(database === undefined ? {} : { database });
    open.defer(() => connection.end());
    return connection;
  };
  const mysql = await connect();
  const sinks: DemoSink[] = [];
  const opening = options.sinks.map(async (name, at) => {
    const store = open.use(await (await STORES[name]())(stack));
    sinks[at] = { name, store, writer: await createWriter(stack, name, store), probe: new LatencyProbe(store, at + 1) };
  });
  await Promise.all([loadShop(mysql), ...opening]);
  screen.say('the shop database is loaded; starting reader and writers');
  const reader = await createReader(stack);
  await reader.process.launch();
  for (const { writer } of sinks) await writer.process.launch();
  const load = new ShopLoad(options.rowsPerSecond);
  const demo: Demo = { options, screen, stack, reader, sinks, mysql, load, phase: 'first load' };
  await firstRows(demo, began);
  const connections = await Promise.all(Array.from({ length: LOAD_CONNECTIONS }, () => connect(DATABASE)));
  for (const { probe } of sinks) probe.start(await connect());
  await underLoad(demo, connections, await connect());
  const comparisons = await settle(demo);
  const equal = tellVerdicts(demo, comparisons);
  if (options.keep && equal) await keepAll(demo);
  return equal;
}
