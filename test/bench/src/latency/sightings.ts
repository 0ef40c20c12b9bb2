import { percentile } from '../report.ts';

/** When rows were committed and seen, ms on this process's clock, by id. */
export interface Sightings {
  /** Before the statement was sent. */
  readonly sent: Map<number, number>;
  /** The answer to the commit. */
  readonly committed: Map<number, number>;
  readonly inKafka: Map<number, number>;
}

/**
 * Milliseconds from the commit's answer, of the rows with ids from `from` on; a row that was seen before its writer had the answer counts as 0.
 * And from the statement's sending, which no late look at the answer can make smaller.
 */
export function latencies(
  seen: ReadonlyMap<number, number>,
  { sent, committed }: Sightings,
  from: number,
): Record<string, number> {
  const since = (start: ReadonlyMap<number, number>): number[] =>
    [...start].filter(([id]) => id >= from).map(([id, at]) => Math.max(0, (seen.get(id) ?? Number.NaN) - at));
  const samples = since(committed);
  return {
    p50Ms: percentile(samples, 0.5),
    p99Ms: percentile(samples, 0.99),
    maxMs: percentile(samples, 1),
    p99FromStatementMs: percentile(since(sent), 0.99),
  };
}

export function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]));
}
