import { TaplineError } from '@tapline/kernel';
import type { Outcome } from '../../../outcome.ts';
import { type AppendItem, appendWithin } from '../append.ts';
import type { MysqlConfig } from '../config.ts';
import { byTarget, statementsOf, unmerged, withoutStale } from '../lane.ts';
import { type Entry, type Item, stepsOf } from '../plan.ts';
import { RowByRow } from '../row-by-row.ts';
import type { Session } from '../session.ts';
import { settle } from '../settled.ts';
import type { Target } from '../target.ts';

export interface WriteOptions {
  readonly session: Session;
  readonly config: MysqlConfig;
  readonly outcome: Outcome;
  readonly signal: AbortSignal;
}

/**
 * Writes changes of rows with keys, in their order, within the open transaction: first many rows a statement, as a lane does (lane.ts), and one by one where that is refused. What is
 * refused goes back to the savepoint in front of it, and never further: the transaction is another's to end.
 */
export async function writeKeyed(items: readonly Item[], options: WriteOptions): Promise<void> {
  const { config, outcome } = options;
  if (items.length === 0) return;
  if (config.mode !== 'upsert' && config.mode !== 'replace') return rowByRow(items, options);
  const steps = stepsOf(items, (index) => outcome.set(index, 'stale'));
  const asked = new Set<Target>();
  let left = await withoutStale(steps, (target) => target.mayBeStale, asked, options);
  while (!(await merged(left, options))) {
    const fresh = await withoutStale(left, (target) => !asked.has(target), asked, options);
    if (count(fresh) === count(left)) return rowByRow(unmerged(items, left), options);
    left = fresh;
  }
}

/** False: something was refused, and nothing of it is there. */
async function merged(steps: readonly Entry[][], { session, config, signal }: WriteOptions): Promise<boolean> {
  await session.execute('SAVEPOINT merged', signal);
  try {
    for (const entries of steps) {
      for (const [target, own] of byTarget(entries)) {
        for (const sql of statementsOf(target, own, config)) await session.execute(sql, signal);
      }
    }
    return true;
  } catch (error) {
    if (!(error instanceof TaplineError) || error.disposition !== 'poison') throw error;
    await session.execute('ROLLBACK TO SAVEPOINT merged', signal);
    return false;
  }
}

async function rowByRow(items: readonly Item[], { session, config, outcome, signal }: WriteOptions): Promise<void> {
  const rows = new RowByRow(session, config.mode, signal);
  for (const item of items) settle(outcome, item.index, await rows.apply(item));
}

/** Writes changes of tables without a key, in their order. One that is refused is left out: what becomes of the transaction is for others to say. */
export async function writeAppended(items: readonly AppendItem[], options: WriteOptions): Promise<void> {
  for (let left = items; left.length > 0; ) {
    const settled = await appendWithin(left, options);
    const refused = left.findIndex(({ index }) => settled.get(index) instanceof TaplineError);
    const done = refused < 0 ? left : left.slice(0, refused + 1);
    for (const { index } of done) settle(options.outcome, index, settled.get(index) ?? 'applied');
    left = left.slice(done.length);
  }
}

function count(steps: readonly Entry[][]): number {
  return steps.reduce((sum, entries) => sum + entries.length, 0);
}
