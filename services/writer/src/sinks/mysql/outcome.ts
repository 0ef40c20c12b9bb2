import { TaplineError } from '@tapline/kernel';
import type { ApplyResult, Verdict } from '@tapline/sink';

/** What became of one change. */
export type Settled = Exclude<Verdict, 'retry' | 'poison'> | TaplineError;

/** Gathers the verdicts of a call. A change is settled once, when the transaction that it is in has been committed. */
export class Outcome {
  readonly #verdicts: (Verdict | undefined)[];
  readonly #errors = new Map<number, TaplineError>();
  #fatal: TaplineError | undefined;

  constructor(count: number) {
    this.#verdicts = new Array<Verdict | undefined>(count).fill(undefined);
  }

  settle(index: number, settled: Settled): void {
    if (settled instanceof TaplineError) {
      if (settled.disposition === 'fatal') this.#fatal ??= settled;
      this.#errors.set(index, settled);
      this.#verdicts[index] = settled.disposition === 'poison' ? 'poison' : 'retry';
    } else {
      this.#verdicts[index] = settled;
    }
  }

  /** Every change that nothing was said of yet fails with this error. */
  settleRest(indexes: Iterable<number>, error: TaplineError): void {
    for (const index of indexes) if (this.#verdicts[index] === undefined) this.settle(index, error);
  }

  /** @throws TaplineError when something failed for a reason that neither waiting nor leaving out a change mends. */
  result(): ApplyResult {
    if (this.#fatal !== undefined) throw this.#fatal;
    return { verdicts: this.#verdicts.map((verdict) => verdict ?? 'applied'), errors: this.#errors };
  }
}
