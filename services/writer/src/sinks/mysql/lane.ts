import { backoffMs, sleep, TaplineError } from '@tapline/kernel';
import type { Outcome } from '../../outcome.ts';
import type { MysqlConfig } from './config.ts';
import { type Entry, type Item, stepsOf } from './plan.ts';
import { RowByRow } from './row-by-row.ts';
import type { Session } from './session.ts';
import { type Settled, settle } from './settled.ts';
import { claims, deletes, inserts, staleQueries, upserts } from './statements.ts';
import type { Target } from './target.ts';

/** Deadlocks and lock waits are tried again this often before the engine is told to wait. */
export const ATTEMPTS = 5;

export interface LaneOptions {
  readonly session: Session;
  readonly config: MysqlConfig;
  readonly outcome: Outcome;
  readonly signal: AbortSignal;
}

/**
 * Applies the changes of one lane as one transaction.
 *
 * First as if all were well: for each table the versions, then the rows, in statements of many rows. The statement that writes the versions is refused as a whole
 * when one is not newer, so nothing has to be read before, and what it wrote is locked until the end: two writers, or one that replays, cannot write one row
 * at a time. When something is refused all is rolled back. Then stale changes are left out, or, when a value or a unique key is the reason, the rows are
 * looked at one by one, which finds the one to blame and applies the others.
 */
export async function applyLane(items: readonly Item[], options: LaneOptions): Promise<void> {
  const { session, config, signal } = options;
  for (let attempt = 1; ; attempt++) {
    try {
      await (config.mode === 'upsert' || config.mode === 'replace'
        ? applyMerged(items, options)
        : rowByRow(items, options));
      return;
    } catch (error) {
      signal.throwIfAborted();
      await rollBack(session, signal);
      if (!(error instanceof TaplineError)) throw error;
      if (error.code !== 'SINK_MYSQL_BUSY' || attempt === ATTEMPTS || !session.usable) throw error;
      await sleep(backoffMs(attempt, { firstDelayMs: 5, maxDelayMs: 200 }), signal);
    }
  }
}

async function applyMerged(items: readonly Item[], options: LaneOptions): Promise<void> {
  const { outcome } = options;
  const steps = stepsOf(items, (index) => outcome.set(index, 'stale'));
  const asked = new Set<Target>();
  let left = await withoutStale(steps, (target) => target.mayBeStale, asked, options);
  for (;;) {
    try {
      await transaction(left, options);
      return;
    } catch (error) {
      if (!(error instanceof TaplineError) || error.disposition !== 'poison') throw error;
      await rollBack(options.session, options.signal);
      const fresh = await withoutStale(left, (target) => !asked.has(target), asked, options);
      if (count(fresh) === count(left)) return rowByRow(unmerged(items, left), options);
      left = fresh;
    }
  }
}

/** Leaves out what stands in the tables already, and tells. Without a lock: what changes meanwhile is refused in the transaction. */
export async function withoutStale(
  steps: readonly Entry[][],
  wanted: (target: Target) => boolean,
  asked: Set<Target>,
  { session, config, outcome, signal }: LaneOptions,
): Promise<Entry[][]> {
  const all = byTarget(steps.flat());
  const stale = new Set<Entry>();
  for (const [target, entries] of all) {
    if (!wanted(target)) continue;
    asked.add(target);
    const before = stale.size;
    for (const sql of staleQueries(target, entries, config)) {
      for (const [place] of await session.query(sql, signal)) stale.add(entries[Number(place)] as Entry);
    }
    target.mayBeStale = stale.size > before;
  }
  for (const { indexes } of stale) for (const index of indexes) outcome.set(index, 'stale');
  return steps.map((entries) => entries.filter((entry) => !stale.has(entry)));
}

async function transaction(steps: readonly Entry[][], { session, config, signal }: LaneOptions): Promise<void> {
  if (count(steps) === 0) return;
  await session.begin(signal);
  for (const entries of steps) {
    for (const [target, own] of byTarget(entries)) {
      for (const sql of statementsOf(target, own, config)) await session.execute(sql, signal);
    }
  }
  await session.execute('COMMIT', signal);
}

/** Deletes before rows: what is written may need the unique values of what goes. */
export function statementsOf(target: Target, entries: readonly Entry[], config: MysqlConfig): string[] {
  const gone = entries.filter(({ after }) => after === null);
  const rows = entries.flatMap(({ after }) => (after === null ? [] : [after]));
  const versions = claims(target, entries, config);
  if (config.mode === 'replace')
    return [...versions, ...deletes(target, entries, config), ...inserts(target, rows, config)];
  return [...versions, ...deletes(target, gone, config), ...upserts(target, rows, config)];
}

/** Each change for itself, so that a refused one does not take those before it with it. */
async function rowByRow(items: readonly Item[], options: LaneOptions): Promise<void> {
  const { session, signal, outcome, config } = options;
  const settled: [number, Settled][] = [];
  const rows = new RowByRow(session, config.mode, signal);
  await session.begin(signal);
  for (const item of items) settled.push([item.index, await rows.apply(item)]);
  await session.execute('COMMIT', signal);
  for (const [index, verdict] of settled) settle(outcome, index, verdict);
}

export function unmerged(items: readonly Item[], steps: readonly Entry[][]): Item[] {
  const open = new Set(steps.flat().flatMap(({ indexes }) => indexes));
  return items.filter(({ index }) => open.has(index));
}

/** A connection that does not even take a ROLLBACK is dropped, which has the same effect. */
export async function rollBack(session: Session, signal: AbortSignal): Promise<void> {
  if (!session.usable) return;
  await session.execute('ROLLBACK', signal).catch(() => session.destroy());
}

export function byTarget(entries: readonly Entry[]): Map<Target, Entry[]> {
  const tables = new Map<Target, Entry[]>();
  for (const entry of entries) {
    const own = tables.get(entry.item.target);
    if (own === undefined) tables.set(entry.item.target, [entry]);
    else own.push(entry);
  }
  return tables;
}

function count(steps: readonly Entry[][]): number {
  return steps.reduce((sum, entries) => sum + entries.length, 0);
}
