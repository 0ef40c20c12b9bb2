import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Connection } from 'mysql2/promise';
import { DATABASE, PROBE } from './shop.ts';

const INTERVAL_MS = 100;
const POLL_MS = 1;
const GIVE_UP_MS = 60_000;

/** Value at a share (0..1) of the samples, by nearest rank; undefined without samples. */
export function percentile(samples: readonly number[], share: number): number | undefined {
  const sorted = samples.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Measures from outside: commits a change of one row again and again, and looks into Redis until it is there. */
export class LatencyProbe {
  /** Milliseconds from the commit's answer to the change seen in Redis. */
  readonly samples: number[] = [];
  /** Changes seen in Redis so far. */
  seen = 0;
  /** While true, samples are not taken: a service is down on purpose. */
  disturbed = false;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  start(mysql: Connection, redis: Redis): void {
    this.#running = this.#run(mysql, redis);
    // stop() tells it.
    this.#running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(mysql: Connection, redis: Redis): Promise<void> {
    for (let beat = 1; !this.#stop.signal.aborted; beat++) {
      await mysql.query(`UPDATE ${DATABASE}.${PROBE.name} SET beat = ? WHERE id = 1`, [beat]);
      const committed = performance.now();
      let disturbed = this.disturbed;
      for (;;) {
        const found = Number(await redis.hget(`${PROBE.name}:1`, 'beat'));
        disturbed ||= this.disturbed;
        if (found >= beat) break;
        if (this.#stop.signal.aborted || performance.now() - committed > GIVE_UP_MS) return;
        await delay(POLL_MS);
      }
      this.seen += 1;
      const elapsedMs = performance.now() - committed;
      if (!disturbed) this.samples.push(elapsedMs);
      await delay(Math.max(0, INTERVAL_MS - elapsedMs), undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      );
    }
  }
}
