import { setTimeout as delay } from 'node:timers/promises';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { percentile } from './latency.ts';
import type { ShopLoad } from './load.ts';
import type { DemoSink } from './scene.ts';
import type { Screen, SinkView } from './screen.ts';
import type { DemoService } from './services.ts';
import { SHOP_TABLES, type ShopTable, selectRows, storedRow } from './shop.ts';
import type { StoredRow } from './stores/store.ts';

const LIVE_MS = 500;
const PLAIN_MS = 2000;
/** Lag is shown over the newest samples: ten a second are taken. */
const SHOWN_SAMPLES = 100;
const ORDERS = SHOP_TABLES.find(({ name }) => name === 'orders') as ShopTable;

export interface Watched {
  readonly screen: Screen;
  readonly live: boolean;
  readonly load: ShopLoad;
  readonly reader: DemoService;
  readonly sinks: readonly DemoSink[];
  readonly mysql: Connection;
  readonly durationSeconds: number;
  readonly phase: () => string;
}

/** Sum of a counter over its labels, from a service's /metrics; undefined while the service is down. */
export async function counter(service: DemoService, name: string): Promise<number | undefined> {
  try {
    const response = await fetch(`${service.adminUrl}/metrics`, { signal: AbortSignal.timeout(1000) });
    return sumOf(await response.text(), name);
  } catch {
    return undefined;
  }
}

export function sumOf(metrics: string, name: string): number {
  let sum = 0;
  for (const line of metrics.split('\n')) {
    if (line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      sum += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return sum;
}

/** Keeps the screen up to date until `signal` aborts. */
export async function watch(watched: Watched, signal: AbortSignal): Promise<void> {
  const { load, sinks } = watched;
  const started = performance.now();
  let before = { at: started, rows: 0, applied: sinks.map(() => 0), order: load.newestOrder };
  while (!signal.aborted) {
    await delay(watched.live ? LIVE_MS : PLAIN_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const applied = await Promise.all(sinks.map(({ writer }) => counter(writer, 'tapline_writer_applied_total')));
    const now = {
      at: performance.now(),
      rows: load.rows,
      applied: applied.map((count) => count ?? 0),
      order: load.newestOrder,
    };
    const elapsedSeconds = (now.at - before.at) / 1000;
    // A restarted writer counts from zero again.
    const rates = now.applied.map((count, at) => {
      const last = before.applied[at] ?? 0;
      return (count >= last ? count - last : count) / elapsedSeconds;
    });
    // Placed before the last look, so that it is everywhere by now unless something is down.
    const order = String(before.order);
    watched.screen.show({
      elapsedSeconds: (now.at - started) / 1000,
      durationSeconds: watched.durationSeconds,
      phase: watched.phase(),
      committedRows: now.rows,
      committedPerSecond: (now.rows - before.rows) / elapsedSeconds,
      reader: `reader ${stateOf(watched.reader)}`,
      mysqlRow: await orderInMysql(watched.mysql, order),
      sinks: await Promise.all(sinks.map((sink, at) => viewOf(sink, rates[at] ?? 0, order))),
    });
    before = now;
  }
}

function stateOf({ process }: DemoService): string {
  return process.running ? `runs (pid ${process.pid})` : 'is down';
}

async function viewOf({ store, writer, probe }: DemoSink, appliedPerSecond: number, order: string): Promise<SinkView> {
  const shown = probe.samples.slice(-SHOWN_SAMPLES);
  const row = await store.row(ORDERS, [order]).catch(() => null);
  return {
    title: store.title,
    appliedPerSecond,
    p50Ms: percentile(shown, 0.5),
    p99Ms: percentile(shown, 0.99),
    state: `writer ${stateOf(writer)}${store.server.process.running ? '' : ', store is down'}`,
    row: row === null ? `${store.title} is away` : describe(order, row),
  };
}

async function orderInMysql(mysql: Connection, order: string): Promise<string> {
  const sql = selectRows(ORDERS, `WHERE id = ${order}`);
  const [rows] = await mysql.query<RowDataPacket[][]>({ sql, rowsAsArray: true });
  const [row] = rows as unknown as (string | null)[][];
  return describe(order, row && storedRow(ORDERS, row));
}

function describe(order: string, row: StoredRow | undefined): string {
  const values = Object.entries(row ?? {}).filter(([column]) => column !== 'id');
  return `orders ${order} ${row === undefined ? '(not there)' : values.map(([column, value]) => `${column}=${value}`).join(' ')}`;
}
