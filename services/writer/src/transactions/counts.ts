import type { Change } from '@tapline/sink';

/** How many changes of each table have come, by transaction. */
export class Counts {
  readonly #transactions = new Map<string, Map<string, number>>();
  #lastId = '';
  #last: Map<string, number> = new Map();

  add(transaction: string, { source }: Pick<Change, 'source'>): void {
    if (source === null) return;
    const tables = this.#of(transaction);
    const table = `${source.db}.${source.table}`;
    tables.set(table, (tables.get(table) ?? 0) + 1);
  }

  of(transaction: string, table: string): number {
    return this.#transactions.get(transaction)?.get(table) ?? 0;
  }

  forget(transaction: string): void {
    this.#transactions.delete(transaction);
    this.#lastId = '';
  }

  #of(transaction: string): Map<string, number> {
    if (transaction === this.#lastId) return this.#last;
    let tables = this.#transactions.get(transaction);
    if (tables === undefined) {
      tables = new Map();
      this.#transactions.set(transaction, tables);
    }
    this.#lastId = transaction;
    this.#last = tables;
    return tables;
  }
}
