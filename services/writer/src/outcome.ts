import type { TaplineError } from '@tapline/kernel';
import { type ApplyResult, allApplied, type Verdict } from '@tapline/sink';

/** Gathers the verdicts of a call's parts; all is well until something else is said. */
export class Outcome {
  readonly #count: number;
  readonly #errors = new Map<number, TaplineError>();
  #verdicts: Verdict[] | undefined;
  #fatal: TaplineError | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  set(index: number, verdict: Verdict): void {
    this.#verdicts ??= new Array<Verdict>(this.#count).fill('applied');
    this.#verdicts[index] = verdict;
  }

  waits(index: number, why: TaplineError): void {
    this.#errors.set(index, why);
    this.set(index, 'wait');
  }

  /** The store had it already. What failed in another part stays failed. */
  stale(index: number): void {
    if (!this.#errors.has(index)) this.set(index, 'stale');
  }

  failed(index: number, error: TaplineError): void {
    if (error.disposition === 'fatal') this.#fatal ??= error;
    this.#errors.set(index, error);
    this.set(index, error.disposition === 'poison' ? 'poison' : 'retry');
  }

  /** @throws TaplineError when a part failed for a reason that neither waiting nor leaving out a row mends. */
  result(): ApplyResult {
    if (this.#fatal !== undefined) throw this.#fatal;
    return this.#verdicts === undefined ? allApplied(this.#count) : { verdicts: this.#verdicts, errors: this.#errors };
  }
}
