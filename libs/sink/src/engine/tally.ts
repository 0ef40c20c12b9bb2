import { EncodedChange } from '@tapline/envelope';
import type { Metrics, MetricsOf } from '@tapline/kernel';
import type { Entry } from './entry.ts';
import { ENGINE_METRICS } from './metrics.ts';

/** Changes of one batch whose time to the sink is observed: a histogram costs more than the change itself. */
const SAMPLES_PER_BATCH = 16;

/** Counts what becomes of the changes, for /metrics and /state. */
export class Tally {
  readonly metrics: MetricsOf<typeof ENGINE_METRICS>;
  applied = 0;
  stale = 0;
  filtered = 0;
  deadLetters = 0;
  claims = 0;

  constructor(metrics: Metrics) {
    this.metrics = metrics.declare(ENGINE_METRICS);
  }

  settled(entries: readonly Pick<Entry, 'change'>[], stale: number): void {
    this.applied += entries.length - stale;
    this.stale += stale;
    this.metrics.applied.inc(entries.length - stale);
    if (stale > 0) this.metrics.stale.inc(stale);
    const now = Date.now();
    const step = Math.max(1, Math.floor(entries.length / SAMPLES_PER_BATCH));
    for (let index = entries.length - 1; index >= 0; index -= step) {
      const committedMs = committedAt(entries[index] as Pick<Entry, 'change'>);
      if (committedMs > 0) this.metrics.commitToSink.observe(Math.max(0, now - committedMs) / 1000);
    }
  }

  /** The whole value of a record stands elsewhere, and is fetched. */
  claimed(bytes: number): void {
    this.claims++;
    this.metrics.claims.inc();
    this.metrics.claimBytes.inc(bytes);
  }

  parked(): void {
    this.deadLetters++;
    this.metrics.deadLetters.inc();
  }

  received(bytes: number, filtered: number): void {
    this.metrics.receivedBytes.inc(bytes);
    if (filtered === 0) return;
    this.filtered += filtered;
    this.metrics.filtered.inc(filtered);
  }

  describe(): Readonly<Record<string, number>> {
    const { applied, stale, filtered, deadLetters, claims } = this;
    return { applied, stale, filtered, deadLetters, claims };
  }
}

/** When the change was committed in the source, ms since the epoch; 0 when the record does not say. */
export function committedAt({ change }: Pick<Entry, 'change'>): number {
  return Number((change instanceof EncodedChange ? change.origin : change.source)?.ts_ms ?? 0);
}
