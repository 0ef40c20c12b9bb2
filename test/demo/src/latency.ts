import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { DATABASE, PROBE } from './shop.ts';
import type { DemoStore } from './stores/store.ts';

const INTERVAL_MS = 100;

/** Value at a share (0..1) of the samples, by nearest rank; undefined without samples. */
export function percentile(samples: readonly number[], share: number): number | undefined {
  const sorted = samples.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/** Measures from outside: commits a change of one row again and again, and looks into the store until it is there. */
export class LatencyProbe {
  /** Milliseconds from the commit's answer to the change seen in the store. */
  readonly samples: number[] = [];
  /** Changes seen in the store so far. */
  seen = 0;
  /** While true, samples are not taken: a service or the store is down on purpose. */
  disturbed = false;
  readonly #store: DemoStore;
  /** Which row of the probes' table is this one's. */
  readonly #row: number;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(store: DemoStore, row: number) {
    this.#store = store;
    this.#row = row;
  }

  start(mysql: Connection): void {
    this.#running = this.#run(mysql);
    // stop() tells it.
    this.#running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(mysql: Connection): Promise<void> {
    for (let beat = 1; !this.#stop.signal.aborted; beat++) {
      await mysql.query(`UPDATE ${DATABASE}.${PROBE.name} SET beat = ? WHERE id = ?`, [beat, this.#row]);
      const committed = performance.now();
      let disturbed = this.disturbed;
      for (;;) {
        const found = await this.#beat();
        disturbed ||= this.disturbed;
        if (found >= beat) break;
        // However long a store is away: whoever waits for it has a deadline.
        if (this.#stop.signal.aborted) return;
        await delay(this.#store.pollMs);
      }
      this.seen += 1;
      const elapsedMs = performance.now() - committed;
      if (!disturbed) this.samples.push(elapsedMs);
      await delay(Math.max(0, INTERVAL_MS - elapsedMs), undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      );
    }
  }

  /** What the store shows; 0 while it is away. */
  async #beat(): Promise<number> {
    const row = await this.#store.row(PROBE, [String(this.#row)]).catch(() => undefined);
    return Number(row?.['beat'] ?? 0);
  }
}
