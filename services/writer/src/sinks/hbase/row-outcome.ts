import { TaplineError } from '@tapline/kernel';
import { Outcome } from '../../outcome.ts';

/** The verdicts of a call, and which rows wait: an earlier change that is to be tried again holds back the later ones of its row, which may lack columns that it has. */
export class RowOutcome extends Outcome {
  readonly #waiting = new Map<string, TaplineError>();

  failedIn(table: string, row: Buffer, index: number, error: TaplineError): void {
    this.failed(index, error);
    if (error.disposition === 'retryable') this.#waiting.set(nameOf(table, row), error);
  }

  /** Whether the change waits for an earlier one of its row. */
  heldBack(table: string, row: Buffer, index: number): boolean {
    if (this.#waiting.size === 0) return false;
    const error = this.#waiting.get(nameOf(table, row));
    if (error !== undefined) this.failed(index, error);
    return error !== undefined;
  }

  /** Does what one change alone is to blame for. @returns undefined when it failed. */
  attempt<T>(index: number, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TaplineError)) throw error;
      this.failed(index, error);
      return undefined;
    }
  }
}

function nameOf(table: string, row: Buffer): string {
  return `${table}\n${row.toString('latin1')}`;
}
