import { TaplineError } from '@tapline/kernel';
import type { Outcome } from '../../outcome.ts';

/** What became of one change, known when the transaction that it is in has been committed. */
export type Settled = 'applied' | 'stale' | TaplineError;

export function settle(outcome: Outcome, index: number, settled: Settled): void {
  if (settled instanceof TaplineError) outcome.failed(index, settled);
  else if (settled === 'stale') outcome.set(index, settled);
}
