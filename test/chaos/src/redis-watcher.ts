import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Random } from './random.ts';
import { VERSION_FIELD, VERSION_PREFIX } from './redis-compare.ts';

export interface WatcherReport {
  /** Readings that showed an older version of a row than an earlier one, or another content under the same version. */
  readonly regressions: readonly string[];
  readonly readings: number;
  /** Readings that showed a row newer than the last one of its key. */
  readonly advances: number;
}

export interface Watcher extends AsyncDisposable {
  stop(): Promise<WatcherReport>;
}

const KEYS_A_ROUND = 20;

/** What was seen of each row, and what must not be seen after it. */
export class RowMemory {
  readonly #seen = new Map<string, { version: string; content: string }>();
  readonly regressions: string[] = [];
  readings = 0;
  advances = 0;

  /** `version` in digits that compare as text; empty when nothing is known of the row. */
  see(key: string, version: string, content: string): void {
    this.readings++;
    const last = this.#seen.get(key);
    if (last !== undefined && (version < last.version || (version === last.version && content !== last.content)))
      this.regressions.push(`${key}: version ${version} (${content}) after ${last.version} (${last.content})`);
    if (version === '') return;
    if (last === undefined || version > last.version) this.advances++;
    this.#seen.set(key, { version, content });
  }
}

/**
 * One reading, in one step: the live row, or the version that a deleted one left behind. Nobody who reads Redis may ever see a row that
 * is older than what was seen before, also not a deleted row come back.
 */
const READING = `local row = redis.call('HGETALL', KEYS[1])
return {row, redis.call('GET', KEYS[2])}`;

/** Reads random keys as fast as Redis answers, until stopped. While Redis is away it waits. */
export function watchRedis(options: { port: number; random: Random; someKey: (random: Random) => string }): Watcher {
  const { random } = options;
  const redis = new Redis({ host: '127.0.0.1', port: options.port, retryStrategy: () => 100, maxRetriesPerRequest: 0 });
  redis.on('error', () => {});
  const stop = new AbortController();
  const memory = new RowMemory();
  const look = async (key: string): Promise<void> => {
    const [row, mark] = (await redis.eval(READING, 2, key, VERSION_PREFIX + key)) as [string[], string | null];
    const field = row.findIndex((name, i) => i % 2 === 0 && name === VERSION_FIELD);
    memory.see(key, (field >= 0 ? row[field + 1] : mark) ?? '', fieldsText(row));
  };
  const running = (async () => {
    while (!stop.signal.aborted) {
      const keys = Array.from({ length: KEYS_A_ROUND }, () => options.someKey(random));
      const results = await Promise.allSettled(keys.map(look));
      // A server that is away is what the test does; the next round finds it back.
      await sleep(results.some(({ status }) => status === 'rejected') ? 200 : 2);
    }
  })();
  const end = async (): Promise<void> => {
    stop.abort();
    await running;
    redis.disconnect();
  };
  return {
    stop: async () => {
      await end();
      const { regressions, readings, advances } = memory;
      return { regressions: regressions.slice(0, 20), readings, advances };
    },
    [Symbol.asyncDispose]: end,
  };
}

/** The fields in an order of their own: Redis promises none. */
function fieldsText(row: readonly string[]): string {
  const pairs: string[] = [];
  for (let i = 0; i < row.length; i += 2) pairs.push(`${row[i]}=${row[i + 1]}`);
  return pairs.toSorted().join(' ');
}
