import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** One metric, declared as data so that docs/reference/metrics.md is made from the same words. Names carry their unit (`_seconds`, `_bytes`, `_total`). */
export interface MetricDeclaration {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly doc: string;
  readonly labels?: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[];
}

/** A component's metrics: `export const READER_METRICS = {…} as const satisfies MetricTable`. */
export type MetricTable = Readonly<Record<string, MetricDeclaration>>;

type LabelsOf<D> = D extends { labels: readonly (infer L extends string)[] } ? L : never;
type MetricOf<D extends MetricDeclaration> = D['type'] extends 'counter'
  ? Counter<LabelsOf<D>>
  : D['type'] extends 'gauge'
    ? Gauge<LabelsOf<D>>
    : Histogram<LabelsOf<D>>;

/** The live metrics of a table, under the same keys. */
export type MetricsOf<T extends MetricTable> = { readonly [K in keyof T]: MetricOf<T[K]> };

/** A service's registry. Declaring the same table twice gives the same metrics. Count per batch, not per row: each call hashes its labels. */
export interface Metrics {
  declare<const T extends MetricTable>(table: T): MetricsOf<T>;
  /** Reads `value` whenever somebody scrapes; the gauge must be declared in a table first. */
  sample(gauge: Gauge<never>, value: () => number): void;
  /** Metrics of a part of the service, whose series carry these labels more, on the same page. */
  child(labels: Readonly<Record<string, string>>): Metrics;
  /** The page in Prometheus' text form. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Seconds from 1 ms to 1 min: request and commit times. */
export const SECONDS_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** Every series carries the label `service`. Process metrics (CPU, RSS, event loop lag, GC) come with it. */
export function createMetrics(service: string): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return metricsOf(registry, { service });
}

function metricsOf(registry: Registry, labels: Readonly<Record<string, string>>): Metrics {
  registry.setDefaultLabels({ ...labels });
  const children: Metrics[] = [];
  const samplers = new Map<Gauge<never>, () => number>();

  function create(declaration: MetricDeclaration): Counter | Gauge | Histogram {
    const known = registry.getSingleMetric(declaration.name);
    if (known !== undefined) return known as unknown as Counter | Gauge | Histogram;
    const options = {
      name: declaration.name,
      help: declaration.doc,
      labelNames: [...(declaration.labels ?? [])],
      registers: [registry],
    };
    if (declaration.type === 'counter') return new Counter(options);
    if (declaration.type === 'histogram') {
      return new Histogram({ ...options, buckets: [...(declaration.buckets ?? SECONDS_BUCKETS)] });
    }
    return new Gauge(options);
  }

  return {
    contentType: registry.contentType,
    declare<const T extends MetricTable>(table: T): MetricsOf<T> {
      const entries = Object.entries(table).map(([key, declaration]) => [key, create(declaration)]);
      return Object.fromEntries(entries) as MetricsOf<T>;
    },
    sample(gauge, value): void {
      samplers.set(gauge, value);
    },
    child(more): Metrics {
      const child = metricsOf(new Registry(), { ...labels, ...more });
      children.push(child);
      return child;
    },
    async text(): Promise<string> {
      for (const [gauge, value] of samplers) gauge.set(value());
      const pages = [await registry.metrics()];
      for (const child of children) pages.push(await child.text());
      return children.length === 0 ? (pages[0] as string) : mergedPage(pages);
    },
  };
}

/** The format wants all series of a metric together, behind its one HELP and TYPE. */
function mergedPage(pages: readonly string[]): string {
  const metrics = new Map<string, { head: string[]; series: string[] }>();
  for (const page of pages) {
    let current: { head: string[]; series: string[] } | undefined;
    for (const line of page.split('\n')) {
      const [, kind, name = ''] = /^# (HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (kind === undefined) {
        if (line !== '') current?.series.push(line);
        continue;
      }
      current = metrics.get(name) ?? { head: [], series: [] };
      metrics.set(name, current);
      if (!current.head.some((known) => known.startsWith(`# ${kind} `))) current.head.push(line);
    }
  }
  return [...metrics.values()].flatMap(({ head, series }) => [...head, ...series, '']).join('\n');
}
