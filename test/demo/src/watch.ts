import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { expectedHash, redisKey, selectRows } from './compare.ts';
import { type LatencyProbe, percentile } from './latency.ts';
import type { ShopLoad } from './load.ts';
import type { Screen } from './screen.ts';
import type { DemoService } from './services.ts';
import { SHOP_TABLES, type ShopTable } from './shop.ts';

const LIVE_MS = 500;
const PLAIN_MS = 2000;
/** Lag is shown over the newest samples: ten a second are taken. */
const SHOWN_SAMPLES = 100;

export interface Watched {
  readonly screen: Screen;
  readonly live: boolean;
  readonly load: ShopLoad;
  readonly probe: LatencyProbe;
  readonly reader: DemoService;
  readonly writer: DemoService;
  readonly mysql: Connection;
  readonly redis: Redis;
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
  const started = performance.now();
  let before = { at: started, rows: 0, applied: 0, order: watched.load.newestOrder };
  while (!signal.aborted) {
    await delay(watched.live ? LIVE_MS : PLAIN_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const applied = await counter(watched.writer, 'tapline_writer_applied_total');
    const now = {
      at: performance.now(),
      rows: watched.load.rows,
      applied: applied ?? 0,
      order: watched.load.newestOrder,
    };
    const elapsed = (now.at - before.at) / 1000;
    const shown = watched.probe.samples.slice(-SHOWN_SAMPLES);
    watched.screen.show({
      elapsedSeconds: (now.at - started) / 1000,
      durationSeconds: watched.durationSeconds,
      phase: watched.phase(),
      committedRows: now.rows,
      committedPerSecond: (now.rows - before.rows) / elapsed,
      // A restarted writer counts from zero again.
      appliedPerSecond: (now.applied >= before.applied ? now.applied - before.applied : now.applied) / elapsed,
      p50Ms: percentile(shown, 0.5),
      p99Ms: percentile(shown, 0.99),
      services: `${stateOf(watched.reader)}   ${stateOf(watched.writer)}`,
      // Placed before the last look, so that it is in Redis by now unless something is down.
      ...(await sampleRow(watched, before.order)),
    });
    before = now;
  }
}

function stateOf({ process }: DemoService): string {
  return `${process.spec.name} ${process.running ? `runs (pid ${process.pid})` : 'is down'}`;
}

/** One order, in MySQL and in Redis. */
async function sampleRow({ mysql, redis }: Watched, order: number): Promise<{ mysqlRow: string; redisRow: string }> {
  const orders = SHOP_TABLES.find(({ name }) => name === 'orders') as ShopTable;
  const id = String(order);
  const [rows] = await mysql.query<RowDataPacket[][]>({
    sql: selectRows(orders, `WHERE id = ${id}`),
    rowsAsArray: true,
  });
  const key = redisKey(orders, [id]);
  const found = new Map(Object.entries(await redis.hgetall(key)));
  found.delete('_v');
  const [row] = rows as unknown as (string | null)[][];
  return {
    mysqlRow: row ? describe(`orders ${id}`, expectedHash(orders, row)) : `orders ${id}: deleted`,
    redisRow: describe(key, found),
  };
}

function describe(name: string, fields: ReadonlyMap<string, string>): string {
  const values = [...fields].filter(([column]) => column !== 'id').map(([column, value]) => `${column}=${value}`);
  return `${name} ${values.length === 0 ? '(not there)' : values.join(' ')}`;
}
